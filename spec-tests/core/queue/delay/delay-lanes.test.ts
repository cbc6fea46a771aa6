import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type DelayLogId,
  delayLogOf,
  firstOf,
  GENERATIONS_MAX,
  ROWS_MAX,
  SORTED_RUNS_MAX,
} from "../../../../src/core/queue/delay/delay-lanes.ts";
import { DELAY_LANE, HISTORY_LANE, LANE_SEQUENCES } from "../../../../src/core/queue/lanes.ts";

const CORNERS: readonly DelayLogId[] = (["row", "sorted"] as const).flatMap((kind) => {
  const numberMax = (kind === "row" ? ROWS_MAX : SORTED_RUNS_MAX) - 1;
  return [0, 1, GENERATIONS_MAX - 1].flatMap((generation) =>
    [0, 1, numberMax].map((number) => ({ kind, generation, number })),
  );
});

test("[delay/lanes] the log of a message follows from its sequence number", () => {
  assert.equal(delayLogOf(0), undefined);
  assert.equal(delayLogOf(LANE_SEQUENCES - 1), undefined);
  for (const id of CORNERS) {
    assert.deepEqual(delayLogOf(firstOf(id)), id);
    assert.deepEqual(delayLogOf(firstOf(id) + 2 ** 18 - 1), id);
  }
});

test("[delay/lanes] sequence numbers ascend with kind, generation and number", () => {
  const firsts = CORNERS.map(firstOf);
  assert.deepEqual(
    firsts,
    [...firsts].sort((one, other) => one - other),
  );
});

test("[delay/lanes] no sequence number is one of another log of the same queue or exchange, or too large", () => {
  for (const first of CORNERS.map(firstOf)) {
    // An exchange delays from lane 0 on and may have a history.
    assert(first + 2 ** 18 < HISTORY_LANE * LANE_SEQUENCES);
    assert(first >= LANE_SEQUENCES);
    assert(Number.isSafeInteger(DELAY_LANE * LANE_SEQUENCES + first + 2 ** 18));
  }
});
