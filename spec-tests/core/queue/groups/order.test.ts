import assert from "node:assert/strict";
import { test } from "node:test";
import { tableFrom } from "../../../../src/wire/field-table.ts";
import { GroupBench } from "./group-bench.ts";

for (const type of ["classic", "quorum"] as const) {
  const start = (queueArguments = {}): GroupBench => new GroupBench(queueArguments, { type, durable: true });

  test(`[groups/order] ${type}: groups are spread over the consumers, and a group stays with its consumer`, async () => {
    const bench = start();
    const [one, two] = [bench.consume(), bench.consume()];
    bench.push("a1", "b1", "a2", "b2", "a3", "c1", "b3");
    await bench.settle();
    assert.deepEqual(one.take(), ["a1", "a2", "a3"]);
    assert.deepEqual(two.take(), ["b1", "b2", "c1", "b3"]);
  });

  test(`[groups/order] ${type}: what is there before the consumers come is spread like that too`, async () => {
    const bench = start();
    bench.push("a1", "a2", "b1", "a3", "b2", "c1", "c2");
    const [one, two, three] = [bench.consume(), bench.consume(), bench.consume()];
    await bench.settle();
    const groups = [one, two, three].map((worker) => worker.take().join(" "));
    assert.deepEqual(groups.sort(), ["a1 a2 a3", "b1 b2", "c1 c2"]);
  });

  test(`[groups/order] ${type}: a message waits while the consumer of its group is full; others pass it`, async () => {
    const bench = start();
    const [one, two] = [bench.consume(1), bench.consume(1)];
    bench.push("a1", "a2", "a3", "b1", "b2");
    await bench.settle();
    assert.deepEqual([one.take(), two.take()], [["a1"], ["b1"]]);
    two.ack();
    await bench.settle();
    assert.deepEqual([one.take(), two.take()], [[], ["b2"]]);
    assert.equal(bench.queue.readyCount, 2);
    two.ack();
    await bench.settle();
    assert.deepEqual(two.take(), [], "group a is with the other");
    one.ack();
    await bench.settle();
    assert.deepEqual([...one.take(), ...two.take()], ["a2"]);
  });
}

test("[groups/order] a group without unacknowledged messages is free: the next consumer in turn gets it", async () => {
  const bench = new GroupBench();
  const [one, two] = [bench.consume(1), bench.consume(1)];
  bench.push("a1");
  await bench.settle();
  assert.deepEqual(one.take(), ["a1"]);
  one.ack();
  bench.push("a2");
  await bench.settle();
  assert.deepEqual(two.take(), ["a2"]);
  assert.equal(bench.log.groupCount, 1);
  two.ack();
  assert.equal(bench.log.groupCount, 0);
});

test("[groups/order] messages without the header, with an empty one or a void one are in no group", async () => {
  const bench = new GroupBench();
  const [one, two] = [bench.consume(1), bench.consume(1)];
  bench.push(".1");
  bench.pushWith(".2", "");
  await bench.settle();
  assert.deepEqual([one.take(), two.take()], [[".1"], [".2"]]);
  one.ack();
  two.ack();
  bench.pushProperties(".3", { headers: new Map([["customer", { type: "void", value: null }]]) });
  bench.pushProperties(".4", { headers: tableFrom({ other: "a" }) });
  await bench.settle();
  assert.deepEqual([...one.take(), ...two.take()].sort(), [".3", ".4"]);
});

test("[groups/order] an integer groups as well, whatever its width, and is no string", async () => {
  const bench = new GroupBench();
  const [one, two] = [bench.consume(2), bench.consume(2)];
  bench.pushProperties("1", { headers: new Map([["customer", { type: "long", value: 7n }]]) });
  bench.pushProperties("2", { headers: new Map([["customer", { type: "longstr", value: "7" }]]) });
  bench.pushProperties("3", { headers: new Map([["customer", { type: "byte", value: 7 }]]) });
  await bench.settle();
  assert.deepEqual([one.take(), two.take()], [["1", "3"], ["2"]]);
});

test("[groups/order] long keys are told apart, and take no more room than short ones", async () => {
  const bench = new GroupBench();
  const [one, two] = [bench.consume(), bench.consume()];
  const long = "k".repeat(10_000);
  bench.pushWith("1", `${long}1`);
  bench.pushWith("2", `${long}2`);
  bench.pushWith("3", `${long}1`);
  await bench.settle();
  assert.deepEqual([one.take(), two.take()], [["1", "3"], ["2"]]);
});

