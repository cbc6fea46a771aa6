// Hot file: every frame of a channel passes here.

import type { Broker, ConnectionIdentity } from "../core/broker.ts";
import type { CommandContext } from "../core/commands/context.ts";
import { BrokerError } from "../core/errors.ts";
import type { Message } from "../core/message.ts";
import type { Consumer } from "../core/queue/consumer.ts";
import type { SessionOutput } from "../core/session/contract.ts";
import type { Session } from "../core/session/session.ts";
import type { UnfinishedBudget } from "../core/unfinished-budget.ts";
import { WireError } from "../wire/errors.ts";
import { FRAME_METHOD } from "../wire/frame.ts";
import type { FrameReader } from "../wire/frame-reader.ts";
import { decodeArguments, encodeMethodFrame } from "../wire/method-codec.ts";
import { METHODS, type MethodArguments, type MethodName, type MethodSpec, methodById } from "../wire/methods.ts";
import { REPLY_CODES, replyText } from "../wire/reply-codes.ts";
import { checkAcknowledgement, readDeliveryTag, readPublishAddress, writeAcknowledgement } from "./basic-codec.ts";
import { ContentAssembler } from "./content-assembler.ts";
import { prepareDeliver, writeDeliver, writeMessageContent } from "./delivery-writer.ts";
import { MessageBuilder } from "./message-builder.ts";
import type { MethodChannel } from "./methods/handler.ts";
import { handleMethod } from "./methods/handlers.ts";
import type { Outbox } from "./outbox.ts";

const BASIC = METHODS["basic.publish"].classId;
const PUBLISH = METHODS["basic.publish"].methodId;
const ACK = METHODS["basic.ack"].methodId;
const NACK = METHODS["basic.nack"].methodId;

/** A connection as its channels see it. */
export interface ChannelHost {
  readonly broker: Broker;
  readonly identity: ConnectionIdentity;
  readonly outbox: Outbox;
  /** The largest frame the client takes; 0: any. */
  readonly frameBytesMax: number;
  /** Whether the client wants to be told when a consumer's queue has gone. */
  readonly consumerCancelNotify: boolean;
  /** What its channels keep of messages that are not complete. */
  readonly unfinished: UnfinishedBudget;
  /** Set when a message has been published. */
  published: boolean;
  /** Reads nothing more until `resumeInput` is called with the same reason. */
  holdInput(reason: object): void;
  resumeInput(reason: object): void;
  /** Runs `action` after the reply to the method at hand, or at once when there is none. */
  afterReply(action: () => void): void;
  /** Ends a channel that the client has closed. */
  removeChannel(channel: Channel): void;
  /** Closes a channel because of something that no method of the client has led to. */
  failChannel(channel: Channel, error: BrokerError): void;
}

/** An AMQP 0-9-1 channel: turns its frames into commands on a session, and what the session says into frames. */
export class Channel implements SessionOutput, MethodChannel {
  readonly number: number;
  readonly connection: ChannelHost;
  readonly session: Session;
  lastQueueName: string | undefined;
  /** True once either side has closed the channel: nothing more of it is sent, but what belongs to the closing. */
  closing = false;
  /** The method being carried out, for the close that an error in it leads to. */
  classId = 0;
  methodId = 0;
  readonly #content: ContentAssembler;
  #mandatory = false;
  /** Sends the reply that waits for something to become durable. */
  #pendingReply: (() => void) | undefined;

  constructor(number: number, connection: ChannelHost) {
    const { messageBytesMax, frameBytesMax } = connection.broker.limits;
    this.number = number;
    this.connection = connection;
    this.session = connection.broker.openSession(connection.identity, this);
    const builder = new MessageBuilder(frameBytesMax, connection.broker.arenas, connection.unfinished);
    this.#content = new ContentAssembler(messageBytesMax, frameBytesMax, builder);
  }

