import assert from "node:assert/strict";
import type { CommitBarrier } from "../../src/core/commit-barrier.ts";
import type { FaultyStore } from "./faulty-store.ts";

/** More rounds of the event loop than a commit in memory takes. */
const QUIET_ROUNDS = 3;
/** More rounds than anything takes that comes to an end. */
const ROUNDS_MAX = 100_000;

/** The turns of a broker, or of a part of one, that a test ends. */
export class ManualTurns {
  #wanted: (() => void)[] = [];

  /** For a Turn: what it asks to be run. */
  readonly defer = (callback: () => void): void => {
    this.#wanted.push(callback);
  };

  /** Ends one turn. Returns whether it was asked for. */
  run(): boolean {
    const wanted = this.#wanted;
    this.#wanted = [];
    for (const run of wanted) run();
    return wanted.length > 0;
  }

  /** Ends turns, and lets commits come to an end, until nothing is left to do or `store` holds a commit back. */
  async settle(barrier: CommitBarrier, store?: FaultyStore): Promise<void> {
    let isIdle = store?.held !== undefined;
    if (!isIdle) void barrier.idle().then(() => (isIdle = true));
    for (let quiet = 0, rounds = 0; quiet < QUIET_ROUNDS; rounds++) {
      assert.ok(rounds < ROUNDS_MAX, "turns come to an end");
      quiet = !this.run() && isIdle ? quiet + 1 : 0;
      await new Promise((resolve) => setImmediate(resolve));
      if (store?.held !== undefined) isIdle = true;
    }
  }
}
