import type { ReturnTurns } from "./returned.ts";

/** How logs that share a queue are told apart: each has sequence numbers of its own. */
export const LANE_SEQUENCES = 2 ** 44;

/** The lane of messages that wait for their x-delay to pass; the lower ones are for priorities, of which there are 256. */
export const DELAY_LANE = 256;

/** The lane of the messages that an exchange remembers; the same exchange may have others in lane 0, which are delayed. */
export const HISTORY_LANE = 257;

/**
 * Which stored messages a log keeps in memory as long as all queues together may keep more there: those that are yet to
 * be taken, none but those that are being read, or all small ones, taken or not.
 */
export type KeptInMemory = "ready" | "nothing" | "small";

/** Messages count as small whose records take no more on average. */
export const SMALL_RECORD_BYTES = 4096;

/** What a log may differ in. */
export interface MessageLogOptions {
  /** Which of the queue's logs it is; 0 unless the queue has several. */
  readonly lane?: number;
  /** Its first sequence number, if that is not the first of its lane. */
  readonly firstSequence?: number;
  /** Default: what is ready. */
  readonly keepsInMemory?: KeptInMemory;
  /** Returned messages come again in the order of these turns, and not at their old place. */
  readonly returnTurns?: ReturnTurns | undefined;
  /** Whether a restart must know which messages were taken before; true unless told. */
  readonly marksDeliveries?: boolean;
}
