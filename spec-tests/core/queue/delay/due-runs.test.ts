import assert from "node:assert/strict";
import { test } from "node:test";
import { ROWS_MAX } from "../../../../src/core/queue/delay/delay-lanes.ts";
import type { DueRun } from "../../../../src/core/queue/delay/due-run.ts";
import { DueRuns } from "../../../../src/core/queue/delay/due-runs.ts";
import { DelayBench } from "./delay-bench.ts";

function newRuns(): DueRuns {
  return new DueRuns({ queueId: 7, durable: true, firstSequence: 0 }, new DelayBench().environment);
}

function ranks(runs: DueRuns, ...dueTimes: number[]): (number | undefined)[] {
  return dueTimes.map((dueAt) => runs.rowFor(dueAt)?.rank);
}

test("[delay/rows] messages of one delay share a row", () => {
  assert.deepEqual(ranks(newRuns(), 10, 10, 11, 50), [0, 0, 0, 0]);
});

test("[delay/rows] a message that is due before another goes to the next row that can take it", () => {
  assert.deepEqual(ranks(newRuns(), 100, 50, 20, 20, 60, 30, 100), [0, 1, 2, 2, 1, 2, 0]);
});

test("[delay/rows] there are only so many", () => {
  const runs = newRuns();
  const descending = Array.from({ length: ROWS_MAX + 1 }, (_, index) => 100 - index);
  assert.deepEqual(ranks(runs, ...descending), [...descending.keys()].slice(0, -1).concat(undefined as never));
});

test("[delay/rows] nothing goes to a row that is due when something is that came before it and is in none", () => {
  const runs = newRuns();
  assert.deepEqual(ranks(runs, 100, 50), [0, 1]);
  runs.noteUnordered(70);
  assert.deepEqual(ranks(runs, 70, 60), [undefined, undefined]);
  assert.deepEqual(ranks(runs, 71, 100), [1, 0]);
});

test("[delay/rows] sorted runs rank behind rows, also those that are opened later", () => {
  const runs = newRuns();
  const row = runs.rowFor(100) as DueRun;
  const sorted = [runs.addSorted() as DueRun, runs.addSorted() as DueRun];
  const later = runs.rowFor(50) as DueRun;
  const order = [row, later, ...sorted].map(({ rank }) => rank);
  assert.deepEqual(
    order,
    [...order].sort((one, other) => one - other),
  );
});

test("[delay/rows] what recovery finds ranks by generation, rows first, and before all that is new", () => {
  const runs = newRuns();
  const ids = [
    { kind: "row", generation: 0, number: 1 },
    { kind: "row", generation: 3, number: 0 },
    { kind: "sorted", generation: 0, number: 0 },
    { kind: "sorted", generation: 2, number: 5 },
  ] as const;
  for (const id of ids) assert.equal(runs.recovered(id), runs.recovered(id));
  const [first, second, third, fourth] = ids;
  assert.deepEqual(
    runs.begin().map(({ id }) => id),
    [first, third, fourth, second],
  );
  assert.deepEqual(runs.begin(), []);
  const row = runs.rowFor(1) as DueRun;
  assert.deepEqual([row.rank, row.id], [4, { kind: "row", generation: 4, number: 0 }]);
  assert.deepEqual(runs.addSorted()?.id, { kind: "sorted", generation: 4, number: 0 });
});
