import type { FieldTable } from "../../wire/field-table.ts";
import type { Destination } from "../destination.ts";
import type { Message } from "../message.ts";
import type { Receipt } from "../receipt.ts";

/** What of a queue deduplication needs to know. */
export interface DeduplicatedQueue extends Destination {
  /** The store's name for it. */
  readonly id: number;
  readonly durable: boolean;
  readonly arguments: FieldTable;
}

/** Keeps duplicates out of one queue. */
export interface QueueDeduplication {
  /** Messages that were kept out. */
  readonly duplicateCount: number;
  /** Keys that are remembered. */
  readonly keyCount: number;
  /**
   * Whether the queue takes a message that has reached it; asked before anything else is done with it. If not, its
   * publisher has been told or will be.
   */
  admits(message: Message, receipt: Receipt | undefined, publishSequence: number): boolean;
  /** The queue has written down a message. */
  recorded(sequence: number, message: Message): void;
  /** A message that the queue has written down is about to leave it, whatever becomes of it. */
  leaving(sequence: number): void;
  /** The queue has been purged of all messages but those that wait for their delay. */
  purged(waits: (sequence: number) => boolean): void;
  /** Takes over what recovery found; false for a note that is not about duplicates. */
  recoverNote(noteKey: Uint8Array, value: Uint8Array): boolean;
  /** Forgets everything, in the store too. */
  drop(): void;
}
