import assert from "node:assert/strict";
import { test } from "node:test";
import { Alarms } from "../../src/core/alarms.ts";
import { CommitBarrier, type CommitNeed, type CommitParticipant } from "../../src/core/commit-barrier.ts";
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
  wakes = 0;
  readonly barrier = new CommitBarrier(this.store, this.clock, silentLogger, () => this.wakes++);
  readonly flow = new FlowControl(this.barrier, 1000, new Alarms(silentLogger));

  /** Ends a turn and waits for the commit that it begins. */
  async turn(): Promise<void> {
    this.barrier.endOfTurn();
    for (let round = 0; round < 3; round++) await new Promise((resolve) => setImmediate(resolve));
    this.flow.endOfTurn();
  }

  /** A message has come for `participant` that a consumer holds: a commit is wanted, unless it is settled before. */
  holdMessage(participant: Participant): void {
    participant.needed = "perhaps";
    this.barrier.enlistPatiently(participant);
    this.barrier.hasten();
  }

  async failingTurn(): Promise<void> {
    this.store.failCommits(1, new Error("disk full"));
    await this.turn();
    assert.equal(this.barrier.failing, true);
  }
}

class Participant implements CommitParticipant {
  needed: CommitNeed = "none";
  prepared = 0;
  committedCount = 0;
  failedCount = 0;

  need(): CommitNeed {
    return this.needed;
  }

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

test("[commit barrier] what nobody waits for is committed after ten milliseconds", async () => {
  const bench = new Bench();
  const participant = new Participant();
  bench.barrier.enlistPatiently(participant);
  await bench.turn();
  bench.clock.advance(9);
  await bench.turn();
  assert.equal(participant.prepared, 0);
  bench.clock.advance(1);
  await bench.turn();
  assert.deepEqual([participant.prepared, participant.committedCount], [1, 1]);
});

test("[commit barrier] what nobody waits for goes with a commit that somebody waits for", async () => {
  const bench = new Bench();
  const [patient, other] = [new Participant(), new Participant()];
  bench.barrier.enlistPatiently(patient);
  bench.barrier.enlist(other);
  await bench.turn();
  assert.deepEqual([patient.committedCount, other.committedCount], [1, 1]);
  bench.clock.advance(100);
  await bench.turn();
  assert.equal(bench.store.commitCount, 1, "there is nothing left for another");
});

test("[commit barrier] who waits for durability, or for idleness, does not wait for patience", async () => {
  for (const wait of ["whenDurable", "idle"] as const) {
    const bench = new Bench();
    bench.barrier.enlistPatiently(new Participant());
    let waited = false;
    if (wait === "idle") void bench.barrier.idle().then(() => (waited = true));
    else bench.barrier.whenDurable(() => (waited = true));
    for (let turn = 0; turn < 3; turn++) {
      bench.barrier.settleIdle();
      await bench.turn();
    }
    assert.equal(waited, true, wait);
  }
});

test("[commit barrier] what is enlisted while somebody waits for idleness is not waited for either", async () => {
  const bench = new Bench();
  let isIdle = false;
  bench.barrier.enlist(new Participant());
  void bench.barrier.idle().then(() => (isIdle = true));
  bench.barrier.endOfTurn();
  bench.barrier.enlistPatiently(new Participant());
  for (let turn = 0; turn < 4; turn++) {
    bench.barrier.settleIdle();
    await bench.turn();
  }
  assert.equal(isIdle, true);
  assert.equal(bench.store.commitCount, 2);
});

test("[commit barrier/grace] a commit that only messages want which consumers hold waits for some turns, then begins", async () => {
  const bench = new Bench();
  const participant = new Participant();
  bench.holdMessage(participant);
  bench.wakes = 0;
  let turns = 0;
  for (; bench.store.commitCount === 0; turns++) bench.barrier.endOfTurn();
  assert.equal(turns, 51);
  assert.equal(bench.wakes, 50, "it asks for every turn that it waits for");
});

test("[commit barrier/grace] when consumers settle in time there is no commit until patience ends", async () => {
  const bench = new Bench();
  const participant = new Participant();
  bench.holdMessage(participant);
  for (let turn = 0; turn < 20; turn++) await bench.turn();
  participant.needed = "none";
  for (let turn = 0; turn < 100; turn++) await bench.turn();
  assert.equal(bench.store.commitCount, 0);
  bench.clock.advance(10);
  await bench.turn();
  assert.equal(participant.committedCount, 1);
});

test("[commit barrier/grace] where it is in vain it is tried more and more seldom, until it pays off", async () => {
  const bench = new Bench();
  const participant = new Participant();
  /** Commits that begin at once before one that waits. */
  const beginAtOnce = async (): Promise<number> => {
    for (let count = 0; ; count++) {
      bench.holdMessage(participant);
      const before = bench.store.commitCount;
      bench.barrier.endOfTurn();
      const waits = bench.store.commitCount === before;
      while (bench.store.commitCount === before) bench.barrier.endOfTurn();
      await bench.turn();
      if (waits) return count;
    }
  };
  const counts: number[] = [];
  for (let time = 0; time < 9; time++) counts.push(await beginAtOnce());
  assert.deepEqual(counts, [0, 1, 2, 4, 8, 16, 32, 64, 64]);
  // The next to wait is settled in time.
  for (let commit = 0; commit < 64; commit++) {
    bench.holdMessage(participant);
    await bench.turn();
  }
  bench.holdMessage(participant);
  await bench.turn();
  participant.needed = "none";
  await bench.turn();
  bench.clock.advance(10);
  await bench.turn();
  assert.deepEqual([await beginAtOnce(), await beginAtOnce()], [0, 1]);
});

test("[commit barrier/grace] somebody else who waits ends it", async () => {
  const bench = new Bench();
  const participant = new Participant();
  bench.holdMessage(participant);
  bench.barrier.endOfTurn();
  assert.equal(bench.store.commitCount, 0);
  bench.barrier.definitionChanged();
  await bench.turn();
  assert.equal(bench.store.commitCount, 1);
  bench.holdMessage(participant);
  for (let turn = 0; turn < 50; turn++) bench.barrier.endOfTurn();
  assert.equal(bench.store.commitCount, 1, "the next one has all its turns");
});

test("[commit barrier] what a participant changes while it prepares is of that commit", async () => {
  const bench = new Bench();
  const participant = new Participant();
  participant.prepare = () => bench.barrier.hasten();
  bench.barrier.enlist(participant);
  await bench.turn();
  bench.wakes = 0;
  await bench.turn();
  assert.deepEqual([bench.store.commitCount, bench.wakes], [1, 0]);
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
