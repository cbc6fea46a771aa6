// Hot file: hold and release run for every message that is delayed.

import type { Clock } from "../../../lib/clock.ts";
import { DelayedCopy, delayOf } from "../../delay-header.ts";
import type { DelayLine, DelayLineOptions } from "../../delay-line.ts";
import { isPublishedPersistent } from "../../delivery-mode.ts";
import { Message } from "../../message.ts";
import type { ChunkDescriptor, ChunkSettlement } from "../../ports.ts";
import type { Receipt } from "../../receipt.ts";
import type { Drainable, Turn } from "../../turn.ts";
import type { LogEnvironment } from "../chunk-storage.ts";
import { ExpiryTimer } from "../expiry-timer.ts";
import { LANE_SEQUENCES } from "../lanes.ts";
import { MessageLog } from "../message-log.ts";
import { DueHeap } from "./due-heap.ts";

/** Most messages released in one turn, and octets of their bodies after which no further one is. */
const RELEASE_MESSAGES_MAX = 1024;
const RELEASE_BYTES_MAX = 4 * 1024 * 1024;

/** Most messages of a recovered log whose due time is read in one turn. */
const INDEX_MESSAGES_MAX = 4096;

/** The clock may be set meanwhile: the due time is looked at again after so long. */
const LOOK_AGAIN_MILLISECONDS = 60_000;

export interface DelayedLogEnvironment extends LogEnvironment {
  readonly turn: Turn;
  readonly clock: Clock;
}

export interface DelayedLogOptions extends DelayLineOptions {
  /** See {@link MessageLogOptions}. */
  readonly lane?: number;
}

/**
 * Messages that wait until they are due, and then leave by due time, those of the same by arrival. A waiting message is
 * one that is taken from a message log and not settled; its record says when it is due in the place of when it was
 * published. In memory it is an entry of a {@link DueHeap}.
 */
