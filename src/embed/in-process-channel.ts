import type { Duplex } from "node:stream";
import type { Channel } from "../client/channel.ts";
import { Client } from "../client/client.ts";
import type { Delivery, ReturnedMessage } from "../client/message.ts";
import type { Clock } from "../lib/clock.ts";
import { InProcessMessage } from "./in-process-message.ts";
import {
  fromProperties,
  type MessageProperties,
  type PlainTable,
  type ReceivedProperties,
  toOctets,
  toProperties,
  toTable,
} from "./plain-message.ts";

/** Who an in-process channel acts for, and where. */
export interface InProcessChannelOptions {
  /** "guest" unless told. */
  readonly username?: string;
  /** "guest" unless told. */
  readonly password?: string;
  /** "/" unless told. */
  readonly vhost?: string;
}

export interface QueueDeclaration {
  readonly durable?: boolean;
  readonly exclusive?: boolean;
  readonly autoDelete?: boolean;
  /** Only asks for a queue that is there. */
  readonly passive?: boolean;
  readonly arguments?: PlainTable;
}

export interface ExchangeDeclaration {
  readonly durable?: boolean;
  readonly autoDelete?: boolean;
  readonly internal?: boolean;
  /** Only asks for an exchange that is there. */
  readonly passive?: boolean;
  readonly arguments?: PlainTable;
}

/** What a queue is told to be when it has been declared. */
export interface DeclaredQueue {
  readonly name: string;
  /** Messages ready. */
  readonly messageCount: number;
  readonly consumerCount: number;
}

export interface PublishOptions extends MessageProperties {
  /** Asks for the message back, through {@link InProcessChannel.onReturn}, when no queue takes it. */
  readonly mandatory?: boolean;
}

export interface ConsumeOptions {
  /** Made up when it is not given. */
  readonly consumerTag?: string;
  /** Messages count as acknowledged when they are delivered. */
  readonly noAck?: boolean;
  readonly exclusive?: boolean;
  /** Deliveries that may be unacknowledged at one time; 0, which is used unless told: any number. */
  readonly prefetch?: number;
  readonly arguments?: PlainTable;
  /** Called when the broker ends the consumer, because its queue is gone. */
  readonly onCancel?: () => void;
}

/** A consumer that runs until it is cancelled. */
export interface InProcessConsumer {
  readonly consumerTag: string;
  cancel(): Promise<void>;
}

/** A mandatory message that no queue took. */
export interface ReturnedInProcess {
  readonly replyText: string;
  readonly exchange: string;
  readonly routingKey: string;
  readonly properties: ReceivedProperties;
  readonly body: Buffer;
}

/**
 * A channel to a broker of the same process, with no socket in between: a connection and one AMQP 0-9-1 channel in
 * confirm mode. What the broker refuses closes it, as any channel, and then every method rejects with the reason: a
 * ChannelClosedError or ConnectionClosedError, or a ConnectionLostError when there was none.
 */
export class InProcessChannel {
  /** Called for every mandatory message that no queue took, before its publish resolves. */
  onReturn: ((message: ReturnedInProcess) => void) | undefined;
  readonly #client: Client;
  readonly #channel: Channel;

  private constructor(client: Client, channel: Channel) {
    this.#client = client;
    this.#channel = channel;
    channel.onReturn = ({ args, properties, body }: ReturnedMessage) => {
      const { replyText, exchange, routingKey } = args;
      this.onReturn?.({ replyText, exchange, routingKey, properties: fromProperties(properties), body });
    };
  }

  /**
   * @throws ConnectionClosedError when the login or the virtual host is refused
   * @internal
   */
  static async open(stream: Duplex, options: InProcessChannelOptions, clock: Clock): Promise<InProcessChannel> {
    const client = await Client.connect(stream, { ...options, heartbeatSeconds: 0 }, clock);
    const channel = await client.openChannel();
    await channel.confirmSelect();
    return new InProcessChannel(client, channel);
  }

  /** Declares a queue; with the name "" the broker makes one up. */
  async declareQueue(name: string, declaration: QueueDeclaration = {}): Promise<DeclaredQueue> {
    const args = { ...declaration, queue: name, arguments: toTable(declaration.arguments) };
    const { queue, messageCount, consumerCount } = await this.#channel.call("queue.declare", args);
    return { name: queue, messageCount, consumerCount };
  }