  /**
   * Takes one frame.
   *
   * @throws WireError or BrokerError; `classId` and `methodId` tell in which method
   */
  takeFrame(reader: FrameReader): void {
    if (this.#content.active) {
      if (this.#content.take(reader)) this.#publish();
    } else if (reader.type === FRAME_METHOD) {
      this.#takeMethod(reader);
    } else {
      throw new WireError("UNEXPECTED_FRAME", "expected method frame, got non method frame instead");
    }
  }

  remove(): void {
    this.connection.removeChannel(this);
  }

  /** Ends the channel: no frame of it is sent or acted on afterwards. */
  close(): void {
    if (this.#pendingReply !== undefined) this.connection.broker.barrier.forget(this.#pendingReply);
    this.#pendingReply = undefined;
    this.#content.abandon();
    this.session.close();
  }

  send<N extends MethodName>(name: N, args: MethodArguments<N>): void {
    this.connection.outbox.write(encodeMethodFrame(this.number, name, args));
  }

  get commandContext(): CommandContext {
    return this.connection.broker.commandContext(this.connection.identity);
  }

  queueName(name: string): string {
    if (name !== "") return name;
    if (this.lastQueueName === undefined) throw new BrokerError("NOT_FOUND", "no previously declared queue");
    return this.lastQueueName;
  }

  bindingNames(queue: string, routingKey: string): { queue: string; routingKey: string } {
    const name = this.queueName(queue);
    return { queue: name, routingKey: queue === "" && routingKey === "" ? name : routingKey };
  }

  sendWhenDurable<N extends MethodName>(name: N, args: MethodArguments<N>): void {
    this.sendAfter((done) => this.connection.broker.barrier.whenDefinitionsDurable(done), name, args);
  }

  sendWhenAllDurable<N extends MethodName>(name: N, args: MethodArguments<N>): void {
    this.sendAfter((done) => this.connection.broker.barrier.whenDurable(done), name, args);
  }

  sendAfter<N extends MethodName>(wait: (done: () => void) => void, name: N, args: MethodArguments<N>): void {
    let done = false;
    const reply = (): void => {
      done = true;
      this.#pendingReply = undefined;
      if (!this.closing) this.send(name, args);
      this.connection.resumeInput(this);
    };
    wait(reply);
    if (done) return;
    this.#pendingReply = reply;
    this.connection.holdInput(this);
  }

  // --- SessionOutput ---

  get writable(): boolean {
    return this.connection.outbox.writable;
  }

  deliver(consumer: Consumer, deliveryTag: number, redelivered: boolean, message: Message): void {
    consumer.prepared ??= prepareDeliver(this.number, consumer.tag);
    const { outbox, frameBytesMax } = this.connection;
    writeDeliver(outbox, consumer.prepared, this.number, deliveryTag, redelivered, message, frameBytesMax);
  }

  returned(message: Message): void {
    this.send("basic.return", {
      replyCode: REPLY_CODES.NO_ROUTE.code,
      replyText: "NO_ROUTE",
      exchange: message.exchangeName,
      routingKey: message.routingKey,
    });
    this.sendContent(message);
  }

  confirmed(publishSequence: number, multiple: boolean): void {
    if (!this.closing) writeAcknowledgement(this.connection.outbox, this.number, ACK, publishSequence, multiple);
  }

  refused(publishSequence: number, multiple: boolean): void {
    if (!this.closing) writeAcknowledgement(this.connection.outbox, this.number, NACK, publishSequence, multiple);
  }

  consumerCancelled(consumerTag: string): void {
    if (!this.connection.consumerCancelNotify || this.closing) return;
    this.connection.afterReply(() => {
      if (!this.closing) this.send("basic.cancel", { consumerTag, noWait: true });
    });
  }

  /** RabbitMQ 4.3: a client that has no consumer any more, or does not know basic.cancel, loses the channel. */
  consumerTimedOut(consumerTag: string | undefined, timeoutMilliseconds: number): void {
    if (this.closing) return;
    if (consumerTag !== undefined && this.connection.consumerCancelNotify) {
      this.send("basic.cancel", { consumerTag, noWait: true });
      return;
    }
    this.classId = 0;
    this.methodId = 0;
    const explanation =
      `delivery acknowledgement on channel ${this.number} timed out. Timeout value used: ${timeoutMilliseconds} ms. ` +
      "This timeout value can be configured, see consumers doc guide to learn more";
    this.connection.failChannel(this, new BrokerError("PRECONDITION_FAILED", explanation));
  }

  sendContent(message: Message): void {
    writeMessageContent(this.connection.outbox, this.number, message, this.connection.frameBytesMax);
  }

  /** The arguments of the channel.close for an error on this channel. */
  closeArguments(error: BrokerError): MethodArguments<"channel.close"> {
    return {
      replyCode: error.replyCode,
      replyText: replyText(error.replyName, error.message),
      classId: this.classId,
      methodId: this.methodId,
    };
  }

  #takeMethod(reader: FrameReader): void {
    const { buffer, payloadStart, payloadEnd } = reader;
    const classId = ((buffer[payloadStart] as number) << 8) | (buffer[payloadStart + 1] as number);
    const methodId = ((buffer[payloadStart + 2] as number) << 8) | (buffer[payloadStart + 3] as number);
    this.classId = classId;
    this.methodId = methodId;
    if (classId === BASIC && methodId === PUBLISH) {
      this.#beginPublish(buffer, payloadStart + 4, payloadEnd);
      return;
    }
    if (classId === BASIC && methodId === ACK) {
      checkAcknowledgement(buffer, payloadStart + 4, payloadEnd);
      const multiple = ((buffer[payloadEnd - 1] as number) & 1) !== 0;
      this.session.acknowledge(readDeliveryTag(buffer, payloadStart + 4), multiple, "accepted");
      return;
    }
    const spec = methodById(classId, methodId);
    if (spec === undefined) {
      throw new WireError("COMMAND_INVALID", `unknown method ${classId}.${methodId}`, classId, methodId);
    }
    const { tableLimits } = this.connection.broker;
    handleMethod(this, spec as MethodSpec, decodeArguments(spec, buffer, payloadStart + 4, payloadEnd, tableLimits));
  }

  #beginPublish(buffer: Buffer, start: number, end: number): void {
    const addressEnd = readPublishAddress(buffer, start, end);
    const bits = buffer[addressEnd] as number;
    if ((bits & 2) !== 0) throw new BrokerError("NOT_IMPLEMENTED", "immediate=true");
    this.#mandatory = (bits & 1) !== 0;
    this.#content.begin(buffer, start + 2, addressEnd);
  }

  #publish(): void {
    this.connection.published = true;
    this.session.publish(this.#content.message, this.#mandatory);
    this.#content.release();
  }
}
