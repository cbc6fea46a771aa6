import type { Channel } from "../client/channel.ts";
import type { Delivery, GottenMessage } from "../client/message.ts";
import { fromProperties, type ReceivedProperties } from "./plain-message.ts";

/** A message that an {@link InProcessChannel} has been given. */
export class InProcessMessage {
  readonly exchange: string;
  readonly routingKey: string;
  /** True when it may have been delivered before. */
  readonly redelivered: boolean;
  readonly properties: ReceivedProperties;
  readonly body: Buffer;
  readonly #channel: Channel;
  readonly #deliveryTag: number;

  /** @internal */
  constructor(channel: Channel, { args, properties, body }: Delivery | GottenMessage) {
    this.#channel = channel;
    this.#deliveryTag = args.deliveryTag;
    this.exchange = args.exchange;
    this.routingKey = args.routingKey;
    this.redelivered = args.redelivered;
    this.properties = fromProperties(properties);
    this.body = body;
  }

  /** The body as UTF-8 text. */
  get text(): string {
    return this.body.toString();
  }

  /** The message has been dealt with and is gone. Only once, and not after automatic acknowledgement. */
  ack(): void {
    this.#channel.ack(this.#deliveryTag);
  }

  /** The message goes back to its place in the queue or, with `requeue` false, is dropped or dead-lettered. */
  nack({ requeue = true }: { readonly requeue?: boolean } = {}): void {
    this.#channel.nack(this.#deliveryTag, requeue);
  }
}
