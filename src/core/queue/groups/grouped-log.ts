// Hot file: runs for every message of a queue with groups.

import { Message } from "../../message.ts";
import { EMPTY_TEXT_KEY, type KeySource } from "../../message-key.ts";
import type { ChunkDescriptor, ChunkSettlement } from "../../ports.ts";
import type { Receipt } from "../../receipt.ts";
import { Consumer } from "../consumer.ts";
import type { Holder } from "../consumer-timeouts.ts";
import type { LogHead, QueueLog } from "../queue-log.ts";
import { GroupOrder } from "./group-order.ts";
import type { MessageGroup } from "./message-group.ts";
import { MessageGroups } from "./message-groups.ts";
import { ParkedHead, type ParkingLog } from "./parked-head.ts";

/** Most messages that are passed over because their group is not free; those behind them wait until it is. */
export const PARKED_MESSAGES_MAX = 65_536;

/** Most messages passed over at a time. */
const SCANNED_MESSAGES_MAX = 1024;

/** A queue, as far as its groups need to know it. */
export interface GroupedQueue {
  /** Points `message` at the first message of `log` that need not be kept back; false when there is none. */
  peek(log: LogHead, message: Message): boolean;
  /** Messages may be delivered that could not be before. */
  groupsMoved(): void;
}

/**
 * A log whose messages are delivered in order within their group, to one consumer at a time for each group. Messages
 * whose group is with a consumer that takes no more are parked: taken from the log below, and ready here. Those without a
 * key are in no group.
 */
export class GroupedLog implements QueueLog, ParkingLog {
  readonly heads: readonly LogHead[];
  readonly #log: QueueLog;
  readonly #keySource: KeySource;
  readonly #queue: GroupedQueue;
  readonly #groups = new MessageGroups();
  readonly #view = new Message();
  readonly #expiries = new GroupOrder(this.#groups, ({ firstExpiresAt }) => firstExpiresAt);
  readonly #ages = new GroupOrder(this.#groups, ({ backlog }) => backlog.first);
  readonly #oldest = new ParkedHead(this, this.#ages);
  /** Where the last peek has found something. */
  #peeked: LogHead;
  #parkedBytes = 0;
  /** True once there has been a message that expires. */
  #mayExpire = false;
  /** Parked messages below may have been delivered before a restart. */
  #redeliveredBelow = 0;
  /** Who gets what {@link next} has taken. */
  #receiver: Holder | undefined;
  /** How many messages the last {@link next} has passed over. */
  scannedCount = 0;
  /** True when it has given up before it had passed over all it may. */
  unfinished = false;
  /** What it has taken, and whether that may have been delivered before. */
  takenSequence = -1;
  takenRedelivered = false;

