import assert from "node:assert/strict";
import { test } from "node:test";
import { GroupBench } from "./group-bench.ts";

for (const type of ["classic", "quorum"] as const) {
  const start = (queueArguments = {}): GroupBench => new GroupBench(queueArguments, { type, durable: true });

  test(`[groups/requeue] ${type}: a message comes back at its place, when its consumer has settled the rest`, async () => {
    const bench = start();
    const [one, two] = [bench.consume(2), bench.consume(2)];
    bench.push("a1", "a2", "a3", "a4");
    await bench.settle();
    assert.deepEqual([one.take(), two.take()], [["a1", "a2"], []]);
    one.requeue("a1");
    await bench.settle();
    assert.deepEqual([one.take(), two.take()], [[], []], "nothing of a while a2 is out");
    one.ack("a2");
    await bench.settle();
    const next = [...one.unacked, ...two.unacked];
    assert.deepEqual(
      next.map(({ body, redelivered }) => [body, redelivered]),
      [
        ["a1", true],
        ["a3", false],
      ],
    );
  });

  test(`[groups/requeue] ${type}: several come back in order, whatever the order of return`, async () => {
    const bench = start();
    const one = bench.consume(3);
    bench.push("a1", "a2", "a3", "a4", "b1");
    await bench.settle();
    one.requeue("a3", "a1");
    await bench.settle();
    assert.deepEqual(one.take(), ["a1", "a2", "a3", "b1"], "b is not held up");
    one.requeue("a2");
    await bench.settle();
    assert.deepEqual(one.take(), ["a1", "a2"]);
    one.ack();
    await bench.settle();
    assert.deepEqual(one.take(), ["a3", "a4"]);
  });

  test(`[groups/requeue] ${type}: messages in no group come back as in any queue, before what came later`, async () => {
    const bench = start();
    const one = bench.consume(1);
    bench.push(".1", ".2", "a1");
    await bench.settle();
    one.requeue(".1");
    await bench.settle();
    assert.deepEqual(one.take(), [".1", ".1"]);
  });

  test(`[groups/loss] ${type}: when a consumer is lost, another gets its groups, in order`, async () => {
    const bench = start();
    const [one, two] = [bench.consume(3), bench.consume(1)];
    bench.push("a1", "a2", "b1", "a3", "a4");
    await bench.settle();
    assert.deepEqual([one.take(), two.take()], [["a1", "a2", "a3"], ["b1"]]);
    one.close();
    two.ack();
    for (const expected of ["a1", "a2", "a3", "a4"]) {
      await bench.settle();
      assert.deepEqual(two.take(), [expected]);
      two.ack();
    }
  });

  test(`[groups/cancel] ${type}: a cancelled consumer keeps its groups until it has settled what it has`, async () => {
    const bench = start();
    const [one, two] = [bench.consume(2), bench.consume(5)];
    bench.push("a1", "a2");
    await bench.settle();
    one.cancel();
    bench.push("a3", "b1");
    await bench.settle();
    assert.deepEqual([one.take(), two.take()], [["a1", "a2"], ["b1"]]);
    one.ack("a2");
    await bench.settle();
    assert.deepEqual(two.take(), []);
    one.requeue("a1");
    await bench.settle();
    assert.deepEqual(two.take(), ["a1", "a3"]);
  });
}

test("[groups/prefetch] a consumer that may take more gets what its groups have waiting", async () => {
  const bench = new GroupBench();
  const [one, two] = [bench.consume(), bench.consume(1)];
  one.openMax = 1;
  bench.push("a1", "b1", "a2", "b2", "a3");
  await bench.settle();
  one.openMax = 3;
  bench.queue.consumerReady();
  await bench.settle();
  assert.deepEqual([one.take(), two.take()], [["a1", "a2", "a3"], ["b1"]]);
  one.openMax = 1;
  one.ack("a1");
  bench.push("a4");
  await bench.settle();
  assert.deepEqual(one.take(), []);
  one.ack("a2", "a3");
  await bench.settle();
  assert.deepEqual(one.take(), ["a4"]);
});

test("[groups/prefetch] a consumer whose client does not read gets its groups' messages when it does again", async () => {
  const bench = new GroupBench();
  const [one, two] = [bench.consume(), bench.consume()];
  bench.push("a1");
  await bench.settle();
  one.writable = false;
  bench.push("a2", "b1");
  await bench.settle();
  assert.deepEqual([one.take(), two.take()], [["a1"], ["b1"]]);
  one.writable = true;
  bench.queue.consumerReady();
  await bench.settle();
  assert.deepEqual(one.take(), ["a2"]);
});

test("[groups/delayed-retry] a message that waits for its retry keeps its group back, and no other", async () => {
  const bench = new GroupBench({ "x-delayed-retry-type": "all", "x-delayed-retry-min": 1000 });
  const one = bench.consume(3);
  bench.push("a1", "a2", "a3", "b1");
  await bench.settle();
  one.requeue("a2");
  one.ack("a3");
  bench.push("a4");
  await bench.settle();
  assert.deepEqual(one.take(), ["a1", "a2", "a3", "b1"]);
  assert.deepEqual([bench.queue.readyCount, bench.queue.unackedCount, bench.queue.delayedCount], [1, 2, 1]);
  bench.bench.clock.advance(1000);
  await bench.settle();
  assert.deepEqual(one.take(), [], "a1 is still out when a2 is back");
  one.ack();
  await bench.settle();
  assert.deepEqual(one.take(), ["a2", "a4"]);
});

test("[groups/consumer-timeout] what is taken back from a slow consumer goes to another", async () => {
  const bench = new GroupBench({ "x-consumer-timeout": 5000 }, { type: "quorum", durable: true });
  const [one, two] = [bench.consume(2), bench.consume(2)];
  bench.push("a1", "a2", "a3");
  await bench.settle();
  bench.bench.clock.advance(5000);
  await bench.settle();
  assert.deepEqual(
    [one.take(), two.take()],
    [
      ["a1", "a2"],
      ["a1", "a2"],
    ],
  );
  assert.equal(one.timedOut, 1);
  two.ack();
  await bench.settle();
  assert.deepEqual(two.take(), ["a3"]);
});

test("[groups/delivery-limit] a message that fails too often dies, and its group goes on", async () => {
  const queueArguments = { "x-delivery-limit": 1, "x-dead-letter-exchange": "dlx" };
  const bench = new GroupBench(queueArguments, { type: "quorum", durable: true });
  bench.push("a1", "a2");
  for (const expected of [["a1"], ["a1"], ["a2"]]) {
    const worker = bench.consume(1);
    await bench.settle();
    assert.deepEqual(worker.take(), expected);
    worker.close();
  }
  assert.deepEqual(bench.bench.graveyard.dead, [{ body: "a1", reason: "delivery_limit" }]);
});

test("[groups/returned] without groups in the way nothing is left behind", async () => {
  const bench = new GroupBench();
  const one = bench.consume(5);
  bench.push("a1", "b1", "a2", ".1", "b2", "c1", "c2");
  await bench.settle();
  one.requeue();
  one.close();
  const bodies = bench.drain();
  for (const group of ["a", "b", "c"]) {
    const ofGroup = bodies.filter((body) => body.startsWith(group));
    assert.deepEqual(ofGroup, [...ofGroup].sort());
  }
  assert.equal(bodies.length, 7);
  assert.deepEqual([bench.log.groupCount, bench.bench.memory.usedBytes], [0, 0]);
});
