import assert from "node:assert/strict";
import { test } from "node:test";
import { Message } from "../../../src/core/message.ts";
import { MemoryState } from "../../../src/store/memory-state.ts";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import { contentPropertiesEnd, contentPropertiesStart } from "../../../src/wire/content.ts";
import { type FieldTable, tableFrom } from "../../../src/wire/field-table.ts";
import { decodeProperties } from "../../../src/wire/properties.ts";
import { bodyOf, QueueBench } from "./queue-bench.ts";

const RETRY = { "x-delayed-retry-type": "all", "x-delayed-retry-min": 1000, "x-delayed-retry-max": 60_000 };
const AT_LEAST_ONCE = {
  "x-dead-letter-exchange": "dlx",
  "x-dead-letter-strategy": "at-least-once",
  "x-overflow": "reject-publish",
};

function open(state: MemoryState, queueArguments: Parameters<typeof tableFrom>[0] = {}): QueueBench {
  return new QueueBench(tableFrom(queueArguments), true, state, { type: "quorum" });
}

/** The queue as a restart finds it, at the time at which `before` stands. */
async function restarted(
  before: QueueBench,
  state: MemoryState,
  queueArguments: Parameters<typeof tableFrom>[0] = {},
): Promise<QueueBench> {
  await before.settle();
  const after = open(state, queueArguments);
  after.clock.advance(before.clock.now() - after.clock.now());
  after.recover();
  await after.settle();
  return after;
}

interface Taken {
  readonly body: string;
  readonly sequence: number;
  readonly bodyBytes: number;
  readonly redelivered: boolean;
  readonly headers: FieldTable | undefined;
}

function take({ queue }: QueueBench): Taken | undefined {
  const message = new Message();
  const sequence = queue.get(message);
  if (sequence < 0) return undefined;
  const { buffer, contentStart, bodyBytes } = message;
  const end = contentPropertiesEnd(buffer, contentStart);
  const { headers } = decodeProperties(buffer, contentPropertiesStart(contentStart), end);
  return { body: bodyOf(message), sequence, bodyBytes, redelivered: queue.gotRedelivered, headers };
}

function giveBack(bench: QueueBench, failed: boolean): void {
  const taken = take(bench);
  assert(taken !== undefined);
  bench.queue.requeue(taken.sequence, true, taken.bodyBytes, failed);
}

function counts(taken: Taken | undefined): number[] {
  return ["x-acquired-count", "x-delivery-count"].map((name) => Number(taken?.headers?.get(name)?.value ?? 0));
}

function noteCount(state: MemoryState): number {
  let count = 0;
  new MemoryStore(state).recover({ definition() {}, chunk() {}, note: () => count++ });
  return count;
}

test("[quorum/durability] every message survives a restart, whatever its delivery mode, and is confirmed when it does", async () => {
  const state = new MemoryState();
  const before = open(state);
  let stored = 0;
  const receipt = { stored: () => stored++, refused: () => assert.fail() };
  before.push("transient", { receipt, number: 1 });
  assert.equal(stored, 0, "not before the commit");
  const after = await restarted(before, state);
  assert.equal(stored, 1);
  assert.equal(take(after)?.body, "transient");
});

test("[quorum/counts] survive a restart, and the delivery limit goes on from there", async () => {
  const state = new MemoryState();
  const limit = { "x-delivery-limit": 2, "x-dead-letter-exchange": "dlx" };
  const before = open(state, limit);
  before.push("poison");
  giveBack(before, true);
  giveBack(before, false);
  const after = await restarted(before, state, limit);
  giveBack(after, true);
  const taken = take(after);
  assert.deepEqual([taken?.redelivered, ...counts(taken)], [true, 3, 2]);
  after.queue.requeue(taken?.sequence as number, true, "poison".length, true);
  assert.deepEqual(after.graveyard.dead, [{ body: "poison", reason: "delivery_limit" }]);
});

test("[quorum/counts] a message that is done with leaves no note behind", async () => {
  const state = new MemoryState();
  const before = open(state, RETRY);
  for (const body of ["acknowledged", "purged"]) before.push(body);
  for (let index = 0; index < 2; index++) giveBack(before, true);
  await before.settle();
  before.clock.advance(1000);
  const taken = take(before) as Taken;
  before.queue.settle(taken.sequence, true, taken.bodyBytes);
  giveBack(before, true);
  assert.equal(before.queue.purge(), 1);
  const after = await restarted(before, state, RETRY);
  assert.deepEqual([after.queue.readyCount, after.queue.unackedCount, after.queue.delayedCount], [0, 0, 0]);
  assert.ok(noteCount(state) <= 1, "at most the mark of what was delivered");
  assert.equal(before.memory.usedBytes, 0);
});

test("[quorum/counts] what is purged leaves no count behind", async () => {
  const state = new MemoryState();
  const before = open(state);
  for (const body of ["kept", "purged"]) before.push(body);
  const both = [take(before), take(before)] as [Taken, Taken];
  for (const { sequence, bodyBytes } of both) before.queue.requeue(sequence, true, bodyBytes, true);
  await before.settle();
  const again = await restarted(before, state);
  const kept = take(again) as Taken;
  assert.equal(again.queue.purge(), 1);
  again.queue.requeue(kept.sequence, true, kept.bodyBytes, true);
  const last = await restarted(again, state);
  assert.deepEqual(counts(take(last)), [2, 2], "what was not purged keeps its own");
  assert.ok(noteCount(state) <= 2, "the mark of what was delivered, and one count");
});

