// Hot file: push and drain run for every message that reaches a queue.

import type { Clock } from "../../lib/clock.ts";
import type { FieldTable } from "../../wire/field-table.ts";
import type { CommitBarrier } from "../commit-barrier.ts";
import { createQueueDeduplication } from "../deduplication/create-queue-deduplication.ts";
import type { QueueDeduplication } from "../deduplication/queue-deduplication.ts";
import { BrokerError } from "../errors.ts";
import { Message } from "../message.ts";
import { resourceText } from "../names.ts";
import type { ChunkDescriptor, ChunkSettlement } from "../ports.ts";
import type { QueueType } from "../queue-type.ts";
import type { Receipt } from "../receipt.ts";
import type { Drainable, Turn } from "../turn.ts";
import { Attempts } from "./attempts.ts";
import { Consumer, type ConsumerOptions, type DeliverySink } from "./consumer.ts";
import { ConsumerSet } from "./consumer-set.ts";
import { ConsumerTimeouts, type OpenDelivery } from "./consumer-timeouts.ts";
import type { Consumers } from "./consumers.ts";
import { Deaths, type DeathPlace } from "./deaths.ts";
import type { DeathReason } from "./dead-letter/death.ts";
import { type DelayingQueue, QueueDelays } from "./delay/queue-delays.ts";
import { HeadExpiry } from "./head-expiry.ts";
import type { HeldMessage } from "./held-messages.ts";
import { readDeliveredMark, readNoteKey } from "./notes.ts";
import type { GetTimedOut, Queue, QueueOptions } from "./queue.ts";
import type { QueueEnvironment } from "./queue-environment.ts";
import { QueueLease } from "./queue-lease.ts";
import type { QueueLog } from "./queue-log.ts";
import { openQueueLog } from "./open-queue-log.ts";
import type { QueueSettings } from "./queue-settings.ts";
import { Returns, type ReturnsOwner } from "./returns.ts";
import { SingleActiveConsumerSet } from "./single-active-consumer-set.ts";

/** Most messages a queue hands out in one turn, so that none starves the others. */
const DRAIN_MESSAGES_MAX = 1024;

/**
 * A queue that is emptied by consuming it: a log of messages, and the consumers that share it. Its type is classic or
 * quorum; on one node these differ in what they count and refuse, not in how messages are kept.
 */
export class MessageQueue implements Queue, Drainable, ReturnsOwner, DelayingQueue, DeathPlace {
  readonly id: number;
  readonly name: string;
  readonly vhostName: string;
  readonly type: QueueType;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly exclusiveOwner: object | undefined;
  readonly arguments: FieldTable;
  settings: QueueSettings;
  onUnused: (() => void) | undefined;
  onExpired: (() => void) | undefined;
  onDropped: (() => void) | undefined;
  readonly log: QueueLog;
  readonly #turn: Turn;
  readonly #barrier: CommitBarrier;
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
  /** Quorum queues only. */
  readonly #timeouts: ConsumerTimeouts | undefined;
  #drainRequested = false;
  #dropped = false;
  gotRedelivered = false;

