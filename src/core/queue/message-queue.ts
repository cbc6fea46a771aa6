// Hot file: push and settle run for every message that reaches a queue.

import type { Clock } from "../../lib/clock.ts";
import type { FieldTable } from "../../wire/field-table.ts";
import type { CommitBarrier } from "../commit-barrier.ts";
import { createQueueDeduplication } from "../deduplication/create-queue-deduplication.ts";
import type { QueueDeduplication } from "../deduplication/queue-deduplication.ts";
import { BrokerError } from "../errors.ts";
import { Message } from "../message.ts";
import { resourceText } from "../names.ts";
import type { ChunkDescriptor, ChunkSettlement } from "../ports.ts";
import type { Receipt } from "../receipt.ts";
import { Attempts } from "./attempts.ts";
import { Consumer, type ConsumerOptions, type DeliverySink } from "./consumer.ts";
import type { Consumers } from "./consumers.ts";
import { Deaths, type DeathPlace } from "./deaths.ts";
import type { DeathReason } from "./dead-letter/death.ts";
import { type DelayingQueue, QueueDelays } from "./delay/queue-delays.ts";
import { Deliveries, type DeliveringQueue } from "./deliveries.ts";
import { FailureCounts } from "./failure-counts.ts";
import { type GroupedQueue, GroupedLog } from "./groups/grouped-log.ts";
import { HeadExpiry } from "./head-expiry.ts";
import type { HeldMessage } from "./held-messages.ts";
import { readDeliveredMark, readNoteKey } from "./notes.ts";
import type { GetTimedOut, Queue, QueueOptions } from "./queue.ts";
import { QueueBase } from "./queue-base.ts";
import type { QueueEnvironment } from "./queue-environment.ts";
import { QueueLease } from "./queue-lease.ts";
import type { LogHead, QueueLog } from "./queue-log.ts";
import { openQueueLog } from "./open-queue-log.ts";
import type { QueueSettings } from "./queue-settings.ts";
import { Returns, type ReturnsOwner } from "./returns.ts";

/**
 * A queue that is emptied by consuming it: a log of messages, and the consumers that share it. Its type is classic or
 * quorum; on one node these differ in what they count and refuse, not in how messages are kept.
 */
