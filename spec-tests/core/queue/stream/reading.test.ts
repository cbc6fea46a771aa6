import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryState } from "../../../../src/store/memory-state.ts";
import { MemoryStore } from "../../../../src/store/memory-store.ts";
import { tableFrom } from "../../../../src/wire/field-table.ts";
import { FaultyStore } from "../../../support/faulty-store.ts";
import { bodies, headersOf, numbers, Reader, StreamBench } from "./stream-bench.ts";

const FROM_FIRST = { "x-stream-offset": "first" };

test("[stream/delivery] offsets count from 0, and reading removes nothing", async () => {
  const bench = new StreamBench(new MemoryStore());
  await bench.publish(...bodies(5));
  for (let round = 0; round < 2; round++) {
    const reader = new Reader();
    bench.consume(reader, { arguments: FROM_FIRST });
    await bench.settle();
    assert.deepEqual([reader.offsets, reader.bodies], [numbers(0, 5), bodies(5)]);
    reader.ack();
    assert.equal(bench.stream.readyCount, 5);
  }
  assert.equal(bench.stream.readyBytes, 5);
});

test("[stream/delivery] the header x-stream-offset joins those of the publisher, and cannot be forged", async () => {
  const bench = new StreamBench(new MemoryStore());
  bench.push("m", { headers: tableFrom({ key: "value", "x-stream-offset": "forged" }) });
  const headers: string[][] = [];
  const reader = new Reader();
  const deliver = reader.deliver.bind(reader);
  reader.deliver = (consumer, message, ...rest) => {
    headers.push([...headersOf(message).keys()]);
    deliver(consumer, message, ...rest);
  };
  bench.consume(reader, { arguments: FROM_FIRST });
  await bench.settle();
  assert.deepEqual(headers, [["x-stream-offset", "key"]]);
});

test("[stream/credit] no more than the prefetch count is outstanding, and every outcome gives credit back", async () => {
  const bench = new StreamBench(new MemoryStore());
  await bench.publish(...bodies(10));
  const reader = new Reader();
  bench.consume(reader, { prefetch: 2, arguments: FROM_FIRST });
  await bench.settle();
  assert.deepEqual([reader.offsets, bench.stream.unackedCount], [[0, 1], 2]);
  reader.ack(1);
  await bench.settle();
  reader.end("reject");
  await bench.settle();
  reader.end("requeue");
  await bench.settle();
  assert.deepEqual(reader.offsets, [0, 1, 2, 3, 4], "nothing comes again");
  assert.equal(bench.stream.unackedCount, 2);
});

test("[stream/delivery] a slow reader holds up no other", async () => {
  const bench = new StreamBench(new MemoryStore());
  const [stuck, slow, fast] = [new Reader(), new Reader(), new Reader()];
  stuck.isWritable = false;
  bench.consume(stuck, { arguments: FROM_FIRST });
  bench.consume(slow, { prefetch: 1, arguments: FROM_FIRST });
  bench.consume(fast, { prefetch: 5000, arguments: FROM_FIRST });
  await bench.publish(...bodies(3000));
  assert.deepEqual([stuck.offsets.length, slow.offsets.length, fast.offsets.length], [0, 1, 3000]);
  assert.deepEqual(fast.bodies, bodies(3000));
  stuck.isWritable = true;
  bench.stream.consumerReady();
  await bench.settle();
  assert.deepEqual(stuck.offsets, numbers(0, 100));
});

test("[stream/delivery] a turn hands out so much and leaves the rest to the next, fairly among readers", async () => {
  const bench = new StreamBench(new MemoryStore());
  await bench.publish(...bodies(4000));
  const readers = [new Reader(), new Reader(), new Reader(), new Reader()];
  for (const reader of readers) bench.consume(reader, { prefetch: 10_000, arguments: FROM_FIRST });
  await bench.turn();
  const counts = readers.map(({ offsets }) => offsets.length);
  assert.equal(Math.max(...counts), Math.min(...counts), "all have had the same");
  assert(counts[0] !== undefined && counts[0] > 0 && counts[0] < 4000);
  await bench.settle();
  for (const { offsets } of readers) assert.equal(offsets.length, 4000);
});

