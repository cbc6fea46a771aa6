import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { WaitDecision } from "../../src/store/wait-decision.ts";

const SMALL = 100;
const MANY = 1000;

/** How many writes are waited for before one is handed over, if each takes so long. */
function waitsInARow(decision: WaitDecision, milliseconds = 0.1): number {
  for (let count = 0; count < MANY; count++) {
    if (!decision.waitsFor(SMALL)) return count;
    decision.waited(milliseconds);
  }
  return MANY;
}

describe("what the event loop waits for", () => {
  it("is nothing before a thread has shown that the disk is quick and nobody else has anything to do", () => {
    const decision = new WaitDecision();
    assert.equal(decision.waitsFor(SMALL), false);
    decision.handedOver(SMALL, 0.6, 0.6);
    assert.equal(decision.waitsFor(SMALL), false, "a slow disk");
    decision.handedOver(SMALL, 0.1, 0.04);
    assert.equal(decision.waitsFor(SMALL), false, "a busy event loop");
    decision.handedOver(SMALL, 0.1, 0.06);
    assert.equal(decision.waitsFor(SMALL), true);
  });

  it("is looked at again with every sixteenth write", () => {
    const decision = new WaitDecision();
    decision.handedOver(SMALL, 0.1, 0.1);
    assert.equal(waitsInARow(decision), 15);
    decision.handedOver(SMALL, 0.1, 0);
    assert.equal(waitsInARow(decision), 0);
    decision.handedOver(SMALL, 0.1, 0.1);
    assert.equal(waitsInARow(decision), 15);
  });

  it("is never a large write, which tells nothing of small ones either", () => {
    const decision = new WaitDecision();
    decision.handedOver(32 * 1024 + 1, 0.1, 0.1);
    assert.equal(decision.waitsFor(SMALL), false);
    decision.handedOver(32 * 1024, 0.1, 0.1);
    assert.equal(decision.waitsFor(32 * 1024 + 1), false);
    decision.handedOver(32 * 1024 + 1, 20, 20);
    assert.equal(decision.waitsFor(32 * 1024), true);
  });

  it("is nothing more once it took too long, until 256 writes in a row were quick", () => {
    const decision = new WaitDecision();
    decision.handedOver(SMALL, 0.1, 0.1);
    assert.equal(waitsInARow(decision, 5), 1);
    for (let count = 0; count < 200; count++) decision.handedOver(SMALL, 0.1, 0.1);
    decision.handedOver(SMALL, 0.6, 0.6);
    for (let count = 0; count < 256; count++) {
      assert.equal(decision.waitsFor(SMALL), false, `after ${count}`);
      decision.handedOver(SMALL, 0.1, 0.1);
    }
    decision.handedOver(SMALL, 0.1, 0.1);
    assert.equal(waitsInARow(decision), 15);
  });
});
