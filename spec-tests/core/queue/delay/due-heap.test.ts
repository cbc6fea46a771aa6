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

function firstOf(entries: readonly { dueAt: number; sequence: number }[]): { dueAt: number; sequence: number } {
  return entries.reduce((first, entry) =>
    entry.dueAt < first.dueAt || (entry.dueAt === first.dueAt && entry.sequence < first.sequence) ? entry : first,
  );
}
