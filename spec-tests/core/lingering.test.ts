import assert from "node:assert/strict";
import { test } from "node:test";
import { Lingering } from "../../src/core/lingering.ts";

const TURNS_MAX = 100;
const TRIED_EVERY = 32;

/** A turn with work, and empty ones behind it until the event loop sleeps, or until `answered` of them have passed. */
function linger(lingering: Lingering, answered = Number.POSITIVE_INFINITY): number {
  let turns = 0;
  for (let goesOn = lingering.goesOn(true); goesOn && turns < answered; goesOn = lingering.goesOn(false)) turns++;
  return turns;
}

/** Turns with work up to the first behind which the event loop does not sleep, if it then sleeps. */
function untilTried(lingering: Lingering): number {
  for (let count = 1; ; count++) if (linger(lingering) > 0) return count;
}

/** Input comes soon eight times in which it is tried: then it is worth it. */
function teach(lingering: Lingering): void {
  for (let time = 0; time < 8; time++) while (linger(lingering, 5) === 0);
}

test("[lingering] the event loop sleeps at once, but for a try after every 32 turns with work", () => {
  const lingering = new Lingering();
  assert.equal(lingering.goesOn(false), false);
  assert.equal(untilTried(lingering), TRIED_EVERY);
  assert.equal(untilTried(lingering), TRIED_EVERY);
});

test("[lingering] it stays awake for a hundred turns when input comes soon more often than not", () => {
  const lingering = new Lingering();
  teach(lingering);
  for (let time = 0; time < 50; time++) assert.equal(linger(lingering, 5), 5, `time ${time}`);
  assert.equal(linger(lingering), TURNS_MAX);
  assert.equal(linger(lingering, 5), 5, "once in vain is not enough to give up");
});

test("[lingering] it gives up when input comes soon less than three times of four", () => {
  const lingering = new Lingering();
  teach(lingering);
  for (let time = 0; time < 50; time++) linger(lingering, 5);
  let tried = 0;
  for (let time = 0; time < 100; time++) {
    if (linger(lingering) > 0) tried++;
    linger(lingering, 5);
    linger(lingering, 5);
  }
  assert.ok(tried < 20, `${tried} of 100`);
});

test("[lingering] when it is stopped the event loop sleeps, and nothing is learnt", () => {
  const lingering = new Lingering();
  teach(lingering);
  for (let time = 0; time < 20; time++) {
    assert.equal(lingering.goesOn(true), true);
    lingering.stop();
    assert.equal(lingering.goesOn(false), false);
  }
  assert.equal(linger(lingering), TURNS_MAX);
});

test("[lingering] input in the first turn counts too", () => {
  const lingering = new Lingering();
  for (let turn = 0; turn < 8 * TRIED_EVERY + 1; turn++) lingering.goesOn(true);
  assert.equal(linger(lingering), TURNS_MAX);
});
