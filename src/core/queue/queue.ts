// Hot file: push and drain run for every message that reaches a queue.

import type { Clock } from "../../lib/clock.ts";
import type { FieldTable } from "../../wire/field-table.ts";
import type { Destination } from "../destination.ts";
import { BrokerError } from "../errors.ts";
import { Message } from "../message.ts";
import type { ChunkDescriptor, ChunkSettlement } from "../ports.ts";
import type { Receipt } from "../receipt.ts";
import type { Drainable, Turn } from "../turn.ts";
import type { LogEnvironment } from "./chunk-storage.ts";
import { type ConsumedQueue, Consumer, type ConsumerOptions, type DeliverySink } from "./consumer.ts";
import { ConsumerSet } from "./consumer-set.ts";
import { ExpiryTimer } from "./expiry-timer.ts";
import { MessageLog } from "./message-log.ts";
import { type QueueLimits, queueLimits } from "./queue-limits.ts";

/** Most messages a queue hands out in one turn, so that none starves the others. */
const DRAIN_MESSAGES_MAX = 1024;

export interface QueueOptions {
  /** Unique among the queues of the broker; the store's name for it. */
  readonly id: number;
  readonly name: string;
  readonly vhostName: string;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  /** The connection that alone may use it; undefined: not exclusive. */
  readonly exclusiveOwner: object | undefined;
  readonly arguments: FieldTable;
}

/** What every queue of a broker shares. */
export interface QueueEnvironment extends LogEnvironment {
  readonly turn: Turn;
  readonly clock: Clock;
}

/** A queue: a log of messages, and the consumers that share it. */
export class Queue implements Destination, ConsumedQueue, Drainable {
  readonly id: number;
  readonly name: string;
  readonly vhostName: string;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly exclusiveOwner: object | undefined;
  readonly arguments: FieldTable;
  /** Called when the last consumer of an auto-delete queue is gone. */
  onUnused: (() => void) | undefined;
  /** Called when the queue has been dropped. */
  onDropped: (() => void) | undefined;
  readonly #log: MessageLog;
  readonly #turn: Turn;
  readonly #consumers = new ConsumerSet();
  readonly #message = new Message();
  readonly #clock: Clock;
  readonly #limits: QueueLimits;
  readonly #expiry: ExpiryTimer;
  /** True once the queue may hold messages that expire. */
  #expiring: boolean;
  /** True from recovery to the first look at what has been recovered. */
  #recovered = false;
  #drainRequested = false;
  #dropped = false;
  /** Whether the message that the last {@link get} took may have been delivered before. */
  gotRedelivered = false;

  constructor(options: QueueOptions, environment: QueueEnvironment) {
    this.id = options.id;
    this.name = options.name;
    this.vhostName = options.vhostName;
    this.durable = options.durable;
    this.autoDelete = options.autoDelete;
    this.exclusiveOwner = options.exclusiveOwner;
    this.arguments = options.arguments;
    this.#turn = environment.turn;
    this.#clock = environment.clock;
    this.#limits = queueLimits(options.arguments);
    this.#expiring = this.#limits.messageTtlMilliseconds !== undefined;
    this.#expiry = new ExpiryTimer(environment.clock, () => this.#lookAtHead());
    this.#log = new MessageLog(options.id, options.durable, environment);
  }

  /** Messages that can be delivered now. */
  get readyCount(): number {
    return this.#log.readyCount;
  }

  /** Octets of their bodies. */
  get readyBytes(): number {
    return this.#log.readyBytes;
  }

  /** Messages delivered and not yet acknowledged. */
  get unackedCount(): number {
    return this.#log.unsettledCount;
  }

  get consumerCount(): number {
    return this.#consumers.size;
  }

  /** Takes over what recovery found. */
  recoverChunk(chunk: ChunkDescriptor, settlement: ChunkSettlement | undefined): void {
    this.#log.recoverChunk(chunk, settlement);
    // Whether it holds messages that expire is known only when it is read.
    this.#recovered = true;
    this.#expiring = true;
    this.#expiry.arm(this.#clock.now());
  }

