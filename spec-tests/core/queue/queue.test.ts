import assert from "node:assert/strict";
import { test } from "node:test";
import { Message } from "../../../src/core/message.ts";
import { MemoryState } from "../../../src/store/memory-state.ts";
import { EMPTY_TABLE, tableFrom } from "../../../src/wire/field-table.ts";
import { bodyOf, CONSUMER, QueueBench, Sink } from "./queue-bench.ts";

test("[queue/drop] a queue with expiring messages that is dropped before its drain is left alone", async () => {
  const bench = new QueueBench(tableFrom({ "x-message-ttl": 1000 }));
  const sink = new Sink();
  sink.writable = false;
  const consumer = bench.queue.consume(sink, CONSUMER);
  bench.push("a");
  bench.push("b");
  sink.writable = true;
  consumer.queue.consumerReady();
  assert.equal(bench.queue.drop(), 2);
  await bench.settle();
  assert.deepEqual(sink.delivered, []);
  assert.equal(sink.cancelled, 1);
  assert.equal(bench.clock.pendingCount, 0);
  assert.equal(bench.memory.usedBytes, 0);
});

test("[queue/drop] a dropped queue leaves nothing in memory, delivered or not, committed or not", async () => {
  const bench = new QueueBench(EMPTY_TABLE, true);
  const sink = new Sink();
  bench.queue.consume(sink, { ...CONSUMER, prefetchCount: 2 });
  for (let index = 0; index < 5; index++) bench.push(`${index}`, { persistent: true });
  await bench.settle();
  bench.push("last", { persistent: true });
  bench.queue.drop();
  await bench.settle();
  assert.equal(bench.memory.usedBytes, 0);
});

test("[queue/expiry] a message that expired behind another is not delivered after it", async () => {
  const bench = new QueueBench();
  bench.push("lasting");
  bench.push("expired", { expiresIn: 10 });
  bench.push("also lasting");
  bench.clock.advance(20);
  const sink = new Sink();
  bench.queue.consume(sink, CONSUMER);
  await bench.settle();
  assert.deepEqual(sink.delivered, ["lasting", "also lasting"]);
});

test("[queue/get] redelivered is that of the message got, not of one that has just expired before it", () => {
  const bench = new QueueBench();
  const message = new Message();
  bench.push("expiring", { expiresIn: 10 });
  bench.push("fresh");
  const sequence = bench.queue.get(message);
  bench.queue.requeue(sequence, false, message.bodyBytes, true);
  // The timer is late, as timers are.
  const late = bench.clock.now() + 20;
  bench.clock.now = () => late;
  assert.notEqual(bench.queue.get(message), -1);
  assert.equal(bodyOf(message), "fresh");
  assert.equal(bench.queue.gotRedelivered, false);
});

test("[queue/commit] a batch of persistent messages takes one commit", async () => {
  const bench = new QueueBench(EMPTY_TABLE, true);
  for (let index = 0; index < 10; index++) bench.push(`${index}`, { persistent: true });
  await bench.settle();
  assert.equal(bench.store.commitCount, 1);
});

test("[queue/stop] a stopped queue has no timer", () => {
  const bench = new QueueBench();
  bench.push("expiring", { expiresIn: 10 });
  assert.equal(bench.clock.pendingCount, 1);
  bench.queue.stop();
  assert.equal(bench.clock.pendingCount, 0);
});

test("[queue/consume] an exclusive consumer is alone, whoever comes first", () => {
  const bench = new QueueBench();
  const first = bench.queue.consume(new Sink(), CONSUMER);
  const exclusive = { ...CONSUMER, exclusive: true };
  assert.throws(() => bench.queue.consume(new Sink(), exclusive), /in exclusive use/);
  bench.queue.cancel(first);
  bench.queue.consume(new Sink(), exclusive);
  assert.throws(() => bench.queue.consume(new Sink(), { ...CONSUMER, priority: 5 }), /in exclusive use/);
});

test("[queue/recovery] a restart looks for expired messages at the head and keeps nothing in memory for it", async () => {
  const state = new MemoryState();
  const before = new QueueBench(EMPTY_TABLE, true, state);
  before.push("expired", { persistent: true, expiresIn: -1 });
  for (const body of ["a", "b"]) before.push(body, { persistent: true });
  await before.settle();
  const after = new QueueBench(EMPTY_TABLE, true, state);
  after.recover();
  after.clock.advance(0);
  await after.settle();
  assert.equal(after.memory.usedBytes, 0);
  const sink = new Sink();
  after.queue.consume(sink, CONSUMER);
  await after.settle();
  assert.deepEqual(sink.delivered, ["a", "b"]);
});

test("[queue/requeue] messages past their time, or beyond the length limit, are dropped and not delivered again", async () => {
  const bench = new QueueBench(tableFrom({ "x-max-length": 2 }));
  const sink = new Sink();
  const consumer = bench.queue.consume(sink, CONSUMER);
  for (const body of ["a", "b", "c"]) bench.push(body);
  bench.push("expiring", { expiresIn: 10 });
  bench.queue.cancel(consumer);
  bench.clock.advance(20);
  for (const [index, body] of sink.delivered.entries()) {
    bench.queue.requeue(sink.sequences[index] as number, false, body.length, true);
  }
  assert.equal(bench.queue.readyCount, 2);
  const second = new Sink();
  bench.queue.consume(second, CONSUMER);
  await bench.settle();
  assert.equal(second.delivered.includes("expiring"), false);
  assert.equal(bench.queue.unackedCount, second.delivered.length);
});

test("[queue/expiry] the queue's limit counts from the publish, also for a message that was delivered at once", async () => {
  const bench = new QueueBench(tableFrom({ "x-message-ttl": 1000 }));
  const sink = new Sink();
  const consumer = bench.queue.consume(sink, CONSUMER);
  bench.push("a");
  bench.queue.cancel(consumer);
  bench.clock.advance(600);
  bench.queue.requeue(sink.sequences[0] as number, false, 1, true);
  assert.equal(bench.queue.readyCount, 1);
  bench.clock.advance(400);
  assert.equal(bench.queue.readyCount, 0);
});