  constructor(options: QueueOptions, environment: QueueEnvironment) {
    this.id = options.id;
    this.name = options.name;
    this.vhostName = options.vhostName;
    this.type = options.type;
    this.durable = options.durable;
    this.autoDelete = options.autoDelete;
    this.exclusiveOwner = options.exclusiveOwner;
    this.arguments = options.arguments;
    this.settings = options.settings;
    this.#turn = environment.turn;
    this.#barrier = environment.barrier;
    this.#clock = environment.clock;
    this.#lease = new QueueLease(
      environment.clock,
      () => this.#consumers.size > 0,
      () => this.onExpired?.(),
    );
    this.#consumers = this.#hasSingleActiveConsumer
      ? new SingleActiveConsumerSet(this.type === "quorum")
      : new ConsumerSet();
    this.log = openQueueLog(options, environment);
    this.deduplication = createQueueDeduplication(this, environment);
    this.#deaths = new Deaths(this, options.deadLetters, environment.barrier);
    this.#expiry = new HeadExpiry(this, this.#deaths, environment.clock);
    this.#delays = new QueueDelays(this, environment);
    this.#timeouts =
      this.type === "quorum" ? new ConsumerTimeouts(environment, (deliveries) => this.#timeOut(deliveries)) : undefined;
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

  configure(settings: QueueSettings): void {
    this.settings = settings;
    if (settings.messageTtlMilliseconds !== undefined) this.#expiry.active = true;
    if (this.type === "quorum" || settings.delayedRetry !== "disabled") {
      this.returns ??= new Returns(new Attempts(this.id, this.durable, this.#barrier), this.#clock, this);
    }
    this.#lease.configure(settings.expiresMilliseconds);
    this.#dropDead();
  }

  recoverNote(key: Uint8Array, value: Uint8Array): void {
    if (this.deduplication?.recoverNote(key, value)) return;
    const note = readNoteKey(key);
    if (note?.kind === "delivered") this.log.recoverDelivered(note.lane, readDeliveredMark(value));
    if (note?.kind === "attempts") this.returns?.recover(note.sequence, value);
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
    if (this.deduplication !== undefined && !this.deduplication.admits(message, receipt, publishSequence)) return;
    if (this.settings.delaysMessages && this.#delays.hold(message, receipt, publishSequence)) return;
    this.#accept(message, receipt, publishSequence);
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
    const consumer = this.log.readyCount === 0 && this.#consumers.mayBeReady ? this.#consumers.next() : undefined;
    if (consumer === undefined) {
      this.#record(message, receipt, publishSequence);
      this.#dropDead();
    } else if (consumer.noAck) {
      consumer.sink.deliver(consumer, message, -1, false);
      receipt?.stored(publishSequence);
    } else {
      this.#record(message, receipt, publishSequence);
      this.#deliverTo(consumer);
    }
  }

  refuses(count: number, bodyBytes: number): boolean {
    return this.settings.overflow !== "drop-head" && this.#deaths.exceedsLimits(count, bodyBytes);
  }

  /** Hands ready messages to consumers that can take them, as many as one turn allows. */
  drain(): void {
    this.#drainRequested = false;
    if (this.#dropped) return;
    for (let budget = DRAIN_MESSAGES_MAX; budget > 0; budget--) {
      if (this.#expiry.active) this.#expiry.expire();
      if (this.log.readyCount === 0) return;
      const consumer = this.#consumers.next();
      if (consumer === undefined || !this.#deliverTo(consumer)) return;
    }
    this.#requestDrain();
  }

  consume(sink: DeliverySink, options: ConsumerOptions): Consumer {
    // RabbitMQ: exclusive means nothing to a quorum queue.
    if (this.type === "classic" && this.#consumers.refuses(options.exclusive)) {
      throw new BrokerError("ACCESS_REFUSED", `queue '${this.name}' in vhost '${this.vhostName}' in exclusive use`);
    }
    const consumer = new Consumer(this, sink, options);
    this.#consumers.add(consumer);
    this.#requestDrain();
    return consumer;
  }

  cancel(consumer: Consumer): void {
    if (!this.#consumers.remove(consumer)) return;
    this.#lease.renew();
    if (this.#consumers.size === 0 && this.autoDelete) this.onUnused?.();
    else this.consumerReady();
  }

  consumerReady(): void {
    this.#consumers.wake();
    this.#requestDrain();
  }

  get(message: Message, timedOut?: GetTimedOut): number {
    if (this.type === "quorum" && this.#hasSingleActiveConsumer) {
      throw new BrokerError(
        "RESOURCE_LOCKED",
        `cannot obtain access to locked ${resourceText("queue", this.name, this.vhostName)}. ` +
          'basic.get operations are not supported by <<"quorum">> queues with single active consumer',
      );
    }
    this.#lease.renew();
    if (this.#expiry.active) this.#expiry.expire();
    if (!this.peek(this.log, message)) return -1;
    this.gotRedelivered = this.log.peekedRedelivered;
    const sequence = this.log.take(message);
    this.returns?.addHeaders(message, sequence);
    if (timedOut !== undefined) this.#timeouts?.delivered(timedOut, sequence, message, this.settings);
    // What is at the head now may have expired behind it.
    if (this.#expiry.active) this.#expiry.expire();
    return sequence;
  }

  touch(): void {
    this.#lease.renew();
  }

  settle(sequence: number, persistent: boolean, bodyBytes: number): void {
    if (this.#dropped) return;
    this.#timeouts?.ended(sequence);
    this.returns?.settled(sequence);
    this.deduplication?.leaving(sequence);
    this.log.settle(sequence, persistent, bodyBytes);
  }

  requeue(sequence: number, persistent: boolean, bodyBytes: number, failed: boolean): void {
    if (this.#dropped) return;
    this.#timeouts?.ended(sequence);
    const verdict = this.returns?.returned(sequence, persistent, bodyBytes, failed) ?? "ready";
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
    this.#requestDrain();
  }

  reject(sequence: number, persistent: boolean, bodyBytes: number): void {
    if (this.#dropped) return;
    if (this.settings.deadLetterExchange === undefined) {
      this.settle(sequence, persistent, bodyBytes);
      return;
    }
    this.#timeouts?.ended(sequence);
    this.#deaths.dieUnsettled(sequence, "rejected");
  }

  heldMessageReady({ sequence, bodyBytes }: HeldMessage): void {
    this.log.requeue(sequence, bodyBytes);
    if (this.#expiry.active) this.#expiry.expire();
    this.#requestDrain();
  }

  offerDead({ sequence }: HeldMessage, reason: DeathReason): void {
    this.#deaths.dieUnsettled(sequence, reason);
  }

  purge(): number {
    this.deduplication?.purged();
    const held = this.returns?.takeHeld() ?? [];
    for (const { sequence, persistent, bodyBytes } of held) this.settle(sequence, persistent, bodyBytes);
    const purged = this.log.purge(this.#message);
    this.#message.release();
    return purged + held.length;
  }

  stop(): void {
    this.#expiry.stop();
    this.#delays.stop();
    this.#lease.stop();
    this.returns?.stop();
    this.#timeouts?.stop();
  }

  drop(): number {
    const readyCount = this.log.readyCount;
    this.#dropped = true;
    this.log.drop();
    this.#delays.drop();
    this.deduplication?.drop();
    this.returns?.clear();
    this.stop();
    for (const consumer of [...this.#consumers]) {
      this.#consumers.remove(consumer);
      consumer.sink.consumerCancelled(consumer);
    }
    this.onDropped?.();
    return readyCount;
  }

  peek(log: QueueLog, message: Message): boolean {
    return this.returns === undefined ? log.peek(message) : this.returns.peek(log, message);
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

  get #hasSingleActiveConsumer(): boolean {
    return this.arguments.get("x-single-active-consumer")?.value === true;
  }

  /** Writes a message into the log, with the time at which it expires here. */
  #record(message: Message, receipt: Receipt | undefined, publishSequence: number): void {
    const { expiresAt: ownExpiresAt, persistent } = message;
    const { messageTtlMilliseconds } = this.settings;
    if (messageTtlMilliseconds !== undefined) {
      const expiresAt = message.publishedAt + messageTtlMilliseconds;
      if (ownExpiresAt === 0 || expiresAt < ownExpiresAt) message.expiresAt = expiresAt;
    }
    // Safe on disk before it is confirmed, whatever its delivery mode.
    if (this.type === "quorum") message.persistent = true;
    const sequence = this.log.append(message, receipt, publishSequence);
    this.deduplication?.recorded(sequence, message);
    if (message.expiresAt !== 0) this.#expiry.active = true;
    message.expiresAt = ownExpiresAt;
    message.persistent = persistent;
  }

  #requestDrain(): void {
    if (this.#drainRequested || this.log.readyCount === 0 || !this.#consumers.mayBeReady) return;
    this.#drainRequested = true;
    this.#turn.requestDrain(this);
  }

  #deliverTo(consumer: Consumer): boolean {
    const message = this.#message;
    if (!this.peek(this.log, message)) return false;
    const redelivered = this.log.peekedRedelivered;
    const sequence = this.log.take(message);
    this.returns?.addHeaders(message, sequence);
    if (consumer.noAck) {
      consumer.sink.deliver(consumer, message, -1, redelivered);
      this.settle(sequence, message.persistent, message.bodyBytes);
    } else {
      consumer.unackedCount++;
      this.#timeouts?.delivered(consumer, sequence, message, this.settings);
      consumer.sink.deliver(consumer, message, sequence, redelivered);
    }
    message.release();
    return true;
  }

  /** Takes messages back that have not been acknowledged for too long. */
  #timeOut(deliveries: readonly OpenDelivery[]): void {
    const slow = new Map<Consumer, number>();
    for (const { holder, sequence, persistent, bodyBytes, timeoutMilliseconds } of deliveries) {
      if (holder instanceof Consumer) {
        holder.takeBack(sequence);
        slow.set(holder, timeoutMilliseconds);
      }
      this.requeue(sequence, persistent, bodyBytes, false);
    }
    for (const { holder, sequence, timeoutMilliseconds } of deliveries) {
      if (!(holder instanceof Consumer)) holder(this, sequence, timeoutMilliseconds);
    }
    for (const [consumer, timeoutMilliseconds] of slow) consumer.sink.consumerTimedOut(consumer, timeoutMilliseconds);
    this.consumerReady();
  }
}
