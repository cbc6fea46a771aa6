// Hot file: drain and deliverTo run for every message that a consumer gets.

import type { FieldTable } from "../../wire/field-table.ts";
import { Message } from "../message.ts";
import type { QueueType } from "../queue-type.ts";
import type { Drainable, Turn } from "../turn.ts";
import { type ConsumedQueue, Consumer } from "./consumer.ts";
import type { FailureCounts } from "./failure-counts.ts";
import { ConsumerSet } from "./consumer-set.ts";
import { ConsumerTimeouts, type Holder, type OpenDelivery, type TimeoutEnvironment } from "./consumer-timeouts.ts";
import type { Consumers } from "./consumers.ts";
import { GroupedLog } from "./groups/grouped-log.ts";
import type { HeadExpiry } from "./head-expiry.ts";
import type { GetTimedOut } from "./queue.ts";
import type { LogHead, QueueLog } from "./queue-log.ts";
import type { QueueSettings } from "./queue-settings.ts";
import type { Returns } from "./returns.ts";
import { SingleActiveConsumerSet } from "./single-active-consumer-set.ts";

/** Most messages a queue hands out in one turn, so that none starves the others. */
const DRAIN_MESSAGES_MAX = 1024;

/** Who owns the groups of what basic.get has taken for somebody who cannot be told that it took too long. */
const ANYBODY: GetTimedOut = () => {};

/** A queue, as far as its messages are handed out. */
export interface DeliveringQueue extends ConsumedQueue {
  readonly type: QueueType;
  readonly arguments: FieldTable;
  readonly settings: QueueSettings;
  readonly log: QueueLog;
  readonly returns: Returns | undefined;
  readonly failures: FailureCounts | undefined;
  /** Points `message` at the first ready message of `head`, one of the queue's log, that need not be kept back. */
  peek(head: LogHead, message: Message): boolean;
}

/** What {@link Deliveries} needs of what queues share. */
export interface DeliveryEnvironment extends TimeoutEnvironment {
  readonly turn: Turn;
}

/** Hands the messages of a queue to its consumers, and to those who call basic.get. */
export class Deliveries implements Drainable {
  readonly consumers: Consumers;
  readonly hasSingleActiveConsumer: boolean;
  readonly #queue: DeliveringQueue;
  readonly #log: QueueLog;
  /** The same, when its messages are in groups. */
  readonly #groups: GroupedLog | undefined;
  readonly #expiry: HeadExpiry;
  readonly #turn: Turn;
  /** Quorum queues only. */
  readonly #timeouts: ConsumerTimeouts | undefined;
  readonly #message = new Message();
  #drainRequested = false;
  #dropped = false;
  /** Whether the message that the last {@link get} took may have been delivered before. */
  gotRedelivered = false;

  constructor(queue: DeliveringQueue, expiry: HeadExpiry, environment: DeliveryEnvironment) {
    this.#queue = queue;
    this.#log = queue.log;
    this.#groups = queue.log instanceof GroupedLog ? queue.log : undefined;
    this.#expiry = expiry;
    this.#turn = environment.turn;
    const isQuorum = queue.type === "quorum";
    this.hasSingleActiveConsumer = queue.arguments.get("x-single-active-consumer")?.value === true;
    this.consumers = this.hasSingleActiveConsumer ? new SingleActiveConsumerSet(isQuorum) : new ConsumerSet();
    this.#timeouts = isQuorum ? new ConsumerTimeouts(environment, (overdue) => this.#timeOut(overdue)) : undefined;
  }

  add(consumer: Consumer): void {
    this.consumers.add(consumer);
    this.requestDrain();
  }

  /** Removes a consumer; false when it was not here. */
  remove(consumer: Consumer): boolean {
    if (!this.consumers.remove(consumer)) return false;
    this.#groups?.consumerGone(consumer);
    return true;
  }

  /** A consumer may have become ready. */
  wake(): void {
    this.consumers.wake();
    this.requestDrain();
  }