  /** Declares an exchange of a type such as "direct", "topic", "fanout" or "headers". */
  async declareExchange(name: string, type: string, declaration: ExchangeDeclaration = {}): Promise<void> {
    const args = { ...declaration, exchange: name, type, arguments: toTable(declaration.arguments) };
    await this.#channel.call("exchange.declare", args);
  }

  /** Has an exchange route messages to a queue; what `routingKey` means depends on the exchange's type. */
  async bindQueue(queue: string, exchange: string, routingKey = "", bindingArguments: PlainTable = {}): Promise<void> {
    await this.#channel.call("queue.bind", { queue, exchange, routingKey, arguments: toTable(bindingArguments) });
  }

  /** Removes the binding with just these arguments, if it is there. */
  async unbindQueue(
    queue: string,
    exchange: string,
    routingKey = "",
    bindingArguments: PlainTable = {},
  ): Promise<void> {
    await this.#channel.call("queue.unbind", { queue, exchange, routingKey, arguments: toTable(bindingArguments) });
  }

  /** Has the exchange `source` route messages to the exchange `destination`. */
  async bindExchange(
    destination: string,
    source: string,
    routingKey = "",
    bindingArguments: PlainTable = {},
  ): Promise<void> {
    const args = { destination, source, routingKey, arguments: toTable(bindingArguments) };
    await this.#channel.call("exchange.bind", args);
  }

  /** Removes a queue, if it is there; returns how many messages were ready. */
  async deleteQueue(queue: string): Promise<number> {
    return (await this.#channel.call("queue.delete", { queue })).messageCount;
  }

  /** Removes an exchange, if it is there. */
  async deleteExchange(exchange: string): Promise<void> {
    await this.#channel.call("exchange.delete", { exchange });
  }

  /** Removes the messages of a queue that are ready; returns how many there were. */
  async purgeQueue(queue: string): Promise<number> {
    return (await this.#channel.call("queue.purge", { queue })).messageCount;
  }

  /**
   * Publishes a message; resolves when the broker has confirmed it: stored durably where it is to be.
   *
   * @throws PublishRejectedError when the broker has not taken it (basic.nack)
   */
  async publish(
    exchange: string,
    routingKey: string,
    body: string | Uint8Array,
    { mandatory = false, ...properties }: PublishOptions = {},
  ): Promise<void> {
    const address = { exchange, routingKey, mandatory };
    await this.#channel.publishConfirmed(address, toOctets(body), toProperties(properties));
  }

  /** Publishes a message straight into a queue. @throws PublishRejectedError */
  async sendToQueue(queue: string, body: string | Uint8Array, options?: PublishOptions): Promise<void> {
    await this.publish("", queue, body, options);
  }

  /** Hands messages to `onMessage` as they come, until the consumer is cancelled. */
  async consume(
    queue: string,
    onMessage: (message: InProcessMessage) => void,
    options: ConsumeOptions = {},
  ): Promise<InProcessConsumer> {
    const { prefetch = 0, onCancel, ...rest } = options;
    const request = { ...rest, queue, arguments: toTable(rest.arguments) };
    const handle = (delivery: Delivery): void => onMessage(new InProcessMessage(this.#channel, delivery));
    // Sent in one go: the limit is for the next consumer, which must not be one that is started meanwhile.
    const [, consumerTag] = await Promise.all([
      this.#channel.call("basic.qos", { prefetchCount: prefetch }),
      this.#channel.consume(request, handle, onCancel),
    ]);
    return { consumerTag, cancel: () => this.#channel.cancel(consumerTag) };
  }

  /** Takes the next message of a queue; undefined when none is ready. */
  async get(
    queue: string,
    { noAck = false }: { readonly noAck?: boolean } = {},
  ): Promise<InProcessMessage | undefined> {
    const message = await this.#channel.get({ queue, noAck });
    return message === undefined ? undefined : new InProcessMessage(this.#channel, message);
  }

  /** Closes the channel; what it has not acknowledged goes back to its queues. */
  async close(): Promise<void> {
    await this.#client.close();
  }
}