export class MessageQueue
  extends QueueBase
  implements Queue, ReturnsOwner, DelayingQueue, DeathPlace, DeliveringQueue, GroupedQueue
{
  readonly log: QueueLog;
  /** The same, when its messages are in groups. */
  readonly #groups: GroupedLog | undefined;
  readonly #barrier: CommitBarrier;
  readonly #deliveries: Deliveries;
  readonly #consumers: Consumers;
  readonly #message = new Message();
  readonly #clock: Clock;
  /** Undefined when the queue takes duplicates as well. */
  readonly deduplication: QueueDeduplication | undefined;
  readonly #deaths: Deaths;
  readonly #expiry: HeadExpiry;
  readonly #lease: QueueLease;
  readonly #delays: QueueDelays;
  /** Undefined when what comes back is simply ready again. */
  returns: Returns | undefined;
  /** Undefined until a consumer fails on a message, where returns are not counted. */
  failures: FailureCounts | undefined;
  #dropped = false;

  constructor(options: QueueOptions, environment: QueueEnvironment) {
    super(options);
    this.#barrier = environment.barrier;
    this.#clock = environment.clock;
    this.#lease = new QueueLease(
      environment.clock,
      () => this.#consumers.size > 0,
      () => this.onExpired?.(),
    );
    this.log = openQueueLog(options, environment, this);
    this.#groups = this.log instanceof GroupedLog ? this.log : undefined;
    this.deduplication = createQueueDeduplication(this, environment);
    this.#deaths = new Deaths(this, options.deadLetters, environment.barrier);
    this.#expiry = new HeadExpiry(this, this.#deaths, environment.clock);
    this.#delays = new QueueDelays(this, environment);
    this.#deliveries = new Deliveries(this, this.#expiry, environment);
    this.#consumers = this.#deliveries.consumers;
    this.configure(options.settings);
  }

  get readyCount(): number {
    return this.log.readyCount;
  }

  get readyBytes(): number {
    return this.log.readyBytes;
  }

  get unackedCount(): number {
    return this.log.unsettledCount - this.#heldCount;
  }

  get delayedCount(): number {
    return this.#delays.count + this.#heldCount;
  }

  get consumerCount(): number {
    return this.#consumers.size;
  }

  get gotRedelivered(): boolean {
    return this.#deliveries.gotRedelivered;
  }

  configure(settings: QueueSettings): void {
    this.settings = settings;
    if (settings.messageTtlMilliseconds !== undefined) this.#expiry.active = true;
    if (this.type === "quorum" || settings.delayedRetry !== "disabled") this.#countReturns();
    this.#lease.configure(settings.expiresMilliseconds);
    this.#dropDead();
  }

  recoverNote(key: Uint8Array, value: Uint8Array): void {
    if (this.deduplication?.recoverNote(key, value)) return;
    const note = readNoteKey(key);
    if (note?.kind === "delivered") this.log.recoverDelivered(note.lane, readDeliveredMark(value));
    // What has been counted stays so, and goes with its message, whatever the policy is now.
    if (note?.kind === "attempts") this.#countReturns().recover(note.sequence, value);
    if (note?.kind === "headers") this.#countReturns().recoverHeaders(note.sequence, note.part, value);
  }

  recoverChunk(chunk: ChunkDescriptor, settlement: ChunkSettlement | undefined): void {
    if (this.#delays.recoverChunk(chunk, settlement)) return;
    this.log.recoverChunk(chunk, settlement);
    this.#expiry.recovered();
  }

  /** Adds `message`, or hands it straight to a consumer when none waits before it. */
  push(message: Message, receipt: Receipt | undefined, publishSequence: number): void {
    if (this.#dropped) {
      receipt?.stored(publishSequence);
      return;
    }
    const { persistent } = message;
    // Safe on disk before it is confirmed, whatever its delivery mode.
    if (this.type === "quorum") message.persistent = true;
    if (this.#admits(message, receipt, publishSequence)) this.#accept(message, receipt, publishSequence);
    message.persistent = persistent;
  }

  /** False when it is a duplicate, or has to wait first. */
  #admits(message: Message, receipt: Receipt | undefined, publishSequence: number): boolean {
    if (this.deduplication !== undefined && !this.deduplication.admits(message, receipt, publishSequence)) return false;
    return !(this.settings.delaysMessages && this.#delays.hold(message, receipt, publishSequence));
  }

  waits(message: Message, sequence: number): void {
    this.deduplication?.recorded(sequence, message);
  }

  arrives(message: Message, sequence: number): void {
    this.deduplication?.leaving(sequence);
    this.#accept(message, undefined, 0);
  }

  #accept(message: Message, receipt: Receipt | undefined, publishSequence: number): void {
    if (this.settings.overflow !== "drop-head" && this.refuses(1, message.bodyBytes)) {
      receipt?.refused(publishSequence);
      this.#deaths.refused(message);
      return;
    }
    // What waits for its group is not in the way of what comes.
    const aheadCount = this.#groups === undefined ? this.log.readyCount : this.#groups.unseenCount;
    const consumer = aheadCount === 0 && this.#consumers.mayBeReady ? this.#consumers.next() : undefined;
    if (consumer === undefined) {
      this.#record(message, receipt, publishSequence);
      this.#dropDead();
    } else if (consumer.noAck && this.#groups === undefined) {
      consumer.sink.deliver(consumer, message, -1, message.hasFailed);
      receipt?.stored(publishSequence);
    } else {
      this.#record(message, receipt, publishSequence);
      if (!this.#deliveries.deliverTo(consumer)) this.#dropDead();
      // The consumer may have got an older one that waited.
      if (this.#groups !== undefined) this.#deliveries.requestDrain();
    }
  }

  refuses(count: number, bodyBytes: number): boolean {
    return this.settings.overflow !== "drop-head" && this.#deaths.exceedsLimits(count, bodyBytes);
  }

  consume(sink: DeliverySink, options: ConsumerOptions): Consumer {
    // RabbitMQ: exclusive means nothing to a quorum queue.
    if (this.type === "classic" && this.#consumers.refuses(options.exclusive)) {
      throw new BrokerError("ACCESS_REFUSED", `queue '${this.name}' in vhost '${this.vhostName}' in exclusive use`);
    }
    const consumer = new Consumer(this, sink, options);
    this.#deliveries.add(consumer);
    return consumer;
  }

  cancel(consumer: Consumer): void {
    if (!this.#deliveries.remove(consumer)) return;
    this.#lease.renew();
    if (this.#consumers.size === 0 && this.autoDelete) this.onUnused?.();
    else this.consumerReady();
  }

  consumerReady(): void {
    this.#deliveries.wake();
  }

  groupsMoved(): void {
    this.#deliveries.requestDrain();
  }

  get(message: Message, timedOut?: GetTimedOut): number {
    if (this.type === "quorum" && this.#deliveries.hasSingleActiveConsumer) {
      throw new BrokerError(
        "RESOURCE_LOCKED",
        `cannot obtain access to locked ${resourceText("queue", this.name, this.vhostName)}. ` +
          'basic.get operations are not supported by <<"quorum">> queues with single active consumer',
      );
    }
    this.#lease.renew();
    if (this.#expiry.active) this.#expiry.expire();
    const sequence = this.#deliveries.get(message, timedOut);
    // What is at the head now may have expired behind it.
    if (this.#expiry.active) this.#expiry.expire();
    return sequence;
  }

  touch(): void {
    // RabbitMQ: to declare a quorum queue again is not to use it.
    if (this.type === "classic") this.#lease.renew();
  }

  settle(sequence: number, persistent: boolean, bodyBytes: number): void {
    if (this.#dropped) return;
    this.#deliveries.ended(sequence);
    this.returns?.settled(sequence);
    this.failures?.forget(sequence);
    this.deduplication?.leaving(sequence);
    this.log.settle(sequence, persistent, bodyBytes);
  }

  requeue(sequence: number, persistent: boolean, bodyBytes: number, failed: boolean, headers?: FieldTable): void {
    if (this.#dropped) return;
    this.#deliveries.ended(sequence);
    if (failed && this.returns === undefined) this.#countFailure(sequence);
    const verdict = this.returns?.returned(sequence, persistent, bodyBytes, failed, headers) ?? "ready";
    if (verdict === "held") {
      this.#dropDead();
      return;
    }
    if (verdict === "dead") {
      this.#deaths.dieUnsettled(sequence, "delivery_limit");
      return;
    }
    this.log.requeue(sequence, bodyBytes);
    this.#dropDead();
    this.#deliveries.requestDrain();
  }

  reject(sequence: number, persistent: boolean, bodyBytes: number, headers?: FieldTable, failed = false): void {
    if (this.#dropped) return;
    if (this.settings.deadLetterExchange === undefined) {
      this.settle(sequence, persistent, bodyBytes);
      return;
    }
    this.#deliveries.ended(sequence);
    if (headers !== undefined) this.returns?.addToHeaders(sequence, persistent, headers);
    this.#deaths.dieUnsettled(sequence, "rejected", failed);
  }

  messageHeld(sequence: number, isDead: boolean): void {
    this.#groups?.held(sequence, isDead);
  }

  heldMessageReady({ sequence, bodyBytes }: HeldMessage): void {
    this.log.requeue(sequence, bodyBytes);
    if (this.#expiry.active) this.#expiry.expire();
    this.#deliveries.requestDrain();
  }

  offerDead({ sequence }: HeldMessage, reason: DeathReason): void {
    this.#deaths.dieUnsettled(sequence, reason);
  }

  purge(): number {
    this.deduplication?.purged((sequence) => this.#delays.knows(sequence));
    const held = this.returns?.takeHeld() ?? [];
    for (const { sequence, persistent, bodyBytes } of held) this.settle(sequence, persistent, bodyBytes);
    const purged = this.log.purge(this.#message);
    this.returns?.purged(this.log);
    this.failures?.keepOnly((sequence) => this.log.holds(sequence));
    this.#message.release();
    return purged + held.length;
  }

  stop(): void {
    this.#expiry.stop();
    this.#delays.stop();
    this.#lease.stop();
    this.returns?.stop();
    this.#deliveries.stop();
  }

  drop(): number {
    const readyCount = this.log.readyCount;
    this.#dropped = true;
    this.log.drop();
    this.#delays.drop();
    this.deduplication?.drop();
    this.returns?.clear();
    this.stop();
    this.#deliveries.drop();
    this.onDropped?.();
    return readyCount;
  }

  peek(head: LogHead, message: Message): boolean {
    return this.returns === undefined ? head.peek(message) : this.returns.peek(head, message);
  }

  /** Ends what has expired, and what is too much. */
  #dropDead(): void {
    if (this.#expiry.active) this.#expiry.expire();
    if (this.#deaths.dropExcess() && this.#expiry.active) this.#expiry.expire();
  }

  /** Returned messages that wait for their retry. */
  get #heldCount(): number {
    return this.returns === undefined ? 0 : this.returns.heldCount;
  }

  #countFailure(sequence: number): void {
    this.failures ??= new FailureCounts();
    this.failures.failed(sequence);
  }

  #countReturns(): Returns {
    this.returns ??= new Returns(new Attempts(this.id, this.durable, this.#barrier), this.#clock, this);
    return this.returns;
  }

  /** Writes a message into the log, with the time at which it expires here. */
  #record(message: Message, receipt: Receipt | undefined, publishSequence: number): void {
    const { expiresAt: ownExpiresAt } = message;
    const { messageTtlMilliseconds } = this.settings;
    if (messageTtlMilliseconds !== undefined) {
      const expiresAt = message.publishedAt + messageTtlMilliseconds;
      if (ownExpiresAt === 0 || expiresAt < ownExpiresAt) message.expiresAt = expiresAt;
    }
    const sequence = this.log.append(message, receipt, publishSequence);
    this.deduplication?.recorded(sequence, message);
    if (message.expiresAt !== 0) this.#expiry.active = true;
    message.expiresAt = ownExpiresAt;
  }
}
