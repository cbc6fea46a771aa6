import { encodeMethodFrame } from "../wire/method-codec.ts";
import type { MethodArguments, MethodName } from "../wire/methods.ts";
import type { Properties } from "../wire/properties.ts";
import { completeArguments, type Request, type SomeArguments } from "./arguments.ts";
import { Confirms } from "./confirms.ts";
import { ContentAssembler } from "./content-assembler.ts";
import { ChannelClosedError } from "./errors.ts";
import {
  type ContentMethod,
  type Delivery,
  type GottenMessage,
  isContentMethod,
  type ReceivedMessage,
  type ReturnedMessage,
} from "./message.ts";
import type { Outgoing } from "./outgoing.ts";
import { PendingReplies } from "./pending-replies.ts";
import { type PublishAddress, Publisher } from "./publisher.ts";

interface Consumer {
  readonly onDelivery: (delivery: Delivery) => void;
  readonly onCancel: (() => void) | undefined;
}

const CLOSED_HERE = { replyCode: 200, replyText: "OK", classId: 0, methodId: 0 };

/**
 * A channel of a {@link Client}. Every method throws, or rejects with, the error that closed the channel once it is
 * closed. Callbacks run synchronously, while the frames that brought them are read; one that throws ends the connection.
 */
export class Channel {
  readonly number: number;
  /** Settles, and never fails, with the error that closed the channel. */
  readonly closed: Promise<Error>;
  /** Called for every mandatory message that no queue took. */
  onReturn: ((message: ReturnedMessage) => void) | undefined;
  /** Called for every basic.ack (`accepted`) and basic.nack of the broker in confirm mode. */
  onConfirm: ((deliveryTag: number, multiple: boolean, accepted: boolean) => void) | undefined;
  readonly #outgoing: Outgoing;
  readonly #frameBytesMax: number;
  readonly #replies = new PendingReplies();
  readonly #contents = new ContentAssembler();
  readonly #consumers = new Map<string, Consumer>();
  #confirms: Confirms | undefined;
  #closeError: Error | undefined;
  /** Settles {@link close}, which waits for close-ok. */
  #closing: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined;
  #settleClosed: (error: Error) => void = () => {};

  /** For the client only: use {@link Client.openChannel}. */
  constructor(number: number, outgoing: Outgoing, frameBytesMax: number) {
    this.number = number;
    this.#outgoing = outgoing;
    this.#frameBytesMax = frameBytesMax;
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
  }

  /** Sends a method without waiting for a reply; arguments left out are empty, zero or false. */
  send<N extends MethodName>(name: N, args: SomeArguments<N> = {}): void {
    this.#assertOpen();
    this.#write(name, args);
  }

  /** Sends a method and waits for its `-ok`, whose arguments are the result. */
  async call<N extends Request>(name: N, args: SomeArguments<N> = {}): Promise<MethodArguments<`${N}-ok`>> {
    this.send(name, args);
    return this.#replies.expect([`${name}-ok`], (_, reply) => reply as MethodArguments<`${N}-ok`>);
  }

