import assert from "node:assert/strict";
import { test } from "node:test";
import { Alarms } from "../../src/core/alarms.ts";
import { CommitBarrier, type CommitParticipant } from "../../src/core/commit-barrier.ts";
import { FlowControl } from "../../src/core/flow-control.ts";
import { silentLogger } from "../../src/lib/logger.ts";
import { ManualClock } from "../../src/lib/manual-clock.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { FaultyStore } from "../support/faulty-store.ts";

const RETRY_MILLISECONDS = 500;

/** A barrier over a store that fails at command, whose turns the test makes. */
class Bench {
  readonly clock = new ManualClock();
  readonly store = new FaultyStore(new MemoryStore());
  readonly barrier = new CommitBarrier(this.store, this.clock, silentLogger, () => {});
  readonly flow = new FlowControl(this.barrier, 1000, new Alarms(silentLogger));

  /** Ends a turn and waits for the commit that it begins. */
  async turn(): Promise<void> {
    this.barrier.endOfTurn();
    for (let round = 0; round < 3; round++) await new Promise((resolve) => setImmediate(resolve));
    this.flow.endOfTurn();
  }

  async failingTurn(): Promise<void> {
    this.store.failCommits(1, new Error("disk full"));
    await this.turn();
    assert.equal(this.barrier.failing, true);
  }
}

class Participant implements CommitParticipant {
  prepared = 0;
  committedCount = 0;
  failedCount = 0;

  prepare(): void {
    this.prepared++;
  }

  committed(): void {
    this.committedCount++;
  }

  failed(): void {
    this.failedCount++;
  }
}

test("[commit barrier] a participant that changes again while commits fail hears of each end once", async () => {
  const bench = new Bench();
  const participant = new Participant();
  for (let attempt = 1; attempt <= 3; attempt++) {
    bench.barrier.enlist(participant);
    await bench.failingTurn();
    assert.equal(participant.failedCount, attempt);
    bench.clock.advance(RETRY_MILLISECONDS);
  }
  await bench.turn();
  assert.deepEqual([participant.prepared, participant.committedCount], [3, 1]);
});

test("[commit barrier] who waits for durability finds the store well again when it is reached", async () => {
  const bench = new Bench();
  bench.barrier.definitionChanged();
  const seen: boolean[] = [];
  bench.barrier.whenDefinitionsDurable(() => seen.push(bench.barrier.failing));
  await bench.failingTurn();
  assert.deepEqual(seen, []);
  bench.clock.advance(RETRY_MILLISECONDS);
  await bench.turn();
  assert.deepEqual(seen, [false]);
});

test("[commit barrier] who is forgotten is not called back, whichever commit it waited for", async () => {
  const bench = new Bench();
  const called: string[] = [];
  const inFlight = (): void => void called.push("in flight");
  const gathering = (): void => void called.push("gathering");
  bench.store.holdCommits();
  bench.barrier.definitionChanged();
  bench.barrier.whenDefinitionsDurable(inFlight);
  bench.barrier.whenDurable(() => called.push("kept"));
  bench.barrier.endOfTurn();
  bench.barrier.enlist(new Participant());
  bench.barrier.whenDurable(gathering);
  bench.barrier.forget(inFlight);
  bench.barrier.forget(gathering);
  bench.store.holdCommits(false);
  bench.store.held?.release();
  await bench.turn();
  await bench.turn();
  assert.deepEqual(called, ["kept"]);
});

test("[commit barrier] begins no commit after it is closed", async () => {
  const bench = new Bench();
  bench.barrier.close();
  bench.barrier.enlist(new Participant());
  await bench.turn();
  assert.equal(bench.store.commitCount, 0);
});

test("[flow control] publishers wait while octets are unwritten; who is forgotten is not called back", () => {
  const bench = new Bench();
  const called: string[] = [];
  const gone = (): void => void called.push("gone");
  bench.barrier.pendingBytes = 1001;
  assert.equal(bench.flow.mustWait, true);
  assert.equal(bench.flow.blockedReason, undefined);
  bench.flow.whenClear(gone);
  bench.flow.whenClear(() => called.push("kept"));
  bench.flow.endOfTurn();
  bench.flow.forget(gone);
  bench.barrier.pendingBytes = 1000;
  bench.flow.endOfTurn();
  bench.flow.endOfTurn();
  assert.deepEqual(called, ["kept"]);
});