export class DelayedLog implements DelayLine, Drainable {
  readonly id: number;
  readonly name: string;
  readonly firstSequence: number;
  /** Called when it has been dropped. */
  onDropped: (() => void) | undefined;
  readonly #release: (message: Message, sequence: number) => void;
  readonly #durable: boolean;
  readonly #environment: DelayedLogEnvironment;
  readonly #log: MessageLog;
  readonly #due = new DueHeap();
  readonly #timer: ExpiryTimer;
  readonly #copy = new DelayedCopy();
  readonly #arriving = new Message();
  readonly #indexed = new Message();
  readonly #leaving = new Message();
  readonly #continue = (): void => {
    this.#resting = false;
    this.#requestDrain();
  };
  /** Receipts of messages that left before they were stored. */
  #reports: (() => void)[] = [];
  /** True from recovery until every due time is known: before that nothing leaves, since an earlier one may be found. */
  #indexing = false;
  /** True while a message leaves. What arrives meanwhile is indexed later: it must not move the records under its view. */
  #releasing = false;
  /** True until the messages that left last are stored where they have gone: a slow store must not make them pile up. */
  #resting = false;
  #drainRequested = false;
  #stopped = false;
  #dropped = false;

  constructor(options: DelayedLogOptions, environment: DelayedLogEnvironment) {
    this.id = options.id;
    this.name = options.name;
    this.#release = options.release;
    this.#durable = options.durable;
    this.#environment = environment;
    const { lane = 0 } = options;
    this.firstSequence = lane * LANE_SEQUENCES;
    this.#log = new MessageLog(options.id, options.durable, environment, { lane, marksDeliveries: false });
    this.#timer = new ExpiryTimer(environment.clock, () => this.#requestDrain());
  }

  /** Messages that wait. */
  get count(): number {
    return this.#log.readyCount + this.#log.unsettledCount;
  }

  /** Keeps a copy of a message that asks for a delay until that has passed. */
  push(message: Message, receipt: Receipt | undefined, publishSequence: number): void {
    this.delay(message, delayOf(message), receipt, publishSequence);
  }

  /** Keeps a copy of `message`, marked as delayed, for a time. Returns the number it has here; as {@link hold}. */
  delay(message: Message, milliseconds: number, receipt: Receipt | undefined, publishSequence: number): number {
    const copy = this.#arriving;
    this.#copy.write(message, milliseconds, copy);
    const sequence = this.hold(copy, message.publishedAt + milliseconds, receipt, publishSequence);
    copy.release();
    return sequence;
  }

  refuses(): boolean {
    return false;
  }

  /**
   * Keeps a copy of `message` until `dueAt`, in milliseconds since the Unix epoch. Its expiration begins then.
   * `receipt` learns when it is safe, here or where it has gone. Returns the number it has here; -1 when the log has
   * been dropped.
   */
  hold(message: Message, dueAt: number, receipt: Receipt | undefined, publishSequence: number): number {
    if (this.#dropped) {
      receipt?.stored(publishSequence);
      return -1;
    }
    const { publishedAt, expiresAt } = message;
    if (expiresAt !== 0) message.expiresAt = dueAt + expiresAt - publishedAt;
    message.publishedAt = dueAt;
    const sequence = this.#log.append(message, receipt, publishSequence);
    message.publishedAt = publishedAt;
    message.expiresAt = expiresAt;
    if (this.#indexing || this.#releasing || this.#stopped) return sequence;
    const firstDueAt = this.#due.firstDueAt;
    this.#index(1);
    if (this.#due.firstDueAt < firstDueAt) this.#arm();
    return sequence;
  }

  /** Nothing is left in notes. */
  recoverNote(): void {}

  recoverChunk(chunk: ChunkDescriptor, settlement: ChunkSettlement | undefined): void {
    this.#log.recoverChunk(chunk, settlement);
    this.#indexing = true;
    this.#requestDrain();
  }

  drain(): void {
    this.#drainRequested = false;
    if (this.#stopped || this.#resting) return;
    if (this.#indexing) {
      this.#index(INDEX_MESSAGES_MAX);
      this.#indexing = this.#log.readyCount > 0;
      this.#requestDrain();
      return;
    }
    const isMoreDue = this.#releaseDue();
    if (this.#stopped) return;
    this.#index(Number.POSITIVE_INFINITY);
    if (isMoreDue) this.#rest();
    else this.#arm();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer.cancel();
    this.#environment.barrier.forget(this.#continue);
  }

  drop(): void {
    this.stop();
    this.#dropped = true;
    this.#log.drop();
    this.#due.clear();
    this.onDropped?.();
  }

  /** Takes ready messages, `countMax` at most, and notes when they are due. */
  #index(countMax: number): void {
    const message = this.#indexed;
    for (let count = 0; count < countMax && this.#log.readyCount > 0 && this.#log.peek(message); count++) {
      this.#due.push(message.publishedAt, this.#log.take(message));
    }
    message.release();
  }

  /** Lets due messages go, as many as one turn allows; true when more are due. */
  #releaseDue(): boolean {
    const now = this.#environment.clock.now();
    let bytes = 0;
    this.#releasing = true;
    for (let count = 0; this.#due.firstDueAt <= now; count++) {
      if (count === RELEASE_MESSAGES_MAX || bytes > RELEASE_BYTES_MAX) break;
      bytes += this.#releaseFirst(now);
      if (this.#dropped) break;
    }
    this.#releasing = false;
    this.#reportWhenDurable();
    return this.#due.firstDueAt <= now;
  }

  /** Returns how many octets its body has. */
  #releaseFirst(now: number): number {
    const message = this.#leaving;
    const sequence = this.#due.pop();
    this.#log.read(sequence, message);
    const { persistent, bodyBytes } = message;
    // It may have been due for long, if the broker was not running.
    if (message.expiresAt !== 0) message.expiresAt = now + message.expiresAt - message.publishedAt;
    message.publishedAt = now;
    if (!this.#durable) message.persistent = isPublishedPersistent(message);
    this.#release(message, sequence);
    message.release();
    if (this.#dropped) return bodyBytes;
    const report = this.#log.takeReceipt(sequence);
    if (report !== undefined) this.#reports.push(report);
    this.#log.settle(sequence, persistent, bodyBytes);
    return bodyBytes;
  }

  /** What has left before it was stored is safe when it is stored where it has gone. */
  #reportWhenDurable(): void {
    if (this.#reports.length === 0) return;
    const reports = this.#reports;
    this.#reports = [];
    this.#environment.barrier.whenDurable(() => {
      for (const report of reports) report();
    });
  }

  #rest(): void {
    this.#resting = true;
    this.#environment.barrier.whenDurable(this.#continue);
  }

  #arm(): void {
    if (this.#due.size === 0) return;
    this.#timer.arm(Math.min(this.#due.firstDueAt, this.#environment.clock.now() + LOOK_AGAIN_MILLISECONDS));
  }

  #requestDrain(): void {
    if (this.#drainRequested || this.#stopped) return;
    this.#drainRequested = true;
    this.#environment.turn.requestDrain(this);
  }
}