  /** There may be something to hand out. */
  requestDrain(): void {
    if (this.#drainRequested || this.#log.readyCount === 0 || !this.consumers.mayBeReady) return;
    this.#drainRequested = true;
    this.#turn.requestDrain(this);
  }

  /** Hands ready messages to consumers that can take them, as many as one turn allows. */
  drain(): void {
    this.#drainRequested = false;
    if (this.#dropped) return;
    for (let budget = DRAIN_MESSAGES_MAX; budget > 0; budget--) {
      if (this.#expiry.active) this.#expiry.expire();
      if (this.#log.readyCount === 0) return;
      const consumer = this.consumers.next();
      if (consumer === undefined || !this.deliverTo(consumer)) return;
      if (this.#groups !== undefined) budget -= this.#groups.scannedCount;
    }
    this.requestDrain();
  }

  /**
   * Hands the next message to `consumer`, which is ready; where messages are in groups perhaps another one to another
   * consumer. False when no message can be handed out.
   */
  deliverTo(consumer: Consumer): boolean {
    if (this.#groups !== undefined) return this.#deliverGrouped(this.#groups, consumer);
    const message = this.#message;
    if (!this.#queue.peek(this.#log, message)) return false;
    const redelivered = this.#log.peekedRedelivered;
    this.#handOver(consumer, this.#log.take(message), redelivered);
    return true;
  }

  /** Takes the next ready message, if there is one, into `message`; returns its sequence number or -1. */
  get(message: Message, timedOut: GetTimedOut | undefined): number {
    const sequence =
      this.#groups === undefined ? this.#getFirst(message) : this.#getGrouped(this.#groups, message, timedOut);
    if (sequence < 0) return -1;
    this.#queue.returns?.addHeaders(message, sequence);
    if (timedOut !== undefined) this.#timeouts?.delivered(timedOut, sequence, message, this.#queue.settings);
    return sequence;
  }

  /** A message that has been handed out is settled or has come back. */
  ended(sequence: number): void {
    this.#timeouts?.ended(sequence);
  }

  /** Sets no timer any more. */
  stop(): void {
    this.#timeouts?.stop();
  }

  /** The queue has gone: cancels the consumers. */
  drop(): void {
    this.#dropped = true;
    for (const consumer of [...this.consumers]) {
      this.consumers.remove(consumer);
      consumer.sink.consumerCancelled(consumer);
    }
  }

  #deliverGrouped(groups: GroupedLog, consumer: Consumer): boolean {
    const receiver = groups.next(consumer, this.#message);
    if (receiver !== consumer) this.consumers.keepTurn(consumer);
    if (receiver === undefined) {
      if (groups.unfinished) this.requestDrain();
      return false;
    }
    this.#handOver(receiver, groups.takenSequence, groups.takenRedelivered);
    return true;
  }

  #handOver(consumer: Consumer, sequence: number, redelivered: boolean): void {
    const message = this.#message;
    const isRedelivered = redelivered || message.hasFailed;
    const { returns, failures } = this.#queue;
    returns?.addHeaders(message, sequence);
    if (failures !== undefined) message.failedCount = failures.get(sequence);
    if (consumer.noAck) {
      consumer.sink.deliver(consumer, message, -1, isRedelivered);
      this.#queue.settle(sequence, message.persistent, message.bodyBytes);
    } else {
      consumer.unackedCount++;
      this.#timeouts?.delivered(consumer, sequence, message, this.#queue.settings);
      consumer.sink.deliver(consumer, message, sequence, isRedelivered);
    }
    message.release();
  }

  #getFirst(message: Message): number {
    if (!this.#queue.peek(this.#log, message)) return -1;
    this.gotRedelivered = this.#log.peekedRedelivered || message.hasFailed;
    return this.#log.take(message);
  }

  #getGrouped(groups: GroupedLog, message: Message, holder: Holder = ANYBODY): number {
    if (!groups.get(holder, message)) return -1;
    this.gotRedelivered = groups.takenRedelivered || message.hasFailed;
    return groups.takenSequence;
  }

  /** Takes messages back that have not been acknowledged for too long. */
  #timeOut(deliveries: readonly OpenDelivery[]): void {
    const queue = this.#queue;
    const slow = new Map<Consumer, number>();
    for (const { holder, sequence, persistent, bodyBytes, timeoutMilliseconds } of deliveries) {
      if (holder instanceof Consumer) {
        holder.takeBack(sequence);
        slow.set(holder, timeoutMilliseconds);
      }
      queue.requeue(sequence, persistent, bodyBytes, false);
    }
    for (const { holder, sequence, timeoutMilliseconds } of deliveries) {
      if (!(holder instanceof Consumer)) holder(queue, sequence, timeoutMilliseconds);
    }
    for (const [consumer, timeoutMilliseconds] of slow) consumer.sink.consumerTimedOut(consumer, timeoutMilliseconds);
    this.wake();
  }
}
