import { LANE_SEQUENCES } from "../lanes.ts";

/**
 * Which sequence numbers the logs of one delayed log have, by lanes counted from its own: lane 0 is for messages that
 * wait in no order, the next is left out because of other logs of the same owner, see lanes.ts.
 */
const ROWS_LANE = 2;
const SORTED_LANE = 128;
const LANES_END = 256;

/** More messages than one row or one sorted run will ever have. */
const ROW_SEQUENCES = 2 ** 36;
const SORTED_SEQUENCES = 2 ** 18;

const ROWS_FIRST = ROWS_LANE * LANE_SEQUENCES;
const SORTED_FIRST = SORTED_LANE * LANE_SEQUENCES;
const SORTED_END = LANES_END * LANE_SEQUENCES;

/** Rows of one generation. */
export const ROWS_MAX = 8;

/** There is a generation for each start of the broker that found messages of the one before. */
export const GENERATIONS_MAX = (SORTED_FIRST - ROWS_FIRST) / (ROWS_MAX * ROW_SEQUENCES);

/** Sorted runs of one generation. */
export const SORTED_RUNS_MAX = Math.floor((SORTED_END - SORTED_FIRST) / (GENERATIONS_MAX * SORTED_SEQUENCES));

/** Which log of a delayed log a message is in. */
export interface DelayLogId {
  readonly kind: "row" | "sorted";
  readonly generation: number;
  /** Within the generation, less than {@link ROWS_MAX} or {@link SORTED_RUNS_MAX}. */
  readonly number: number;
}

/** The first sequence number of a log, counted from the first of the delayed log. */
export function firstOf({ kind, generation, number }: DelayLogId): number {
  return kind === "row"
    ? ROWS_FIRST + (generation * ROWS_MAX + number) * ROW_SEQUENCES
    : SORTED_FIRST + (generation * SORTED_RUNS_MAX + number) * SORTED_SEQUENCES;
}

/** The log of a sequence number, counted from the first of the delayed log; undefined: messages in no order. */
export function delayLogOf(sequence: number): DelayLogId | undefined {
  if (sequence < ROWS_FIRST) return undefined;
  const kind = sequence < SORTED_FIRST ? "row" : "sorted";
  const position =
    kind === "row"
      ? Math.floor((sequence - ROWS_FIRST) / ROW_SEQUENCES)
      : Math.floor((sequence - SORTED_FIRST) / SORTED_SEQUENCES);
  const perGeneration = kind === "row" ? ROWS_MAX : SORTED_RUNS_MAX;
  return { kind, generation: Math.floor(position / perGeneration), number: position % perGeneration };
}
