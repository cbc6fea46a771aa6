// Hot file: add and indexNext run for every message that is due before others that came before it.

import type { Message } from "../../message.ts";
import type { Receipt } from "../../receipt.ts";
import type { LogEnvironment } from "../chunk-storage.ts";
import { SMALL_RECORD_BYTES } from "../lanes.ts";
import { MessageLog } from "../message-log.ts";
import { recordBytesOf } from "../record.ts";
import type { DueHeap } from "./due-heap.ts";
import type { DueRun } from "./due-run.ts";
import { UNORDERED_RANK } from "./due-runs.ts";

/** Which part of the messages is sorted at one time. To sort all would take longer than one turn should. */
const SORTED_PART = 1 / 4;

/** As soon as there are so many messages, or octets of their records, a part of them is sorted: the oldest. */
export interface SortThreshold {
  readonly messages: number;
  readonly bytes: number;
}

const NO_MESSAGES: SortThreshold = { messages: 0, bytes: 0 };

export interface UnorderedLogOptions {
  readonly queueId: number;
  readonly durable: boolean;
  readonly lane: number;
  /** The first sequence number of the lane. */
  readonly firstSequence: number;
  /** Undefined: messages stay where they are. */
  readonly sortThreshold: SortThreshold | undefined;
}

/**
 * Messages that wait in the order in which they came, each with an entry in the heap that says when it is due: one that
 * is taken from a message log and not settled. When there are many small ones, the oldest are sorted and moved, since to
 * read them later one by one, from wherever they are, costs several times as much.
 */
export class UnorderedLog {
  readonly log: MessageLog;
  readonly #firstSequence: number;
  readonly #sortThreshold: SortThreshold | undefined;
  /** The sequence number behind the last message with an entry in the heap. */
  indexedEnd: number;
  /** Messages with an entry in the heap, and octets of the records of all. */
  #indexedCount = 0;
  #bytes = 0;
  /** How many times the threshold there must be; more when none could be sorted the last time. */
  #patience = 1;

  constructor(options: UnorderedLogOptions, environment: LogEnvironment) {
    const { queueId, durable, lane, firstSequence, sortThreshold } = options;
    this.log = new MessageLog(queueId, durable, environment, {
      lane,
      marksDeliveries: false,
      // They are soon to be read again, to be sorted.
      keepsInMemory: sortThreshold === undefined ? "nothing" : "small",
    });
    this.#firstSequence = firstSequence;
    this.indexedEnd = firstSequence;
    this.#sortThreshold = sortThreshold;
  }

  get count(): number {
    return this.log.readyCount + this.log.unsettledCount;
  }

  /** True when there are so many that it pays to sort a part of them. */
  get isWorthSorting(): boolean {
    if (this.#sortThreshold === undefined || this.#bytes > this.#indexedCount * SMALL_RECORD_BYTES) return false;
    const { messages, bytes } = this.#sortThreshold;
    return this.#indexedCount >= messages * this.#patience || this.#bytes >= bytes * this.#patience;
  }

  /** Adds a copy of a message, whose time of publishing says when it is due, and its entry in `due`. */
  add(message: Message, receipt: Receipt | undefined, publishSequence: number, due: DueHeap): number {
    const sequence = this.log.appendTaken(message, receipt, publishSequence);
    this.#note(message, sequence, due);
    return sequence;
  }

  /** Gives the next message that has none its entry in `due`; returns when it is due, -1 when all have one. */
  indexNext(message: Message, due: DueHeap): number {
    if (this.log.readyCount === 0 || !this.log.peek(message)) return -1;
    this.#note(message, this.log.take(message), due);
    return message.publishedAt;
  }

  /** Points `message` at the message of a rank and returns its sequence number. */
  read(rank: number, message: Message): number {
    const sequence = rank - UNORDERED_RANK + this.#firstSequence;
    this.log.read(sequence, message);
    return sequence;
  }

  /** A message has left, whose record takes so many octets. */
  settle(sequence: number, persistent: boolean, bodyBytes: number, recordBytes: number): void {
    this.log.settle(sequence, persistent, bodyBytes);
    this.#forget(recordBytes);
  }

  /**
   * Moves a part of the messages into a run by when they are due: none from the sequence number `end` on, and those before
   * it must be stored. Returns when the first is due; -1 when none could be moved.
   */
  sortInto(run: DueRun, due: DueHeap, end: number, message: Message): number {
    const { messages, bytes } = this.#sortThreshold ?? NO_MESSAGES;
    const until = this.log.loadUntil(end, messages * SORTED_PART, bytes * SORTED_PART);
    const untilRank = until - this.#firstSequence + UNORDERED_RANK;
    const sorted = due.sortedBetween(UNORDERED_RANK, untilRank);
    let firstDueAt = -1;
    if (sorted !== undefined) {
      due.removeBetween(UNORDERED_RANK, untilRank);
      for (const rank of sorted) {
        this.read(rank, message);
        if (firstDueAt < 0) firstDueAt = message.publishedAt;
        run.log.append(message, undefined, 0);
        this.#forget(recordBytesOf(message));
      }
      this.log.settleUntil(until);
      message.release();
    }
    this.#patience = firstDueAt < 0 ? 2 * this.#patience : 1;
    return firstDueAt;
  }

  #note(message: Message, sequence: number, due: DueHeap): void {
    due.push(message.publishedAt, UNORDERED_RANK + sequence - this.#firstSequence);
    this.indexedEnd = sequence + 1;
    this.#indexedCount++;
    this.#bytes += recordBytesOf(message);
  }

  #forget(recordBytes: number): void {
    this.#indexedCount--;
    this.#bytes -= recordBytes;
  }
}
