import assert from "node:assert/strict";
import { test } from "node:test";
import { GroupBench } from "./group-bench.ts";

const DEAD_LETTERS = { "x-dead-letter-exchange": "dlx" };

function dead({ bench }: GroupBench): string[] {
  return bench.graveyard.dead.map(({ body, reason }) => `${body} ${reason}`);
}

test("[groups/expiry] what waits for its group expires when it is the first that does, with nobody asking", async () => {
  const bench = new GroupBench(DEAD_LETTERS);
  const [one, two] = [bench.consume(1), bench.consume(1)];
  bench.push("a1", "b1");
  for (const [body, expiresIn] of [
    ["a2", 1000],
    ["a3", 500],
    ["a4", undefined],
    ["b2", 700],
    ["b3", 5000],
  ] as const) {
    bench.pushWith(body, body[0], { expiresIn });
  }
  await bench.settle();
  two.ack();
  await bench.settle();
  assert.deepEqual([one.take(), two.take()], [["a1"], ["b1", "b2"]]);
  bench.bench.clock.advance(999);
  assert.deepEqual(dead(bench), []);
  bench.bench.clock.advance(1);
  assert.deepEqual(dead(bench), ["a2 expired", "a3 expired"]);
  assert.equal(bench.queue.readyCount, 2);
  one.ack();
  await bench.settle();
  assert.deepEqual(one.take(), ["a4"]);
});

test("[groups/expiry] a message that has come back expires while it waits for the rest of its group", async () => {
  const bench = new GroupBench(DEAD_LETTERS);
  const one = bench.consume();
  bench.pushWith("a1", "a", { expiresIn: 1000 });
  bench.push("a2", "b1");
  bench.pushWith("b2", "b", { expiresIn: 1000 });
  await bench.settle();
  one.openMax = 1;
  bench.pushWith("b3", "b", { expiresIn: 10 });
  one.requeue("a1");
  bench.bench.clock.advance(1000);
  await bench.settle();
  assert.deepEqual(dead(bench).sort(), ["a1 expired", "b3 expired"]);
  one.ack("a2");
  await bench.settle();
  assert.deepEqual(one.take(), ["a1", "a2", "b1", "b2"]);
});

test("[groups/expiry] x-message-ttl 0 delivers at once, to the owner of the group if that is ready, or not at all", async () => {
  const bench = new GroupBench({ ...DEAD_LETTERS, "x-message-ttl": 0 });
  const [one, two] = [bench.consume(2), bench.consume(2)];
  bench.push("a1", "a2", "a3", "b1");
  await bench.settle();
  assert.deepEqual([one.take(), two.take()], [["a1", "a2"], ["b1"]]);
  assert.deepEqual(dead(bench), ["a3 expired"]);
});

test("[groups/expiry] x-message-ttl 0 delivers at once though others wait for their group", async () => {
  const bench = new GroupBench(DEAD_LETTERS);
  const [one, two] = [bench.consume(1), bench.consume(2)];
  bench.push("a1", "a2");
  await bench.settle();
  bench.pushWith("b1", "b", { expiresIn: 0 });
  bench.pushWith("a3", "a", { expiresIn: 0 });
  await bench.settle();
  assert.deepEqual([one.take(), two.take()], [["a1"], ["b1"]]);
  assert.deepEqual(dead(bench), []);
  one.reject();
  await bench.settle();
  assert.deepEqual([...one.take(), ...two.take()], ["a2"]);
  assert.deepEqual(dead(bench), ["a1 rejected", "a3 expired"], "it is the first that waits now");
});

test("[groups/length] x-max-length drops the oldest message that is ready, waiting for its group or not", async () => {
  const bench = new GroupBench({ ...DEAD_LETTERS, "x-max-length": 2 });
  const [one, two] = [bench.consume(1), bench.consume(1)];
  bench.push("a1", "b1", "a2", "b2");
  await bench.settle();
  two.cancel();
  one.cancel();
  bench.push("c1", "a3", "d1");
  assert.deepEqual(dead(bench), ["a2 maxlen", "b2 maxlen", "c1 maxlen"]);
  assert.equal(bench.queue.readyCount, 2);
  one.ack();
  assert.deepEqual(bench.drain(), ["a3", "d1"]);
});

test("[groups/length] x-max-length-bytes counts the octets of what waits for its group", async () => {
  const bench = new GroupBench({ ...DEAD_LETTERS, "x-max-length-bytes": 4, "x-overflow": "reject-publish-dlx" });
  const one = bench.consume(1);
  bench.push("a1", "a2", "a3");
  await bench.settle();
  assert.equal(bench.queue.readyBytes, 4);
  bench.push("b1");
  assert.deepEqual(dead(bench), ["b1 maxlen"]);
  one.requeue();
  assert.equal(bench.queue.readyBytes, 6);
});

test("[groups/length] a limit that a policy brings drops what waits for its group, oldest first", async () => {
  const bench = new GroupBench(DEAD_LETTERS);
  bench.consume(1);
  bench.push("a1", "a2", "a3", "a4", "b1");
  await bench.settle();
  bench.applyPolicy(new Map([["max-length", 1]]));
  assert.deepEqual(dead(bench), ["a2 maxlen", "a3 maxlen", "a4 maxlen"]);
});

test("[groups/purge] removes what waits for its group too; groups stay with their consumers", async () => {
  const bench = new GroupBench({}, { durable: true });
  const [one, two] = [bench.consume(1), bench.consume(1)];
  bench.push("a1", "a2", "b1", "a3", "b2", ".1", "c1");
  await bench.settle();
  assert.equal(bench.queue.purge(), 5);
  assert.deepEqual([bench.queue.readyCount, bench.queue.readyBytes, bench.queue.unackedCount], [0, 0, 2]);
  bench.push("a4");
  await bench.settle();
  assert.deepEqual([one.take(), two.take()], [["a1"], ["b1"]]);
  one.ack();
  two.ack();
  await bench.settle();
  assert.deepEqual([...one.take(), ...two.take()], ["a4"]);
  assert.equal(bench.log.groupCount, 1);
});

test("[groups/dead-letter] a rejected message is settled: its group goes on without it", async () => {
  const bench = new GroupBench(DEAD_LETTERS);
  const one = bench.consume(1);
  bench.push("a1", "a2");
  await bench.settle();
  one.reject();
  await bench.settle();
  assert.deepEqual(one.take(), ["a1", "a2"]);
  assert.deepEqual(dead(bench), ["a1 rejected"]);
});

test("[groups/dead-letter] a group does not wait for a dead letter that nobody takes", async () => {
  const queueArguments = {
    ...DEAD_LETTERS,
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
  };
  const bench = new GroupBench(queueArguments, { type: "quorum", durable: true });
  const one = bench.consume(1);
  bench.bench.graveyard.takes = false;
  bench.push("a1", "a2");
  await bench.settle();
  one.reject();
  await bench.settle();
  assert.deepEqual(one.take(), ["a1", "a2"]);
  bench.bench.graveyard.takes = true;
  bench.bench.clock.advance(1000);
  assert.deepEqual(dead(bench), ["a1 rejected"]);
  assert.equal(bench.queue.delayedCount, 0);
});

test("[groups/drop] a queue that is deleted leaves nothing in memory", async () => {
  const bench = new GroupBench({}, { durable: true });
  const one = bench.consume(1);
  bench.push("a1", "a2", "b1");
  await bench.settle();
  bench.queue.drop();
  await bench.settle();
  assert.equal(one.cancelled, 1);
  assert.deepEqual([bench.log.groupCount, bench.bench.memory.usedBytes], [0, 0]);
});
