import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { ReadBudget } from "../../src/core/read-budget.ts";
import { Turn } from "../../src/core/turn.ts";
import { ManualClock } from "../../src/lib/manual-clock.ts";

/** What a read brings: of small messages, and of large ones. */
const SMALL = { frames: 2000, bytes: 64 * 1024 };
const LARGE = { frames: 3, bytes: 256 * 1024 };

/** A stream that is read whenever it is not paused, and turns that the test makes. */
function budgetOn(stream: PassThrough): { budget: ReadBudget; turn: Turn; renewed: () => number } {
  const turn = new Turn(() => {}, new ManualClock());
  let renewals = 0;
  const budget = new ReadBudget(turn, {
    framesPerTurn: 4000,
    pauseInput: () => stream.pause(),
    renewInput: () => {
      renewals++;
      stream.resume();
    },
  });
  stream.resume();
  return { budget, turn, renewed: () => renewals };
}

test("[limits/read budget] a connection is read until its share of the turn is used up, and again in the next", () => {
  for (const { frames, bytes } of [SMALL, LARGE]) {
    const stream = new PassThrough();
    const { budget, turn } = budgetOn(stream);
    for (let round = 0; round < 3; round++) {
      budget.take(frames, bytes);
      assert(!stream.isPaused(), "half of the share is left");
      budget.take(frames, bytes);
      assert(stream.isPaused() && budget.spent);
      turn.run();
      assert(!stream.isPaused() && !budget.spent);
    }
  }
});

test("[limits/read budget] the share is each turn's own: what little was read in earlier ones does not count", () => {
  const stream = new PassThrough();
  const { budget, turn, renewed } = budgetOn(stream);
  for (let round = 0; round < 10; round++) {
    budget.take(SMALL.frames, SMALL.bytes);
    turn.run();
  }
  assert(!stream.isPaused());
  assert.equal(renewed(), 0);
});

test("[limits/read budget] octets that were under way when the share was used up do not ask for a second renewal", () => {
  const stream = new PassThrough();
  const { budget, turn, renewed } = budgetOn(stream);
  for (let read = 0; read < 4; read++) budget.take(SMALL.frames, SMALL.bytes);
  turn.run();
  turn.run();
  assert.equal(renewed(), 1);
});