test("[groups/order] x-group-property group-id groups by app-id, which it is in AMQP 0-9-1", async () => {
  const bench = new GroupBench({ "x-group-property": "group-id" });
  const [one, two] = [bench.consume(), bench.consume()];
  bench.pushProperties("1", { appId: "x" });
  bench.pushProperties("2", { appId: "y", headers: tableFrom({ customer: "x" }) });
  bench.pushProperties("3", { appId: "x" });
  await bench.settle();
  assert.deepEqual([one.take(), two.take()], [["1", "3"], ["2"]]);
});

test("[groups/order] a consumer of higher priority gets free groups first; a group does not change over to it", async () => {
  const bench = new GroupBench();
  const low = bench.consume(2);
  bench.push("a1");
  await bench.settle();
  const high = bench.consume(2, { priority: 5 });
  bench.push("b1", "a2", "c1", "d1");
  await bench.settle();
  assert.deepEqual(
    [low.take(), high.take()],
    [
      ["a1", "a2"],
      ["b1", "c1"],
    ],
  );
});

test("[groups/order] what waits for its group comes before what came later, in any group", async () => {
  const bench = new GroupBench();
  const [one, two] = [bench.consume(1), bench.consume(1)];
  bench.push("a1", "a2", "b1", "c1");
  await bench.settle();
  assert.deepEqual([one.take(), two.take()], [["a1"], ["b1"]]);
  two.cancel();
  one.ack();
  await bench.settle();
  one.ack();
  await bench.settle();
  assert.deepEqual(one.take(), ["a2", "c1"]);
});

test("[groups/order] a consumer without acknowledgements has settled with the delivery: it owns no group", async () => {
  const bench = new GroupBench();
  const reliable = bench.consume(1);
  bench.push("a1", "a2");
  await bench.settle();
  const unreliable = bench.consume(0, { noAck: true });
  bench.push("b1", "b2");
  await bench.settle();
  assert.deepEqual([reliable.take(), unreliable.take()], [["a1"], ["b1", "b2"]]);
  assert.equal(bench.log.groupCount, 1);
  reliable.ack();
  await bench.settle();
  assert.deepEqual([...unreliable.take(), ...reliable.take()], ["a2"]);
});

test("[groups/order] basic.get takes what no group of a consumer is in the way of, and owns groups itself", async () => {
  const bench = new GroupBench();
  const consumer = bench.consume(1);
  bench.push("a1", "a2", "b1", "b2");
  await bench.settle();
  const [one, two] = [() => {}, () => {}];
  assert.deepEqual(consumer.take(), ["a1"]);
  assert.equal(bench.get(one)?.body, "b1");
  assert.equal(bench.get(two), undefined, "a and b are with others");
  const second = bench.get(one);
  assert.equal(second?.body, "b2");
  assert.equal(bench.get(one), undefined);
  assert.equal(bench.queue.readyCount, 1);
});

test("[groups/order] what basic.get settles sets its group free for consumers", async () => {
  const bench = new GroupBench();
  bench.push("a1", "a2");
  const got = bench.get();
  assert.equal(got?.body, "a1");
  const consumer = bench.consume();
  await bench.settle();
  assert.deepEqual(consumer.take(), []);
  bench.queue.settle(got?.sequence ?? -1, false, 2);
  await bench.settle();
  assert.deepEqual(consumer.take(), ["a2"]);
});

test("[groups/order] with a single active consumer everything goes to it, in order", async () => {
  const bench = new GroupBench({ "x-single-active-consumer": true });
  const [one, two] = [bench.consume(), bench.consume()];
  bench.push("a1", "b1", "a2", ".1");
  await bench.settle();
  assert.deepEqual([one.take(), two.take()], [["a1", "b1", "a2", ".1"], []]);
  one.close();
  await bench.settle();
  assert.deepEqual(two.take(), ["a1", "b1", "a2", ".1"]);
});

test("[groups/order] a quorum queue with groups knows no priorities", async () => {
  const bench = new GroupBench({}, { type: "quorum", durable: true });
  bench.pushProperties("1", { priority: 1 });
  bench.pushProperties("2", { priority: 9 });
  assert.deepEqual(bench.drain(), ["1", "2"]);
});
