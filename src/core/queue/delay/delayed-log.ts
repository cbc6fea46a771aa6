// Hot file: hold and release run for every message that is delayed.

import type { Clock } from "../../../lib/clock.ts";
import { DelayMark } from "../../delay-header.ts";
import type { DelayLine, DelayLineOptions } from "../../delay-line.ts";
import { isPublishedPersistent } from "../../delivery-mode.ts";
import { Message } from "../../message.ts";
import type { ChunkDescriptor, ChunkSettlement } from "../../ports.ts";
import type { Receipt } from "../../receipt.ts";
import type { Drainable, Turn } from "../../turn.ts";
import type { LogEnvironment } from "../chunk-storage.ts";
import { ExpiryTimer } from "../expiry-timer.ts";
import { LANE_SEQUENCES } from "../lanes.ts";
import { recordBytesOf } from "../record.ts";
import { delayLogOf } from "./delay-lanes.ts";
import { DueHeap } from "./due-heap.ts";
import type { DueRun } from "./due-run.ts";
import { DueRuns, UNORDERED_RANK } from "./due-runs.ts";
import { type SortThreshold, UnorderedLog } from "./unordered-log.ts";

/** Most messages released in one turn, and octets of their bodies after which no further one is. */
const RELEASE_MESSAGES_MAX = 4096;
const RELEASE_BYTES_MAX = 4 * 1024 * 1024;

/** Most messages of a recovered log whose due time is read in one turn, and runs of which the first message is. */
const INDEX_MESSAGES_MAX = 4096;
const INDEX_RUNS_MAX = 64;

/** A run of which nothing is due for longer keeps nothing in memory, nor one of which nothing is due if that is full. */
const REST_MILLISECONDS = 5_000;

/** Fewer messages cost little as they are, since they are in memory. */
const SORT_THRESHOLD: SortThreshold = { messages: 32 * 1024, bytes: 8 * 1024 * 1024 };

/** The clock may be set meanwhile: the due time is looked at again after so long. */
const LOOK_AGAIN_MILLISECONDS = 60_000;

export interface DelayedLogEnvironment extends LogEnvironment {
  readonly turn: Turn;
  readonly clock: Clock;
}

export interface DelayedLogOptions extends DelayLineOptions {
  /** See {@link MessageLogOptions}. */
  readonly lane?: number;
  /** Whether messages keep the numbers they get. Only others can be sorted while they wait. */
  readonly keepsNumbers?: boolean;
  /** Default: 32,768 messages, 8 MiB. */
  readonly sortThreshold?: SortThreshold;
}

