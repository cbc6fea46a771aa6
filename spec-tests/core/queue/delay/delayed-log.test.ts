import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../../src/lib/manual-clock.ts";
import { DelayBench, Receipts } from "./delay-bench.ts";

/** A clock that an administrator can set. */
class SettableClock extends ManualClock {
  offset = 0;

  override now(): number {
    return super.now() + this.offset;
  }
}

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, number) => String(number));
}

test("[delay/due] a message leaves when it is due, and not before", async () => {
  const bench = new DelayBench();
  bench.hold("a", { delay: 1000 });
  await bench.advance(999);
  assert.deepEqual(bench.released, []);
  assert.equal(bench.log.count, 1);
  await bench.advance(1);
  assert.deepEqual(bench.released, ["a"]);
  assert.equal(bench.log.count, 0);
  assert.equal(bench.clock.pendingCount, 0);
});

test("[delay/order] messages leave by due time, those of the same by arrival", async () => {
  const bench = new DelayBench();
  for (const [body, delay] of [
    ["e", 500],
    ["a", 100],
    ["c", 300],
    ["b", 100],
    ["d", 300],
  ] as const) {
    bench.hold(body, { delay });
    await bench.settle();
  }
  await bench.advance(400);
  assert.deepEqual(bench.released, ["a", "b", "c", "d"]);
  await bench.advance(100);
  assert.deepEqual(bench.released, ["a", "b", "c", "d", "e"]);
});

test("[delay/order] a message that is due earlier than all before it brings the time forward", async () => {
  const bench = new DelayBench();
  bench.hold("late", { delay: 10_000 });
  bench.hold("early", { delay: 10 });
  await bench.advance(10);
  assert.deepEqual(bench.released, ["early"]);
});

test("[delay/budget] what is due at once leaves in batches, in order, each durable before the next begins", async () => {
  const bench = new DelayBench();
  for (const body of numbered(10_000)) bench.hold(body, { delay: 1000 });
  await bench.settle();
  bench.store.holdCommits();
  bench.clock.advance(1000);
  for (let round = 0; round < 5; round++) bench.runTurn();
  assert.equal(bench.released.length, 4096);
  bench.hold("behind", { delay: 0 });
  for (let round = 0; round < 5; round++) bench.runTurn();
  assert.equal(bench.released.length, 4096, "the commit has not ended");
  bench.store.holdCommits(false);
  bench.store.held?.release();
  await bench.settle();
  assert.deepEqual(bench.released, [...numbered(10_000), "behind"]);
  assert.equal(bench.log.count, 0);
});

test("[delay/budget] large messages make a smaller batch", async () => {
  const bench = new DelayBench();
  for (let count = 0; count < 20; count++) bench.hold("x".repeat(1_000_000), { delay: 1000 });
  await bench.settle();
  bench.store.holdCommits();
  bench.clock.advance(1000);
  for (let round = 0; round < 5; round++) bench.runTurn();
  assert.equal(bench.released.length, 5);
});

test("[delay/store] while the store cannot write, no more than a batch leaves", async () => {
  const bench = new DelayBench();
  for (const body of numbered(6000)) bench.hold(body, { delay: 1000 });
  await bench.settle();
  bench.store.failCommits(3, new Error("disk full"));
  await bench.advance(1000);
  for (let attempt = 0; attempt < 2; attempt++) await bench.advance(500);
  assert.equal(bench.released.length, 4096);
  await bench.advance(500);
  assert.deepEqual(bench.released, numbered(6000));
});

test("[delay/atomic] leaving and arriving are one commit", async () => {
  const bench = new DelayBench();
  bench.hold("a", { delay: 1000 });
  await bench.settle();
  bench.store.holdCommits();
  bench.clock.advance(1000);
  bench.runTurn();
  assert.deepEqual(bench.released, ["a"]);

  const killed = bench.restarted();
  assert.equal(killed.target.readyCount, 0);
  assert.equal(killed.log.count, 1);

  bench.store.holdCommits(false);
  bench.store.held?.release();
  await bench.settle();
  const after = bench.restarted();
  assert.equal(after.target.readyCount, 1);
  assert.equal(after.log.count, 0);
});

