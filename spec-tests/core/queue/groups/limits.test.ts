import assert from "node:assert/strict";
import { test } from "node:test";
import { PARKED_MESSAGES_MAX } from "../../../../src/core/queue/groups/grouped-log.ts";
import { IDLE_GROUPS_MAX, MessageGroups } from "../../../../src/core/queue/groups/message-groups.ts";
import { GroupBench } from "./group-bench.ts";

/** Turns until nothing is wanted: each passes over so many messages and no more. */
async function settle(bench: GroupBench): Promise<void> {
  for (let round = 0; round < 10; round++) {
    try {
      await bench.settle();
      return;
    } catch {
      // Turns go on: a queue does not pass over everything in one.
    }
  }
  assert.fail("turns come to an end");
}

test("[groups/limit] so many messages are passed over and no more; room is used as it comes", async () => {
  const bench = new GroupBench();
  const slow = bench.consume(1);
  bench.push("a0");
  await bench.settle();
  const idle = bench.consume(1);
  for (let number = 0; number < PARKED_MESSAGES_MAX; number++) bench.push("a");
  bench.push("b1");
  await settle(bench);
  assert.deepEqual(idle.take(), ["b1"], "the limit itself is passed over");
  bench.push("a", "c1");
  await settle(bench);
  idle.ack();
  await settle(bench);
  assert.deepEqual(idle.take(), [], "one more is not");
  slow.ack();
  await settle(bench);
  assert.deepEqual([...slow.take().slice(-1), ...idle.take()].sort(), ["a", "c1"]);
});

test("[groups/limit] the head is delivered when it can be, however many wait", async () => {
  const bench = new GroupBench();
  const slow = bench.consume(1);
  bench.push("a0");
  await bench.settle();
  const quick = bench.consume(1);
  for (let number = 0; number < PARKED_MESSAGES_MAX; number++) bench.push("a");
  await settle(bench);
  bench.push("b1", "b2", ".1");
  for (const expected of ["b1", "b2", ".1"]) {
    await settle(bench);
    assert.deepEqual(quick.take(), [expected]);
    quick.ack();
  }
  assert.equal(slow.unacked.length, 1);
});

test("[groups/limit] however many wait, the head is delivered once who called basic.get has settled its group", async () => {
  const bench = new GroupBench();
  bench.consume(1);
  bench.push("a0");
  await bench.settle();
  bench.push("b0");
  const got = bench.get(() => {});
  const quick = bench.consume();
  for (let number = 0; number < PARKED_MESSAGES_MAX; number++) bench.push("a");
  bench.push("b1");
  await settle(bench);
  assert.deepEqual([got?.body, quick.take()], ["b0", []]);
  bench.queue.settle(got?.sequence as number, false, 2);
  await settle(bench);
  assert.deepEqual(quick.take(), ["b1"]);
});

test("[groups/cost] a turn passes over a bounded number of messages, and each message once", async () => {
  const bench = new GroupBench();
  const slow = bench.consume(1);
  bench.push("a0");
  await bench.settle();
  for (let number = 0; number < 5000; number++) bench.push("a");
  const quick = bench.consume(1);
  let passed = 0;
  let most = 0;
  for (let turn = 0; turn < 10; turn++) {
    bench.log.scannedCount = 0;
    bench.bench.turn.run();
    passed += bench.log.scannedCount;
    most = Math.max(most, bench.log.scannedCount);
  }
  assert.equal(passed, 5000);
  assert.ok(most <= 1024);
  bench.push("b1", "b2");
  await bench.settle();
  for (let again = 0; again < 5; again++) {
    bench.log.scannedCount = 0;
    bench.queue.consumerReady();
    await bench.settle();
    assert.equal(bench.log.scannedCount, 0, "what has been passed over is not looked at again");
  }
  quick.ack();
  await bench.settle();
  assert.deepEqual(quick.take(), ["b1", "b2"]);
  assert.equal(slow.unacked.length, 1);
});

test("[groups/memory] a million groups leave nothing behind", async () => {
  const bench = new GroupBench();
  const worker = bench.consume(100);
  for (let group = 0; group < 1_000_000; group++) {
    bench.pushWith("x", `customer-${group}`);
    if (group % 100 !== 99) continue;
    assert.ok(bench.log.groupCount <= 100);
    worker.ack();
    worker.take();
  }
  assert.equal(bench.log.groupCount, 0);
});

test("[groups/memory] groups that wait in the queue, untouched, take no memory of their own", async () => {
  const bench = new GroupBench();
  for (let group = 0; group < 10_000; group++) bench.pushWith("x", `customer-${group}`);
  bench.consume(10);
  await bench.settle();
  assert.equal(bench.log.groupCount, 10);
});

test("[groups/memory] of groups that nothing is left of a limited number is remembered", () => {
  const groups = new MessageGroups();
  const holder = (): void => {};
  for (let sequence = 0; sequence < 10_000; sequence++) {
    groups.delivered(sequence, groups.of(`customer-${sequence}`), holder);
    if (sequence % 1000 === 999)
      for (let settled = sequence - 999; settled <= sequence; settled++) groups.settled(settled);
    assert.ok(groups.size <= 1000 + IDLE_GROUPS_MAX);
  }
  assert.deepEqual([groups.busyCount, groups.size], [0, IDLE_GROUPS_MAX]);
});