test("[delayed-retry] a message that waits for its retry does so across a restart", async () => {
  const state = new MemoryState();
  const before = open(state, RETRY);
  before.push("a");
  giveBack(before, true);
  before.clock.advance(400);
  const after = await restarted(before, state, RETRY);
  assert.equal(take(after), undefined);
  assert.equal(after.queue.delayedCount, 1);
  after.clock.advance(599);
  assert.equal(take(after), undefined);
  after.clock.advance(1);
  assert.deepEqual(counts(take(after)), [1, 1]);
});

test("[delayed-retry] what has come back is known after a restart without the policy that delayed it", async () => {
  const state = new MemoryState();
  const classic = (queueArguments: Parameters<typeof tableFrom>[0]): QueueBench =>
    new QueueBench(tableFrom(queueArguments), true, state, { type: "classic" });
  const before = classic(RETRY);
  before.push("a", { persistent: true });
  giveBack(before, true);
  await before.settle();
  const after = classic({});
  after.clock.advance(before.clock.now() - after.clock.now());
  after.recover();
  assert.equal(take(after), undefined, "it waits for its retry");
  after.clock.advance(1000);
  const taken = take(after) as Taken;
  assert.deepEqual(counts(taken), [1, 1]);
  after.queue.settle(taken.sequence, true, taken.bodyBytes);
  await after.settle();
  assert.ok(noteCount(state) <= 1, "at most the mark of what was delivered");
});

test("[delayed-retry] its message does not expire while it waits, across a restart either", async () => {
  const state = new MemoryState();
  const limits = { ...RETRY, "x-dead-letter-exchange": "dlx" };
  const before = open(state, limits);
  before.push("a", { expiresIn: 100 });
  giveBack(before, true);
  before.clock.advance(400);
  const after = await restarted(before, state, limits);
  after.clock.advance(0);
  assert.deepEqual(after.graveyard.dead, []);
  after.clock.advance(600);
  assert.deepEqual(after.graveyard.dead, [{ body: "a", reason: "expired" }]);
});

test("[dead-letter/at-least-once] a dead message that nobody takes is offered every second, after a restart too", async () => {
  const state = new MemoryState();
  const before = open(state, AT_LEAST_ONCE);
  before.graveyard.takes = false;
  before.push("a");
  const taken = take(before) as Taken;
  before.queue.reject(taken.sequence, true, taken.bodyBytes);
  before.clock.advance(3_000);
  assert.deepEqual([before.queue.readyCount, before.queue.unackedCount, before.queue.delayedCount], [0, 0, 1]);
  const after = await restarted(before, state, AT_LEAST_ONCE);
  after.graveyard.takes = false;
  after.clock.advance(0);
  assert.equal(take(after), undefined, "it is dead");
  after.graveyard.takes = true;
  after.clock.advance(1_000);
  assert.deepEqual(after.graveyard.dead, [{ body: "a", reason: "rejected" }]);
  assert.deepEqual([after.queue.readyCount, after.queue.unackedCount, after.queue.delayedCount], [0, 0, 0]);
  await after.settle();
  assert.equal(after.memory.usedBytes, 0);
});

test("[dead-letter/at-least-once] the reason stays the first one, although the message expires meanwhile", async () => {
  const state = new MemoryState();
  const before = open(state, AT_LEAST_ONCE);
  before.graveyard.takes = false;
  before.push("a", { expiresIn: 500 });
  const taken = take(before) as Taken;
  before.queue.reject(taken.sequence, true, taken.bodyBytes);
  before.clock.advance(900);
  const after = await restarted(before, state, AT_LEAST_ONCE);
  after.clock.advance(1_000);
  assert.deepEqual(after.graveyard.dead, [{ body: "a", reason: "rejected" }]);
});

test("[quorum/priority] survives a restart, with the messages that were out at their old place", async () => {
  const state = new MemoryState();
  const before = open(state);
  before.push("low", { priority: 1 });
  before.push("high, out", { priority: 9 });
  before.push("high", { priority: 9 });
  assert.equal(take(before)?.body, "high, out");
  const after = await restarted(before, state);
  const all = [take(after), take(after), take(after)];
  assert.deepEqual(
    all.map((taken) => [taken?.body, taken?.redelivered]),
    [
      ["high, out", true],
      ["high", false],
      ["low", false],
    ],
  );
});

test("[queue.declare/x-max-length] held messages count, and so do the octets of their bodies", () => {
  const bench = open(new MemoryState(), { ...RETRY, ...AT_LEAST_ONCE, "x-max-length": 3, "x-max-length-bytes": 6 });
  bench.push("aaa");
  giveBack(bench, true);
  assert.equal(bench.queue.refuses(2, 3), false);
  assert.equal(bench.queue.refuses(3, 3), true);
  assert.equal(bench.queue.refuses(1, 4), true);
  bench.clock.advance(1000);
  assert.deepEqual([bench.queue.readyCount, bench.queue.delayedCount], [1, 0]);
  assert.equal(bench.queue.refuses(1, 4), true);
});

test("[queue/stop] a queue with held messages and open deliveries that is stopped or dropped has no timer", () => {
  for (const end of ["stop", "drop"] as const) {
    const bench = open(new MemoryState(), RETRY);
    for (const body of ["held", "open"]) bench.push(body);
    giveBack(bench, true);
    take(bench);
    bench.queue[end]();
    assert.equal(bench.clock.pendingCount, 0, end);
  }
});
