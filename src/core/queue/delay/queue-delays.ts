// Hot file: hold runs for every message that reaches a queue that delays.

import { delayOf } from "../../delay-header.ts";
import type { Message } from "../../message.ts";
import type { ChunkDescriptor, ChunkSettlement } from "../../ports.ts";
import type { Receipt } from "../../receipt.ts";
import { DELAY_LANE, LANE_SEQUENCES } from "../lanes.ts";
import { DelayedLog, type DelayedLogEnvironment } from "./delayed-log.ts";

const FIRST_SEQUENCE = DELAY_LANE * LANE_SEQUENCES;

/** A queue, as far as it delays messages. */
export interface DelayingQueue {
  readonly id: number;
  readonly name: string;
  readonly durable: boolean;
  /** Knows messages that wait by their numbers; undefined: nobody does. */
  readonly deduplication: object | undefined;
  /** A message has come and waits; it is known by `sequence` until it {@link arrives}. */
  waits(message: Message, sequence: number): void;
  /** A message has waited, and has come as any other does. */
  arrives(message: Message, sequence: number): void;
}

/**
 * The messages that a queue keeps until their x-delay has passed, in a log of their own beside those that are ready;
 * there is one as soon as there is a message for it.
 */
export class QueueDelays {
  readonly #queue: DelayingQueue;
  readonly #environment: DelayedLogEnvironment;
  #log: DelayedLog | undefined;

  constructor(queue: DelayingQueue, environment: DelayedLogEnvironment) {
    this.#queue = queue;
    this.#environment = environment;
  }

  /** Messages that wait. */
  get count(): number {
    return this.#log?.count ?? 0;
  }

  /** Whether a message of this number waits here rather than being ready. */
  knows(sequence: number): boolean {
    return sequence >= FIRST_SEQUENCE;
  }

  /** Keeps a copy of `message` for as long as it asks; false when it asks for no delay. */
  hold(message: Message, receipt: Receipt | undefined, publishSequence: number): boolean {
    if (this.#log === undefined && delayOf(message) === 0) return false;
    const log = this.#log ?? this.#open();
    const sequence = log.delay(message, receipt, publishSequence);
    if (sequence === undefined) return false;
    this.#queue.waits(message, sequence);
    return true;
  }

  /** Takes over a chunk that recovery found; false when it is none of delayed messages. */
  recoverChunk(chunk: ChunkDescriptor, settlement: ChunkSettlement | undefined): boolean {
    if (chunk.first < FIRST_SEQUENCE) return false;
    (this.#log ?? this.#open()).recoverChunk(chunk, settlement);
    return true;
  }

  /** Lets nothing go any more: the broker is closing. */
  stop(): void {
    this.#log?.stop();
  }

  /** Forgets every message, in the store too. */
  drop(): void {
    this.#log?.drop();
  }

  #open(): DelayedLog {
    const { id, name, durable, deduplication } = this.#queue;
    const keepsNumbers = deduplication !== undefined;
    const release = (message: Message, sequence: number): void => this.#queue.arrives(message, sequence);
    this.#log = new DelayedLog({ id, name, durable, release, lane: DELAY_LANE, keepsNumbers }, this.#environment);
    return this.#log;
  }
}