test("[stream/durability] nothing is confirmed or delivered before it is durable, whatever its delivery mode", async () => {
  const store = new FaultyStore(new MemoryStore());
  const bench = new StreamBench(store);
  const reader = new Reader();
  bench.consume(reader);
  const stored: number[] = [];
  const receipt = { stored: (sequence: number) => stored.push(sequence), refused: () => assert.fail("not refused") };
  store.holdCommits();
  for (const sequence of [1, 2]) bench.push(String(sequence), { receipt, publishSequence: sequence });
  for (let round = 0; round < 3; round++) await bench.turn();
  assert.deepEqual([stored, reader.offsets], [[], []]);
  store.holdCommits(false);
  store.held?.release();
  await bench.settle();
  assert.deepEqual(
    [stored, reader.offsets],
    [
      [1, 2],
      [0, 1],
    ],
  );
});

test("[stream/durability] a message that cannot be stored is refused, and delivered only once it could be", async () => {
  const store = new FaultyStore(new MemoryStore());
  const bench = new StreamBench(store);
  const reader = new Reader();
  bench.consume(reader);
  const refused: number[] = [];
  const receipt = { stored: () => assert.fail("not stored"), refused: (sequence: number) => refused.push(sequence) };
  store.failCommits(1, new Error("disk full"));
  bench.push("m", { receipt, publishSequence: 7 });
  for (let round = 0; round < 4; round++) await bench.turn();
  assert.deepEqual([refused, reader.offsets], [[7], []]);
  bench.clock.advance(1000);
  await bench.settle();
  assert.deepEqual(reader.offsets, [0]);
});

test("[stream/memory] the live end is read from memory, and a stream nobody reads keeps nothing there", async () => {
  const state = new MemoryState();
  const store = new MemoryStore(state);
  const bench = new StreamBench(store);
  let reads = 0;
  const read = store.read.bind(store);
  store.read = (...where) => {
    reads++;
    return read(...where);
  };
  const reader = new Reader();
  const consumer = bench.consume(reader, { prefetch: 10_000 });
  for (let commit = 0; commit < 20; commit++) await bench.publish(...bodies(100));
  assert.deepEqual([reader.offsets.length, reads], [2000, 0]);
  reader.close(consumer);
  assert.equal(bench.memory.usedBytes, 0);
  await bench.publish(...bodies(100));
  assert.equal(bench.memory.usedBytes, 0);
});

test("[stream/memory] readers near each other share what is read, and little is kept", async () => {
  const store = new MemoryStore();
  const bench = new StreamBench(store, undefined, { memoryBytes: 256 * 1024 });
  for (let commit = 0; commit < 20; commit++) await bench.publish(...bodies(50, "x".repeat(2000)));
  let reads = 0;
  const read = store.read.bind(store);
  store.read = (...where) => {
    reads++;
    return read(...where);
  };
  const readers = [new Reader(), new Reader(), new Reader()];
  for (const reader of readers) bench.consume(reader, { prefetch: 10_000, arguments: FROM_FIRST });
  await bench.settle();
  for (const { offsets } of readers) assert.deepEqual(offsets, numbers(0, 1000));
  assert(reads <= 40, `${reads} reads of about 20 chunks for 3 readers`);
  assert(bench.memory.usedBytes <= 512 * 1024, `${bench.memory.usedBytes} octets in memory`);
});

test("[stream/delivery] small commits are merged behind the readers' backs", async () => {
  const state = new MemoryState();
  const bench = new StreamBench(new MemoryStore(state));
  const reader = new Reader();
  bench.consume(reader, { prefetch: 3, arguments: FROM_FIRST });
  for (let index = 0; index < 300; index++) await bench.publish(String(index));
  for (let round = 0; round < 100; round++) {
    reader.ack();
    await bench.settle();
  }
  assert.deepEqual([reader.offsets, reader.bodies], [numbers(0, 300), bodies(300)]);
  assert((state.queues.get(5)?.chunks.size as number) < 100, "few chunks are left");
});

test("[stream/queue.delete] consumers are told, and what comes later is of no effect", async () => {
  const state = new MemoryState();
  const bench = new StreamBench(new MemoryStore(state));
  const reader = new Reader();
  bench.consume(reader, { tag: "named", prefetch: 2 });
  await bench.publish(...bodies(5));
  assert.equal(bench.stream.drop(), 5);
  assert.deepEqual([reader.cancelled, bench.stream.consumerCount, bench.stream.readyCount], [1, 0, 0]);
  reader.ack();
  const stored: number[] = [];
  const receipt = { stored: (sequence: number) => stored.push(sequence), refused() {} };
  bench.push("late", { receipt, publishSequence: 3 });
  bench.barrier.definitionChanged();
  await bench.settle();
  assert.deepEqual([stored, bench.memory.usedBytes, bench.barrier.pendingBytes], [[3], 0, 0]);
  assert.equal(state.queues.get(5)?.chunks.size ?? 0, 0, "nothing is left in the store");
});