  constructor(log: QueueLog, keySource: KeySource, queue: GroupedQueue) {
    this.#log = log;
    this.#keySource = keySource;
    this.#queue = queue;
    this.heads = [log, new ParkedHead(this, this.#expiries)];
    this.#peeked = log;
  }

  get readyCount(): number {
    return this.#log.readyCount + this.#groups.parkedCount;
  }

  get readyBytes(): number {
    return this.#log.readyBytes + this.#parkedBytes;
  }

  get unsettledCount(): number {
    return this.#log.unsettledCount - this.#groups.parkedCount;
  }

  /** Ready messages that have not been passed over. */
  get unseenCount(): number {
    return this.#log.readyCount;
  }

  /** Groups of which messages are delivered, wait for their turn or for their retry. */
  get groupCount(): number {
    return this.#groups.busyCount;
  }

  // --- who is given what ---

  /**
   * Takes the message that `consumer` is to have next into `message` and returns who gets it: another consumer, which is
   * ready, when that owns the group of a message on the way, or when there is nothing for this one. Undefined when nothing
   * can be delivered to either.
   */
  next(consumer: Consumer, message: Message): Consumer | undefined {
    if (this.get(consumer, message, true)) return this.#receiver as Consumer;
    const group = this.unfinished ? undefined : this.#groups.firstForAnyOwner();
    if (group === undefined) return undefined;
    const owner = group.owner?.holder as Consumer;
    this.#deliverParked(group, owner, message);
    return owner;
  }

  /** Takes the message that `holder` is to have next into `message`; false when there is none. */
  get(holder: Holder, message: Message, servesOthers = false): boolean {
    this.scannedCount = 0;
    this.unfinished = false;
    this.#receiver = holder;
    const group = this.#groups.firstFor(holder);
    if (group === undefined) return this.#scan(holder, message, servesOthers);
    this.#deliverParked(group, holder, message);
    return true;
  }

  /** A consumer takes nothing any more. */
  consumerGone(consumer: Consumer): void {
    this.#groups.consumerGone(consumer);
  }

  /**
   * The queue holds an unsettled message back before it is delivered again, and with it its group; or it holds one that
   * has died until somebody takes it, which the group does not wait for.
   */
  held(sequence: number, isDead: boolean): void {
    if (isDead) {
      this.#settledOf(sequence);
      return;
    }
    let key: string | undefined;
    if (!this.#groups.isUnacked(sequence)) {
      this.#log.read(sequence, this.#view);
      key = this.#keyOf(this.#view);
      if (this.#view.expiresAt !== 0) this.#mayExpire = true;
      this.#view.release();
    }
    this.#groups.held(sequence, key);
  }

  // --- what a log does ---

  get peekedSequence(): number {
    return this.#peeked.peekedSequence;
  }

  get peekedRedelivered(): boolean {
    return this.#peeked === this.#log && this.#log.peekedRedelivered;
  }

  append(message: Message, receipt: Receipt | undefined, publishSequence: number): number {
    return this.#log.append(message, receipt, publishSequence);
  }

  /** Points `message` at the oldest message, parked or not. */
  peek(message: Message): boolean {
    const isInLog = this.#log.peek(message);
    this.#peeked = this.#log;
    if (this.#groups.parkedCount === 0) return isInLog;
    const oldest = this.#ages.first as MessageGroup;
    if (isInLog && this.#log.peekedSequence < oldest.backlog.first) return true;
    this.#peeked = this.#oldest;
    return this.#oldest.peek(message);
  }

  /** Takes a message that no consumer gets. */
  take(message: Message): number {
    return this.#peeked.take(message);
  }

  takeParked(group: MessageGroup, bodyBytes: number): number {
    const sequence = this.#groups.unpark(group);
    this.#parkedBytes -= bodyBytes;
    this.#firstChanged(group);
    this.#reportRoom();
    return sequence;
  }

  read(sequence: number, message: Message): void {
    this.#log.read(sequence, message);
  }

  settle(sequence: number, persistent: boolean, bodyBytes: number): void {
    this.#log.settle(sequence, persistent, bodyBytes);
    this.#settledOf(sequence);
  }

  requeue(sequence: number, bodyBytes: number): void {
    const group = this.#groups.returned(sequence);
    if (group === undefined) {
      this.#log.requeue(sequence, bodyBytes);
      return;
    }
    this.#parkedBytes += bodyBytes;
    if (group.backlog.first === sequence) this.#firstChanged(group);
  }

  takeReceipt(sequence: number): (() => void) | undefined {
    return this.#log.takeReceipt(sequence);
  }

  rest(): void {
    this.#log.rest();
  }

  holds(sequence: number): boolean {
    return this.#log.holds(sequence);
  }

  purge(message: Message): number {
    const parkedCount = this.#groups.parkedCount;
    for (const group of this.#groups) {
      while (group.backlog.size > 0) {
        this.#log.read(group.backlog.first, message);
        const sequence = this.#groups.unpark(group);
        this.#log.settle(sequence, message.persistent, message.bodyBytes);
      }
      group.firstExpiresAt = Number.POSITIVE_INFINITY;
    }
    this.#parkedBytes = 0;
    return parkedCount + this.#log.purge(message);
  }

  drop(): void {
    this.#log.drop();
    this.#groups.clear();
    this.#expiries.clear();
    this.#ages.clear();
    this.#parkedBytes = 0;
  }

  recoverChunk(descriptor: ChunkDescriptor, settlement: ChunkSettlement | undefined): void {
    this.#log.recoverChunk(descriptor, settlement);
  }

  recoverDelivered(lane: number, sequence: number): void {
    this.#log.recoverDelivered(lane, sequence);
  }

  // --- passing over ---

  /** Looks at messages in order until one can be delivered; parks those before it. */
  #scan(holder: Holder, message: Message, servesOthers: boolean): boolean {
    while (this.#queue.peek(this.#log, message)) {
      if (message.expiresAt !== 0) this.#mayExpire = true;
      const key = this.#keyOf(message);
      const group = key === undefined ? undefined : this.#groups.of(key);
      const receiver = group === undefined ? holder : this.#receiverOf(group, holder, servesOthers);
      if (receiver !== undefined) {
        this.takenRedelivered = this.#log.peekedRedelivered;
        this.takenSequence = this.#log.take(message);
        if (group !== undefined) this.#groups.delivered(this.takenSequence, group, receiver);
        this.#receiver = receiver;
        return true;
      }
      if (this.#groups.parkedCount >= PARKED_MESSAGES_MAX) return false;
      if (servesOthers && this.scannedCount === SCANNED_MESSAGES_MAX) {
        this.unfinished = true;
        return false;
      }
      this.#park(group as MessageGroup, message);
    }
    return false;
  }

  /** Who can have the next message of `group`, when it need not wait: the owner, or `holder` when there is none. */
  #receiverOf(group: MessageGroup, holder: Holder, servesOthers: boolean): Holder | undefined {
    const { owner, backlog, recalled, heldCount } = group;
    if (owner === undefined) return group.isIdle ? holder : undefined;
    if (owner.gone || recalled || heldCount > 0 || backlog.size > 0) return undefined;
    if (owner.holder === holder) return holder;
    return servesOthers && owner.holder instanceof Consumer && owner.holder.ready ? owner.holder : undefined;
  }

  #park(group: MessageGroup, message: Message): void {
    const redelivered = this.#log.peekedRedelivered;
    const sequence = this.#log.take(message);
    if (redelivered) this.#redeliveredBelow = sequence + 1;
    this.scannedCount++;
    this.#parkedBytes += message.bodyBytes;
    this.#groups.park(sequence, group);
    if (group.backlog.first === sequence) this.#firstChanged(group);
  }

  #deliverParked(group: MessageGroup, holder: Holder, message: Message): void {
    const returned = group.backlog.firstIsReturned;
    this.#log.read(group.backlog.first, message);
    this.#parkedBytes -= message.bodyBytes;
    this.takenSequence = this.#groups.deliveredParked(group, holder);
    this.takenRedelivered = returned || this.takenSequence < this.#redeliveredBelow;
    this.#firstChanged(group);
    this.#reportRoom();
  }

  /** A message is no longer with its consumer. Where no more are parked, the one at the head may be next of its group. */
  #settledOf(sequence: number): void {
    const isOpen = this.#groups.settled(sequence);
    if (isOpen || this.#groups.parkedCount >= PARKED_MESSAGES_MAX) this.#queue.groupsMoved();
  }

  /** Messages can be parked again, when that was no longer so. */
  #reportRoom(): void {
    if (this.#groups.parkedCount === PARKED_MESSAGES_MAX - 1) this.#queue.groupsMoved();
  }

  /** The first parked message of `group` is another one. */
  #firstChanged(group: MessageGroup): void {
    this.#ages.changed(group);
    if (!this.#mayExpire) return;
    group.firstExpiresAt = Number.POSITIVE_INFINITY;
    if (group.backlog.size === 0) return;
    this.#log.read(group.backlog.first, this.#view);
    if (this.#view.expiresAt !== 0) group.firstExpiresAt = this.#view.expiresAt;
    this.#view.release();
    this.#expiries.changed(group);
  }

  #keyOf(message: Message): string | undefined {
    const key = this.#keySource.keyOf(message);
    return key === EMPTY_TEXT_KEY ? undefined : key;
  }
}