/**
 * Messages that wait until they are due, and then leave by due time, those of the same by arrival; their records say
 * when they are due in the place of when they were published. Those that come in about the order in which they are due
 * wait in {@link DueRuns}; the others in an {@link UnorderedLog}, until there are enough of them to sort. Of each run the
 * first message is in a heap, and so is each of the others.
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
  readonly #unordered: UnorderedLog;
  readonly #runs: DueRuns;
  readonly #due = new DueHeap();
  readonly #timer: ExpiryTimer;
  readonly #mark = new DelayMark();
  readonly #indexed = new Message();
  readonly #leaving = new Message();
  readonly #continue = (): void => {
    this.#resting = false;
    this.#requestDrain();
  };
  readonly #sortWhenDrained = (): void => {
    this.#sorting = "next";
    this.#requestDrain();
  };
  /** Receipts of messages that left before they were stored. */
  #reports: (() => void)[] = [];
  /** True from recovery until every due time is known: before that nothing leaves, since an earlier one may be found. */
  #indexing = false;
  /** Recovered runs whose first message has not been looked at. */
  #unread: DueRun[] | undefined;
  /** True while a message leaves. What arrives meanwhile is indexed later: it must not move the records under its view. */
  #releasing = false;
  /** True until the messages that left last are stored where they have gone: a slow store must not make them pile up. */
  #resting = false;
  /** Messages are sorted as soon as they are stored. */
  #sorting: "no" | "when stored" | "next" = "no";
  /** The sequence number behind the last of those. */
  #sortEnd = 0;
  #drainRequested = false;
  #stopped = false;
  #dropped = false;

  constructor(options: DelayedLogOptions, environment: DelayedLogEnvironment) {
    const { id, durable, lane = 0 } = options;
    const sortThreshold = options.keepsNumbers === true ? undefined : (options.sortThreshold ?? SORT_THRESHOLD);
    this.id = id;
    this.name = options.name;
    this.#release = options.release;
    this.#durable = durable;
    this.#environment = environment;
    this.firstSequence = lane * LANE_SEQUENCES;
    const { firstSequence } = this;
    this.#unordered = new UnorderedLog({ queueId: id, durable, lane, firstSequence, sortThreshold }, environment);
    this.#runs = new DueRuns({ queueId: id, durable, firstSequence }, environment);
    this.#timer = new ExpiryTimer(environment.clock, () => this.#requestDrain());
  }

  /** Messages that wait. */
  get count(): number {
    return this.#unordered.count + this.#runs.count;
  }

  /** Keeps a copy of a message, which asks for a delay, until that has passed. */
  push(message: Message, receipt: Receipt | undefined, publishSequence: number): void {
    this.delay(message, receipt, publishSequence);
  }

  /**
   * Keeps a copy of `message`, marked as delayed, for as long as it asks. Returns the number it has here, as
   * {@link hold} does; undefined when it asks for no delay.
   */
  delay(message: Message, receipt: Receipt | undefined, publishSequence: number): number | undefined {
    const milliseconds = this.#mark.read(message);
    if (milliseconds === 0) return undefined;
    const { owner } = message;
    this.#mark.set(message, milliseconds);
    message.splice = this.#mark;
    // What is changed is not what is in the owner's memory.
    message.owner = undefined;
    const sequence = this.hold(message, message.publishedAt + milliseconds, receipt, publishSequence);
    message.owner = owner;
    message.splice = undefined;
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
    const firstDueAt = this.#due.firstDueAt;
    const sequence = this.#add(message, receipt, publishSequence);
    message.publishedAt = publishedAt;
    message.expiresAt = expiresAt;
    if (this.#due.firstDueAt < firstDueAt) this.#arm();
    return sequence;
  }

  /** Nothing is left in notes. */
  recoverNote(): void {}

  recoverChunk(chunk: ChunkDescriptor, settlement: ChunkSettlement | undefined): void {
    const id = delayLogOf(chunk.first - this.firstSequence);
    const { log } = id === undefined ? this.#unordered : this.#runs.recovered(id);
    log.recoverChunk(chunk, settlement);
    this.#indexing = true;
    this.#requestDrain();
  }

  drain(): void {
    this.#drainRequested = false;
    if (this.#stopped || this.#resting) return;
    if (this.#indexing) {
      this.#indexRecovered();
      this.#requestDrain();
      return;
    }
    const isMoreDue = this.#releaseDue();
    if (this.#stopped) return;
    this.#index(Number.POSITIVE_INFINITY);
    if (this.#sorting === "next") this.#sort();
    if (isMoreDue) this.#rest();
    else this.#arm();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer.cancel();
    this.#environment.barrier.forget(this.#continue);
    this.#environment.barrier.forget(this.#sortWhenDrained);
  }

  drop(): void {
    this.stop();
    this.#dropped = true;
    this.#unordered.log.drop();
    this.#runs.drop();
    this.#due.clear();
    this.onDropped?.();
  }

  /** Adds a message, whose time of publishing says when it is due, to a row if there is one for it. */
  #add(message: Message, receipt: Receipt | undefined, publishSequence: number): number {
    if (this.#indexing || this.#releasing || this.#stopped) {
      return this.#unordered.log.append(message, receipt, publishSequence);
    }
    const dueAt = message.publishedAt;
    const row = this.#runs.rowFor(dueAt);
    if (row !== undefined) {
      if (row.log.readyCount === 0) this.#due.push(dueAt, row.rank);
      return row.log.append(message, receipt, publishSequence);
    }
    const sequence = this.#unordered.add(message, receipt, publishSequence, this.#due);
    this.#runs.noteUnordered(dueAt);
    this.#considerSorting();
    return sequence;
  }

  /** Takes messages that came in no order, `countMax` at most, and notes when they are due. */
  #index(countMax: number): void {
    const message = this.#indexed;
    for (let count = 0; count < countMax; count++) {
      const dueAt = this.#unordered.indexNext(message, this.#due);
      if (dueAt < 0) break;
      this.#runs.noteUnordered(dueAt);
    }
    message.release();
  }

  /** Notes when messages are due that were here before a restart, a few at a time. */
  #indexRecovered(): void {
    this.#unread ??= [...this.#runs.begin()].reverse();
    for (let count = 0; count < INDEX_RUNS_MAX && this.#unread.length > 0; count++) {
      const run = this.#unread.pop() as DueRun;
      if (run.log.peek(this.#indexed)) this.#due.push(this.#indexed.publishedAt, run.rank);
      else this.#runs.emptied(run);
      run.log.rest();
    }
    this.#index(INDEX_MESSAGES_MAX);
    this.#indexing = this.#unread.length > 0 || this.#unordered.log.readyCount > 0;
    if (!this.#indexing) this.#considerSorting();
  }

  /** Lets due messages go, as many as one turn allows; true when more are due. */
  #releaseDue(): boolean {
    const now = this.#environment.clock.now();
    let bytes = 0;
    this.#releasing = true;
    for (let count = 0; this.#due.firstDueAt <= now; count++) {
      if (count === RELEASE_MESSAGES_MAX || bytes > RELEASE_BYTES_MAX) break;
      const rank = this.#due.firstRank;
      bytes += rank < UNORDERED_RANK ? this.#releaseFromRun(this.#runs.get(rank), now) : this.#releaseUnordered(now);
      if (this.#dropped) break;
    }
    this.#releasing = false;
    this.#reportWhenDurable();
    return this.#due.firstDueAt <= now;
  }

  /** Returns how many octets its body has, as the next does. */
  #releaseFromRun(run: DueRun, now: number): number {
    const message = this.#leaving;
    const { log, rank } = run;
    log.peek(message);
    const sequence = log.take(message);
    const { persistent, bodyBytes } = message;
    this.#letGo(message, sequence, now);
    if (this.#dropped) return bodyBytes;
    this.#takeReport(log.takeReceipt(sequence));
    log.settle(sequence, persistent, bodyBytes);
    if (log.peek(message)) {
      this.#due.replaceFirst(message.publishedAt, rank);
      if (message.publishedAt > (this.#environment.memory.exceeded ? now : now + REST_MILLISECONDS)) log.rest();
    } else {
      this.#due.pop();
      this.#runs.emptied(run);
    }
    message.release();
    return bodyBytes;
  }

  #releaseUnordered(now: number): number {
    const message = this.#leaving;
    const sequence = this.#unordered.read(this.#due.pop(), message);
    const { persistent, bodyBytes } = message;
    const recordBytes = recordBytesOf(message);
    this.#letGo(message, sequence, now);
    if (this.#dropped) return bodyBytes;
    this.#takeReport(this.#unordered.log.takeReceipt(sequence));
    this.#unordered.settle(sequence, persistent, bodyBytes, recordBytes);
    return bodyBytes;
  }

  #letGo(message: Message, sequence: number, now: number): void {
    // It may have been due for long, if the broker was not running.
    if (message.expiresAt !== 0) message.expiresAt = now + message.expiresAt - message.publishedAt;
    message.publishedAt = now;
    if (!this.#durable) message.persistent = isPublishedPersistent(message);
    this.#release(message, sequence);
    message.release();
  }

  #takeReport(report: (() => void) | undefined): void {
    if (report !== undefined) this.#reports.push(report);
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

  /** If it pays, has some of what there is in no order sorted as soon as all of it is stored. */
  #considerSorting(): void {
    if (this.#sorting !== "no" || !this.#unordered.isWorthSorting) return;
    this.#sorting = "when stored";
    this.#sortEnd = this.#unordered.indexedEnd;
    this.#environment.barrier.whenDurable(this.#sortWhenDrained);
  }

  #sort(): void {
    this.#sorting = "no";
    const run = this.#runs.addSorted();
    if (run === undefined) return;
    const firstDueAt = this.#unordered.sortInto(run, this.#due, this.#sortEnd, this.#indexed);
    if (firstDueAt < 0) this.#runs.emptied(run);
    else this.#due.push(firstDueAt, run.rank);
    this.#considerSorting();
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
