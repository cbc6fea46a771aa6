import type { ReturnTurns } from "./returned.ts";

/** How logs that share a queue are told apart: each has sequence numbers of its own. */
export const LANE_SEQUENCES = 2 ** 44;

/** The lane of messages that wait for their x-delay to pass; the lower ones are for priorities, of which there are 256. */
export const DELAY_LANE = 256;

/** The lane of the messages that an exchange remembers; the same exchange may have others in lane 0, which are delayed. */
export const HISTORY_LANE = 257;

/** What a log may differ in. */
export interface MessageLogOptions {
  /** Which of the queue's logs it is; 0 unless the queue has several. */
  readonly lane?: number;
  /** Returned messages come again in the order of these turns, and not at their old place. */
  readonly returnTurns?: ReturnTurns | undefined;
  /** Whether a restart must know which messages were taken before; true unless told. */
  readonly marksDeliveries?: boolean;
}
