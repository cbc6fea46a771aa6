import assert from "node:assert/strict";
import { test } from "node:test";
import { DueHeap } from "../../../../src/core/queue/delay/due-heap.ts";
import { SeededRandom } from "../../../fuzz/seeded-random.ts";

const STEPS = 60_000;

test("[delay/order] the heap gives what is due first, and of equal times the lower sequence number", () => {
  const seed = Number(process.env["LEVERET_MODEL_SEED"] ?? SeededRandom.anySeed());
  const random = new SeededRandom(seed);
  const heap = new DueHeap();
  const model: { dueAt: number; sequence: number }[] = [];
  const popFirst = (): void => {
    const dueAt = heap.firstDueAt;
    const sequence = heap.pop();
    const index = model.findIndex((entry) => entry.dueAt === dueAt && entry.sequence === sequence);
    assert(index >= 0, `replay with LEVERET_MODEL_SEED=${seed}`);
    const isBefore = (entry: { dueAt: number; sequence: number }): boolean =>
      entry.dueAt < dueAt || (entry.dueAt === dueAt && entry.sequence < sequence);
    assert(!model.some(isBefore), `replay with LEVERET_MODEL_SEED=${seed}`);
    model.splice(index, 1);
  };
  // It grows beyond several segments, and shrinks again.
  for (let step = 0; step < STEPS; step++) {
    const isGrowing = step % 20_000 < 10_000;
    if (model.length < 3_000 && random.chance(isGrowing ? 0.7 : 0.2)) {
      const entry = { dueAt: 1_700_000_000_000 + random.integer(0, 500), sequence: step };
      model.push(entry);
      heap.push(entry.dueAt, entry.sequence);
    } else if (model.length > 0 && random.chance(0.2)) {
      popFirst();
    } else if (model.length > 0) {
      heap.pop();
      model.splice(model.indexOf(firstOf(model)), 1);
    }
    assert.equal(heap.size, model.length);
  }
  while (model.length > 0) popFirst();
  assert.equal(heap.firstDueAt, Number.POSITIVE_INFINITY);
  assert.equal(heap.pop(), -1);
});

test("[delay/order] due times of any size are kept exactly", () => {
  const heap = new DueHeap();
  const times = [2 ** 48 - 1, 1, 1_700_000_000_001, 1_700_000_000_000];
  for (const [sequence, dueAt] of times.entries()) heap.push(dueAt, 2 ** 52 + sequence);
  const popped: number[] = [];
  while (heap.size > 0) popped.push(heap.firstDueAt, heap.pop());
  const expected = [1, 2 ** 52 + 1, times[3], 2 ** 52 + 3, times[2], 2 ** 52 + 2, times[0], 2 ** 52];
  assert.deepEqual(popped, expected);
});

test("[delay/order] entries of a range of ranks can be listed in order and taken out", () => {
  const seed = Number(process.env["LEVERET_MODEL_SEED"] ?? SeededRandom.anySeed());
  const random = new SeededRandom(seed);
  const heap = new DueHeap();
  const entries = Array.from({ length: 5_000 }, (_, sequence) => ({
    dueAt: 1_700_000_000_000 + random.integer(0, 300),
    sequence,
  }));
  for (const { dueAt, sequence } of entries) heap.push(dueAt, sequence);
  entries.sort((one, other) => one.dueAt - other.dueAt || one.sequence - other.sequence);
  const isIn = ({ sequence }: { sequence: number }): boolean => sequence >= 1_000 && sequence < 4_500;
  const listed = heap.sortedBetween(1_000, 4_500);
  const expected = entries.filter(isIn).map(({ sequence }) => sequence);
  assert.deepEqual([...(listed ?? [])], expected, `replay with LEVERET_MODEL_SEED=${seed}`);
  assert.equal(heap.size, 5_000, "they are still there");
  heap.removeBetween(1_000, 4_500);
  for (const { dueAt, sequence } of entries.filter((entry) => !isIn(entry))) {
    assert.deepEqual([heap.firstDueAt, heap.firstRank], [dueAt, sequence], `replay with LEVERET_MODEL_SEED=${seed}`);
    heap.pop();
  }
  assert.deepEqual([heap.size, heap.firstRank], [0, -1]);
});

test("[delay/order] entries that are too far apart are not listed", () => {
  const heap = new DueHeap();
  heap.push(1, 0);
  heap.push(2 ** 45, 1_000);
  assert.equal(heap.sortedBetween(0, 1_001), undefined);
  assert.deepEqual([...(heap.sortedBetween(1_000, 1_001) ?? [])], [1_000]);
  assert.deepEqual([...(heap.sortedBetween(5, 5) ?? [])], []);
});

test("[delay/order] the first entry can be replaced", () => {
  const heap = new DueHeap();
  for (const [dueAt, rank] of [
    [10, 1],
    [20, 2],
    [30, 3],
  ] as const) {
    heap.push(dueAt, rank);
  }
  heap.replaceFirst(25, 1);
  const popped: number[] = [];
  while (heap.size > 0) popped.push(heap.firstDueAt, heap.pop());
  assert.deepEqual(popped, [20, 2, 25, 1, 30, 3]);
});

function firstOf(entries: readonly { dueAt: number; sequence: number }[]): { dueAt: number; sequence: number } {
  return entries.reduce((first, entry) =>
    entry.dueAt < first.dueAt || (entry.dueAt === first.dueAt && entry.sequence < first.sequence) ? entry : first,
  );
}
