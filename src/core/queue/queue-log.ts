import type { Message } from "../message.ts";
import type { ChunkDescriptor, ChunkSettlement } from "../ports.ts";
import type { Receipt } from "../receipt.ts";

/** Where messages expire, and are dropped for length: the first message of a log, or of some of its messages. */
export interface LogHead {
  /** The message that the last successful peek found; -1 when it has been taken. */
  readonly peekedSequence: number;
  /** Points `message` at the next ready message, without taking it; false when there is none. */
  peek(message: Message): boolean;
  /** Takes the message the last peek found, whose view `message` still is, and returns its sequence number. */
  take(message: Message): number;
}

/**
 * The messages of a queue that is emptied by consuming it. A message is ready until it is taken, then unsettled until
 * it is settled or requeued.
 */
export interface QueueLog extends LogHead {
  /** Where messages expire: each of these looks at its own first message only. */
  readonly heads: readonly LogHead[];
  /** Messages that can be taken. */
  readonly readyCount: number;
  /** Octets of their bodies. */
  readonly readyBytes: number;
  /** Messages taken and not settled. */
  readonly unsettledCount: number;
  /** True when the message that the last successful peek found may have been delivered before. */
  readonly peekedRedelivered: boolean;
  /** Adds a copy of `message` at the end and returns its sequence number. `receipt` learns when it is safe. */
  append(message: Message, receipt: Receipt | undefined, publishSequence: number): number;
  /** Points `message` at an unsettled message. */
  read(sequence: number, message: Message): void;
  /** An unsettled message is done with: it was acknowledged, expired or dropped. */
  settle(sequence: number, persistent: boolean, bodyBytes: number): void;
  /** An unsettled message is ready again. */
  requeue(sequence: number, bodyBytes: number): void;
  /** Takes the receipt of an unsettled message away and returns what reports it stored; undefined when none waits. */
  takeReceipt(sequence: number): (() => void) | undefined;
  /** Lets go of the records that are read next, if the store has them: nobody is about to take them. */
  rest(): void;
  /** Whether the log still has a message. */
  holds(sequence: number): boolean;
  /** Removes every ready message and returns how many there were. `message` is used to look at them. */
  purge(message: Message): number;
  /** Forgets everything, in the store too. The log is not used afterwards. */
  drop(): void;
  /** Takes over a chunk that recovery found. */
  recoverChunk(descriptor: ChunkDescriptor, settlement: ChunkSettlement | undefined): void;
  /** Takes over the mark below which recovery says every message of one log was delivered once. */
  recoverDelivered(lane: number, sequence: number): void;
}