  /** See {@link MessageLog.recoverDelivered}. */
  recoverDelivered(sequence: number): void {
    this.#log.recoverDelivered(sequence);
  }

  /** Adds `message`, or hands it straight to a consumer when none waits before it. */
  push(message: Message, receipt: Receipt | undefined, publishSequence: number): void {
    if (this.#dropped) {
      receipt?.stored(publishSequence);
      return;
    }
    if (this.#limits.overflow === "reject-publish" && this.refuses(1, message.bodyBytes)) {
      receipt?.refused(publishSequence);
      return;
    }
    const consumer = this.#log.readyCount === 0 && this.#consumers.mayBeReady ? this.#consumers.next() : undefined;
    if (consumer === undefined) {
      this.#append(message, receipt, publishSequence);
    } else if (consumer.noAck) {
      consumer.sink.deliver(consumer, message, -1, false);
      receipt?.stored(publishSequence);
    } else {
      this.#record(message, receipt, publishSequence);
      this.#deliverTo(consumer);
    }
  }

  refuses(count: number, bodyBytes: number): boolean {
    const { overflow, lengthMax, lengthBytesMax } = this.#limits;
    if (overflow !== "reject-publish") return false;
    return (
      (lengthMax !== undefined && this.#log.readyCount + count > lengthMax) ||
      (lengthBytesMax !== undefined && this.#log.readyBytes + bodyBytes > lengthBytesMax)
    );
  }

  /** Hands ready messages to consumers that can take them, as many as one turn allows. */
  drain(): void {
    this.#drainRequested = false;
    if (this.#dropped) return;
    for (let budget = DRAIN_MESSAGES_MAX; budget > 0; budget--) {
      if (this.#expiring) this.#expireHead();
      if (this.#log.readyCount === 0) return;
      const consumer = this.#consumers.next();
      if (consumer === undefined || !this.#deliverTo(consumer)) return;
    }
    this.#requestDrain();
  }

  /**
   * Adds a consumer.
   * @throws BrokerError ACCESS_REFUSED when it or one that is there wants to be the only one
   */
  consume(sink: DeliverySink, options: ConsumerOptions): Consumer {
    if ((options.exclusive && this.#consumers.size > 0) || this.#consumers.hasExclusive) {
      throw new BrokerError("ACCESS_REFUSED", `queue '${this.name}' in vhost '${this.vhostName}' in exclusive use`);
    }
    const consumer = new Consumer(this, sink, options);
    this.#consumers.add(consumer);
    this.#requestDrain();
    return consumer;
  }

  /** Removes a consumer. Its unacknowledged messages stay with its session. */
  cancel(consumer: Consumer): void {
    if (!this.#consumers.remove(consumer)) return;
    if (this.#consumers.size === 0 && this.autoDelete) this.onUnused?.();
    else this.consumerReady();
  }

  /** A consumer of this queue may be able to take messages again. */
  consumerReady(): void {
    this.#consumers.wake();
    this.#requestDrain();
  }

  /** Takes the next ready message, if there is one, into `message`; returns its sequence number or -1. */
  get(message: Message): number {
    if (this.#expiring) this.#expireHead();
    if (!this.#log.peek(message)) return -1;
    this.gotRedelivered = this.#log.peekedRedelivered;
    return this.#log.take(message);
  }

  /** A delivered message is done with. */
  settle(sequence: number, persistent: boolean, bodyBytes: number): void {
    if (!this.#dropped) this.#log.settle(sequence, persistent, bodyBytes);
  }

  /** A delivered message is ready again, at its old place. */
  requeue(sequence: number, bodyBytes: number): void {
    if (this.#dropped) return;
    this.#log.requeue(sequence, bodyBytes);
    if (this.#expiring) this.#expireHead();
    this.#dropExcess();
    this.#requestDrain();
  }

  /** Removes the ready messages and returns how many there were. */
  purge(): number {
    const purged = this.#log.purge(this.#message);
    this.#message.release();
    return purged;
  }

  /** Sets no timer any more: the broker is closing. */
  stop(): void {
    this.#expiry.cancel();
  }

  /** Removes everything and cancels the consumers; returns how many messages were ready. The queue accepts nothing afterwards. */
  drop(): number {
    const readyCount = this.#log.readyCount;
    this.#dropped = true;
    this.#log.drop();
    this.#expiry.cancel();
    for (const consumer of [...this.#consumers]) {
      this.#consumers.remove(consumer);
      consumer.sink.consumerCancelled(consumer);
    }
    this.onDropped?.();
    return readyCount;
  }

  /** Adds a message that no consumer can take now. */
  #append(message: Message, receipt: Receipt | undefined, publishSequence: number): void {
    this.#record(message, receipt, publishSequence);
    if (this.#expiring) this.#expireHead();
    this.#dropExcess();
  }

  /** Writes a message into the log, with the time at which it expires here. */
  #record(message: Message, receipt: Receipt | undefined, publishSequence: number): void {
    const ownExpiresAt = message.expiresAt;
    const { messageTtlMilliseconds } = this.#limits;
    if (messageTtlMilliseconds !== undefined) {
      const expiresAt = message.publishedAt + messageTtlMilliseconds;
      if (ownExpiresAt === 0 || expiresAt < ownExpiresAt) message.expiresAt = expiresAt;
    }
    this.#log.append(message, receipt, publishSequence);
    if (message.expiresAt !== 0) this.#expiring = true;
    message.expiresAt = ownExpiresAt;
  }

  #lookAtHead(): void {
    this.#expireHead();
    // All queues are looked at after a start; kept in memory, their heads might be too much for it.
    if (this.#recovered) this.#log.rest();
    this.#recovered = false;
  }

  /** Drops the messages at the head whose time is over, and sees to it that the next is dropped when its time comes. */
  #expireHead(): void {
    const message = this.#message;
    while (this.#log.peek(message)) {
      if (message.expiresAt === 0) break;
      if (message.expiresAt > this.#clock.now()) {
        this.#expiry.arm(message.expiresAt);
        break;
      }
      this.#dropHead();
    }
    message.release();
  }

  /** x-overflow drop-head: drops the oldest messages until the queue is within its limits. */
  #dropExcess(): void {
    const { overflow, lengthMax, lengthBytesMax } = this.#limits;
    if (overflow !== "drop-head" || (lengthMax === undefined && lengthBytesMax === undefined)) return;
    while (this.#log.readyCount > (lengthMax ?? Number.POSITIVE_INFINITY) && this.#log.peek(this.#message)) {
      this.#dropHead();
    }
    while (this.#log.readyBytes > (lengthBytesMax ?? Number.POSITIVE_INFINITY) && this.#log.peek(this.#message)) {
      this.#dropHead();
    }
  }

  /** Ends the message that the last peek found. */
  #dropHead(): void {
    const message = this.#message;
    this.#log.settle(this.#log.take(message), message.persistent, message.bodyBytes);
    message.release();
  }

  #requestDrain(): void {
    if (this.#drainRequested || this.#log.readyCount === 0 || !this.#consumers.mayBeReady) return;
    this.#drainRequested = true;
    this.#turn.requestDrain(this);
  }

  #deliverTo(consumer: Consumer): boolean {
    const message = this.#message;
    if (!this.#log.peek(message)) return false;
    const redelivered = this.#log.peekedRedelivered;
    const sequence = this.#log.take(message);
    if (consumer.noAck) {
      consumer.sink.deliver(consumer, message, -1, redelivered);
      this.#log.settle(sequence, message.persistent, message.bodyBytes);
    } else {
      consumer.unackedCount++;
      consumer.sink.deliver(consumer, message, sequence, redelivered);
    }
    message.release();
    return true;
  }
}