test("[delay/receipt] a message is safe once it is stored", async () => {
  const bench = new DelayBench();
  const receipt = new Receipts();
  bench.store.holdCommits();
  bench.hold("a", { delay: 1000, receipt, number: 1 });
  bench.hold("b", { delay: 1000, persistent: false, receipt, number: 2 });
  bench.runTurn();
  assert.deepEqual(receipt.safe, [2], "a transient message is not meant to outlive a restart");
  bench.store.holdCommits(false);
  bench.store.held?.release();
  await bench.settle();
  assert.deepEqual(receipt.safe, [2, 1]);
});

test("[delay/receipt] a message that leaves before it is stored is safe once it is stored where it has gone", async () => {
  const bench = new DelayBench();
  const receipt = new Receipts();
  bench.hold("first", { delay: 100 });
  bench.store.holdCommits();
  bench.runTurn();
  bench.hold("a", { delay: 1, receipt, number: 1 });
  bench.clock.advance(1);
  bench.runTurn();
  assert.deepEqual(bench.released, ["a"]);
  assert.deepEqual(receipt.safe, []);
  bench.store.held?.release();
  await new Promise((resolve) => setImmediate(resolve));
  bench.runTurn();
  assert.deepEqual(receipt.safe, [], "that was the commit before");
  bench.store.holdCommits(false);
  bench.store.held?.release();
  await bench.settle();
  assert.deepEqual(receipt.safe, [1]);
  assert.deepEqual(bench.restarted().takeTarget(), ["a"]);
});

test("[delay/receipt] a message that could not be stored is refused, and leaves all the same when it can", async () => {
  const bench = new DelayBench();
  const receipt = new Receipts();
  bench.store.failCommits(1, new Error("disk full"));
  bench.hold("a", { delay: 1000, receipt, number: 1 });
  await bench.settle();
  assert.deepEqual(receipt.lost, [1]);
  await bench.advance(1000);
  assert.deepEqual(bench.released, ["a"]);
  assert.deepEqual(receipt.safe, []);
});

test("[delay/restart] persistent messages are there after a restart, transient ones are not", async () => {
  const bench = new DelayBench();
  bench.hold("a", { delay: 2000 });
  bench.hold("b", { delay: 1000, persistent: false });
  bench.hold("c", { delay: 1000 });
  await bench.settle();
  const after = bench.restarted();
  assert.equal(after.log.count, 2);
  await after.advance(5000);
  assert.deepEqual(after.released, ["c", "a"]);
});

test("[delay/restart] what has become due meanwhile leaves at once", async () => {
  const bench = new DelayBench();
  bench.hold("a", { delay: 2000 });
  bench.hold("b", { delay: 1000 });
  await bench.settle();
  bench.log.stop();
  bench.clock.advance(10_000);
  const after = bench.restarted();
  await after.settle();
  assert.deepEqual(after.released, ["b", "a"]);
});

test("[delay/restart] due times are read a few at a time, and nothing leaves before all are known", async () => {
  const bench = new DelayBench();
  const count = 10_000;
  // In no order that would spare the broker knowing of each when it is due.
  for (const [index, body] of numbered(count).entries()) bench.hold(body, { delay: 5000 + count - index });
  bench.hold("first", { delay: 1000 });
  await bench.settle();
  bench.clock.advance(900);
  const after = bench.restarted();
  after.runTurn();
  after.clock.advance(100);
  after.hold("new", { delay: 1000 });
  after.runTurn();
  assert.deepEqual(after.released, []);
  assert.equal(after.log.count, count + 2);
  await after.settle();
  assert.deepEqual(after.released, ["first"]);
  await after.advance(1000);
  assert.deepEqual(after.released, ["first", "new"]);
  await after.advance(3000 + count);
  assert.deepEqual(after.released, ["first", "new", ...numbered(count).reverse()]);
});

test("[delay/restart] a log that is not durable writes nothing for a restart", async () => {
  const bench = new DelayBench({ durable: false });
  bench.hold("a", { delay: 1000 });
  bench.hold("b", { delay: 2000 });
  await bench.advance(1000);
  assert.deepEqual(bench.released, ["a"]);
  assert.equal(bench.restarted().log.count, 0);
});

