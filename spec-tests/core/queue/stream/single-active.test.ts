import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryStore } from "../../../../src/store/memory-store.ts";
import { bodies, numbers, Reader, StreamBench } from "./stream-bench.ts";

const SINGLE = { "x-single-active-consumer": true };

test("[stream/single active consumer] of consumers of one name the first gets everything; the next goes on behind what it has acknowledged", async () => {
  const bench = new StreamBench(new MemoryStore());
  const [first, second, third] = [new Reader(), new Reader(), new Reader()];
  const consumers = [first, second, third].map((reader) => bench.consume(reader, { tag: "app", arguments: SINGLE }));
  await bench.publish(...bodies(10));
  assert.deepEqual(
    [first, second, third].map(({ offsets }) => offsets.length),
    [10, 0, 0],
  );
  first.ack(4);
  first.close(consumers[0] as never);
  await bench.settle();
  assert.deepEqual([second.offsets, third.offsets], [numbers(4, 10), []]);
  second.ack();
  second.close(consumers[1] as never);
  await bench.publish("10");
  assert.deepEqual(third.offsets, [10]);
});

test("[stream/single active consumer] names make groups of their own, and other consumers are in none", async () => {
  const bench = new StreamBench(new MemoryStore());
  const readers = Array.from({ length: 4 }, () => new Reader());
  for (const [index, tag] of ["a", "a", "b"].entries()) {
    bench.consume(readers[index] as Reader, { tag, arguments: SINGLE });
  }
  bench.consume(readers[3] as Reader, { tag: "a" });
  await bench.publish("m");
  assert.deepEqual(
    readers.map(({ offsets }) => offsets.length),
    [1, 0, 1, 1],
  );
});

test("[stream/single active consumer] consumers without a name are one group", async () => {
  const bench = new StreamBench(new MemoryStore());
  await bench.publish(...bodies(5));
  const [first, second] = [new Reader(), new Reader()];
  const from = { ...SINGLE, "x-stream-offset": "first" };
  const consumer = bench.consume(first, { tag: "amq.ctag-1", arguments: from });
  bench.consume(second, { tag: "amq.ctag-2", arguments: from });
  await bench.settle();
  first.ack(3);
  first.close(consumer);
  await bench.settle();
  assert.deepEqual([first.offsets, second.offsets], [numbers(0, 5), [3, 4]]);
});

test("[stream/single active consumer] one that goes without being active changes nothing", async () => {
  const bench = new StreamBench(new MemoryStore());
  const [first, second] = [new Reader(), new Reader()];
  bench.consume(first, { tag: "app", arguments: SINGLE });
  second.close(bench.consume(second, { tag: "app", arguments: SINGLE }));
  await bench.publish(...bodies(3));
  assert.deepEqual([first.offsets, second.offsets], [numbers(0, 3), []]);
});

test("[stream/super stream] the partitions of a super stream spread over the consumers of a name", async () => {
  const partitions = [0, 1, 2].map((partition) => {
    const bench = new StreamBench(new MemoryStore());
    bench.stream.setPartition(partition);
    return { bench, readers: [new Reader(), new Reader()] };
  });
  for (const { bench, readers } of partitions) {
    for (const reader of readers) bench.consume(reader, { tag: "app", arguments: SINGLE });
    await bench.publish("m");
  }
  const counts = partitions.map(({ readers }) => readers.map(({ offsets }) => offsets.length));
  assert.deepEqual(counts, [
    [1, 0],
    [0, 1],
    [1, 0],
  ]);
});

test("[stream/super stream] a partition changes hands when its consumer has acknowledged what it has: nothing comes twice", async () => {
  const bench = new StreamBench(new MemoryStore());
  bench.stream.setPartition(1);
  const [first, second] = [new Reader(), new Reader()];
  bench.consume(first, { tag: "app", prefetch: 5, arguments: SINGLE });
  await bench.publish(...bodies(10));
  assert.deepEqual(first.offsets, numbers(0, 5));
  bench.consume(second, { tag: "app", arguments: SINGLE });
  await bench.settle();
  first.ack(4);
  await bench.settle();
  assert.deepEqual([first.offsets, second.offsets], [numbers(0, 5), []], "the first gets no more, and is waited for");
  first.ack();
  await bench.settle();
  assert.deepEqual(second.offsets, numbers(5, 10));
});