  /** Puts the channel in confirm mode: from now on the broker confirms every publish. */
  async confirmSelect(): Promise<void> {
    this.send("confirm.select");
    await this.#replies.expect(["confirm.select-ok"], () => {
      this.#confirms ??= new Confirms();
    });
  }

  /** Publishes of the channel that the broker has not confirmed yet. */
  get unconfirmedCount(): number {
    return this.#confirms?.outstandingCount ?? 0;
  }

  /** Publishes a message. Returns its sequence number, from 1, in confirm mode; else 0. */
  publish(address: PublishAddress, body: Uint8Array, properties: Properties = {}): number {
    return this.publisher(address, properties).publish(body);
  }

  /**
   * Publishes a message in confirm mode and waits for the confirm.
   *
   * @throws PublishRejectedError for basic.nack
   */
  async publishConfirmed(address: PublishAddress, body: Uint8Array, properties: Properties = {}): Promise<void> {
    const confirms = this.#requireConfirms();
    await confirms.confirmed(this.publish(address, body, properties));
  }

  /** For many messages with the same address and properties. */
  publisher(address: PublishAddress, properties: Properties = {}): Publisher {
    return new Publisher(this.#outgoing, this.number, this.#frameBytesMax, address, properties, () => {
      this.#assertOpen();
      return this.#confirms === undefined ? 0 : this.#confirms.published();
    });
  }

  /**
   * Waits until every publish is confirmed.
   *
   * @throws PublishRejectedError when the broker has rejected one since the last call, other than by publishConfirmed
   */
  async allConfirmed(): Promise<void> {
    this.#assertOpen();
    await this.#requireConfirms().allConfirmed();
  }

  /** Waits until the stream takes more without buffering; for publishers that are faster than the network. */
  drained(): Promise<void> {
    return this.#outgoing.drained();
  }

  /**
   * Starts a consumer; returns its tag, which the broker makes up when none is given.
   *
   * @param onCancel called when the broker cancels the consumer, because its queue is gone
   */
  async consume(
    args: SomeArguments<"basic.consume">,
    onDelivery: (delivery: Delivery) => void,
    onCancel?: () => void,
  ): Promise<string> {
    this.send("basic.consume", { ...args, noWait: false });
    return this.#replies.expect(["basic.consume-ok"], (_, reply) => {
      const { consumerTag } = reply as MethodArguments<"basic.consume-ok">;
      this.#consumers.set(consumerTag, { onDelivery, onCancel });
      return consumerTag;
    });
  }

  /** Stops a consumer. Deliveries may come until this is settled. */
  async cancel(consumerTag: string): Promise<void> {
    this.send("basic.cancel", { consumerTag });
    await this.#replies.expect(["basic.cancel-ok"], () => this.#consumers.delete(consumerTag));
  }

  /** Takes one message from a queue; undefined when there is none. */
  async get(args: SomeArguments<"basic.get">): Promise<GottenMessage | undefined> {
    this.send("basic.get", args);
    return this.#replies.expect(["basic.get-ok", "basic.get-empty"], (name, reply) =>
      name === "basic.get-ok" ? (reply as GottenMessage) : undefined,
    );
  }

  ack(deliveryTag: number, multiple = false): void {
    this.send("basic.ack", { deliveryTag, multiple });
  }

  nack(deliveryTag: number, requeue: boolean, multiple = false): void {
    this.send("basic.nack", { deliveryTag, multiple, requeue });
  }

  reject(deliveryTag: number, requeue: boolean): void {
    this.send("basic.reject", { deliveryTag, requeue });
  }

  /** Closes the channel; its unacknowledged deliveries go back to their queues. */
  async close(): Promise<void> {
    this.send("channel.close", CLOSED_HERE);
    await new Promise<void>((resolve, reject) => {
      this.#closing = { resolve, reject };
    });
  }

  /** For the client only: takes a method frame of the channel. */
  onMethod(name: MethodName, args: MethodArguments<MethodName>): void {
    if (isContentMethod(name)) {
      this.#contents.begin(name, args as MethodArguments<ContentMethod>);
    } else if (name === "basic.ack" || name === "basic.nack") {
      const { deliveryTag, multiple } = args as MethodArguments<"basic.ack">;
      this.#confirms?.settle(deliveryTag, multiple, name === "basic.ack");
      this.onConfirm?.(deliveryTag, multiple, name === "basic.ack");
    } else if (name === "basic.cancel") {
      this.#onCancel((args as MethodArguments<"basic.cancel">).consumerTag);
    } else if (name === "channel.close") {
      this.#onClose(new ChannelClosedError(args as MethodArguments<"channel.close">));
    } else if (name === "channel.close-ok") {
      this.#closing?.resolve();
      this.fail(new ChannelClosedError(CLOSED_HERE));
    } else if (name === "channel.flow") {
      this.#write("channel.flow-ok", args as MethodArguments<"channel.flow">);
    } else {
      this.#replies.settle(name, args);
    }
  }

  /** For the client only: takes the payload of a header or body frame of the channel. */
  onContentFrame(frameType: number, payload: Buffer): void {
    const { name } = this.#contents;
    const message = this.#contents.push(frameType, payload);
    if (message === undefined) return;
    if (name === "basic.deliver") {
      const delivery = message as Delivery;
      this.#consumers.get(delivery.args.consumerTag)?.onDelivery(delivery);
    } else if (name === "basic.return") {
      this.onReturn?.(message as ReturnedMessage);
    } else {
      this.#replies.settle("basic.get-ok", message as ReceivedMessage<"basic.get-ok">);
    }
  }

  /** For the client only: the channel is gone. */
  fail(error: Error): void {
    if (this.#closeError !== undefined) return;
    this.#closeError = error;
    this.#consumers.clear();
    this.#replies.fail(error);
    this.#confirms?.fail(error);
    this.#closing?.reject(error);
    this.#settleClosed(error);
  }

  #onClose(error: ChannelClosedError): void {
    this.#write("channel.close-ok", {});
    // When the closes have crossed, the number is in use until the broker has answered ours.
    if (this.#closing === undefined) this.fail(error);
    else this.#replies.fail(error);
  }

  #write<N extends MethodName>(name: N, args: SomeArguments<N>): void {
    this.#outgoing.write(encodeMethodFrame(this.number, name, completeArguments(name, args)));
  }

  #onCancel(consumerTag: string): void {
    const consumer = this.#consumers.get(consumerTag);
    this.#consumers.delete(consumerTag);
    consumer?.onCancel?.();
  }

  #requireConfirms(): Confirms {
    if (this.#confirms === undefined) throw new Error("the channel is not in confirm mode");
    return this.#confirms;
  }

  #assertOpen(): void {
    if (this.#closeError !== undefined) throw this.#closeError;
    if (this.#closing !== undefined) throw new ChannelClosedError(CLOSED_HERE);
  }
}