test("[delay/restart] a persistent message that has waited in a log that is not durable is persistent where it goes", async () => {
  const bench = new DelayBench({ durable: false });
  bench.hold("persistent", { delay: 1000 });
  bench.hold("transient", { delay: 1000, persistent: false });
  await bench.advance(1000);
  assert.deepEqual(bench.restarted().takeTarget(), ["persistent"]);
});

test("[delay/expiration] a message's expiration begins when it leaves, however late that is", async () => {
  const bench = new DelayBench();
  bench.hold("a", { delay: 1000, expiresIn: 50 });
  bench.hold("b", { delay: 1000 });
  await bench.settle();
  bench.log.stop();
  bench.clock.advance(7000);
  const after = bench.restarted();
  after.onRelease = (body) => {
    assert.equal(after.last.publishedAt, after.clock.now());
    assert.equal(after.last.expiresAt, body === "a" ? after.clock.now() + 50 : 0);
  };
  await after.settle();
  assert.deepEqual(after.released, ["a", "b"]);
});

test("[delay/re-entry] what is held while another message leaves does not disturb that", async () => {
  const bench = new DelayBench();
  for (const body of numbered(3)) bench.hold(body, { delay: 1000 });
  bench.onRelease = (body) => {
    if (body === "again") return;
    for (let count = 0; count < 2000; count++) bench.hold("again", { delay: 500 });
  };
  await bench.advance(1000);
  assert.deepEqual(bench.released, ["0", "1", "2"]);
  assert.deepEqual(bench.takeTarget(), ["0", "1", "2"]);
  await bench.advance(500);
  assert.equal(bench.takeTarget().length, 6000);
});

test("[delay/clock] a clock that is set forward lets go what is due then within a minute", async () => {
  const clock = new SettableClock();
  const bench = new DelayBench({ clock });
  bench.hold("a", { delay: 86_400_000 });
  await bench.settle();
  clock.offset = 86_400_000;
  await bench.advance(60_000);
  assert.deepEqual(bench.released, ["a"]);
});

test("[delay/stop] a stopped log keeps what it gets and lets nothing go", async () => {
  const bench = new DelayBench();
  bench.hold("a", { delay: 100 });
  bench.log.stop();
  bench.hold("b", { delay: 50 });
  await bench.advance(1000);
  assert.deepEqual(bench.released, []);
  assert.equal(bench.clock.pendingCount, 0);
  const after = bench.restarted();
  await after.settle();
  assert.deepEqual(after.released, ["b", "a"]);
});

test("[delay/drop] a dropped log forgets everything, and what it gets afterwards", async () => {
  const bench = new DelayBench();
  const receipt = new Receipts();
  bench.hold("a", { delay: 100 });
  await bench.settle();
  let dropped = 0;
  bench.log.onDropped = () => dropped++;
  bench.log.drop();
  bench.hold("b", { delay: 0, receipt, number: 1 });
  // Who drops it changes a definition.
  bench.barrier.definitionChanged();
  await bench.advance(1000);
  assert.deepEqual(bench.released, []);
  assert.deepEqual([bench.log.count, dropped, receipt.safe], [0, 1, [1]]);
  assert.equal(bench.clock.pendingCount, 0);
  assert.equal(bench.memory.usedBytes, 0);
  assert.equal(bench.restarted().log.count, 0);
});

test("[delay/drop] a log that is dropped by what it lets go ends there", async () => {
  const bench = new DelayBench();
  bench.hold("a", { delay: 100 });
  bench.hold("b", { delay: 100 });
  await bench.settle();
  bench.onRelease = () => bench.log.drop();
  await bench.advance(100);
  assert.deepEqual(bench.released, ["a"]);
  assert.equal(bench.log.count, 0);
});

test("[delay/memory] waiting messages are left to the store", async () => {
  const bench = new DelayBench();
  for (let batch = 0; batch < 20; batch++) {
    for (const body of numbered(500)) bench.hold(body.padStart(200), { delay: 1000 + (batch % 7) });
    await bench.settle();
  }
  bench.hold("last", { delay: 5000 });
  await bench.settle();
  assert(bench.memory.usedBytes < 200, `${bench.memory.usedBytes} octets in memory`);
  await bench.advance(2000);
  assert.equal(bench.released.length, 10_000);
});
