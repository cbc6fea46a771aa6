import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_POLICY } from "../../../../src/core/policy-values.ts";
import { queueSettings } from "../../../../src/core/queue/queue-settings.ts";
import { MemoryState } from "../../../../src/store/memory-state.ts";
import { MemoryStore } from "../../../../src/store/memory-store.ts";
import { EMPTY_TABLE, tableFrom } from "../../../../src/wire/field-table.ts";
import { bodies, numbers, Reader, STREAM_ID, StreamBench } from "./stream-bench.ts";

const MINUTE = 60_000;
const BODY = "x".repeat(1000);

/** The sequence numbers with which the stored chunks begin. */
function storedChunks(state: MemoryState): number[] {
  return [...(state.queues.get(STREAM_ID)?.chunks.keys() ?? [])];
}

test("[stream/x-max-length-bytes] the oldest chunks go when there is more; the newest stays whatever its size", async () => {
  const state = new MemoryState();
  const bench = new StreamBench(new MemoryStore(state), tableFrom({ "x-max-length-bytes": 25_000 }));
  for (let commit = 0; commit < 5; commit++) await bench.publish(...bodies(10, BODY));
  assert.deepEqual([bench.stream.firstOffset, bench.stream.readyCount], [30, 20]);
  assert.deepEqual(storedChunks(state), [30, 40], "they are gone from the store too");
  await bench.publish(...bodies(60, BODY));
  assert.deepEqual([bench.stream.firstOffset, bench.stream.readyCount], [50, 60]);
});

test("[stream/x-stream-max-segment-size-bytes] smaller chunks are cut off more finely", async () => {
  const limits = { "x-max-length-bytes": 25_000, "x-stream-max-segment-size-bytes": 6000 };
  const bench = new StreamBench(new MemoryStore(), tableFrom(limits));
  await bench.publish(...bodies(60, BODY));
  assert(bench.stream.readyCount >= 18 && bench.stream.readyCount <= 25, `${bench.stream.readyCount} are left`);
});

test("[stream/x-max-age] a chunk goes when its newest message is too old, without anything being published", async () => {
  const bench = new StreamBench(new MemoryStore(), tableFrom({ "x-max-age": "10m" }));
  for (let commit = 0; commit < 4; commit++) {
    await bench.publish(...bodies(5));
    bench.clock.advance(MINUTE);
  }
  bench.clock.advance(6 * MINUTE - 1);
  assert.equal(bench.stream.firstOffset, 0);
  bench.clock.advance(1);
  assert.equal(bench.stream.firstOffset, 5);
  bench.clock.advance(2 * MINUTE);
  assert.equal(bench.stream.firstOffset, 15);
  bench.clock.advance(24 * 60 * MINUTE);
  assert.deepEqual([bench.stream.firstOffset, bench.stream.readyCount], [15, 5], "the newest chunk stays");
  await bench.publish("m");
  assert.deepEqual([bench.stream.firstOffset, bench.stream.readyCount], [20, 1]);
});

test("[stream/x-max-age] goes on after a restart, and start-up reads no message", async () => {
  const state = new MemoryState();
  const before = new StreamBench(new MemoryStore(state), tableFrom({ "x-max-age": "10m" }));
  for (let commit = 0; commit < 3; commit++) {
    await before.publish(...bodies(5));
    before.clock.advance(MINUTE);
  }
  before.stream.stop();
  const store = new MemoryStore(state);
  let reads = 0;
  const read = store.read.bind(store);
  store.read = (...where) => {
    reads++;
    return read(...where);
  };
  const bench = new StreamBench(store, tableFrom({ "x-max-age": "10m" }), { clock: before.clock });
  assert.deepEqual([bench.stream.readyCount, reads], [15, 0]);
  bench.clock.advance(7 * MINUTE - 1);
  assert.equal(bench.stream.firstOffset, 0);
  bench.clock.advance(1);
  assert.equal(bench.stream.firstOffset, 5);
  await bench.settle();
  assert.deepEqual(storedChunks(state), [5, 10]);
  assert.equal(bench.memory.usedBytes, 0);
});

test("[stream/retention] a reader that stands before the new start goes on there", async () => {
  const bench = new StreamBench(new MemoryStore(), tableFrom({ "x-max-length-bytes": 25_000 }));
  await bench.publish(...bodies(10, BODY));
  const reader = new Reader();
  bench.consume(reader, { prefetch: 3, arguments: { "x-stream-offset": "first" } });
  await bench.settle();
  for (let commit = 0; commit < 4; commit++) await bench.publish(...bodies(10, BODY));
  assert.deepEqual(reader.offsets, [0, 1, 2]);
  reader.ack();
  await bench.settle();
  assert.deepEqual(reader.offsets, [0, 1, 2, 30, 31, 32]);
  const late = new Reader();
  bench.consume(late, { arguments: { "x-stream-offset": 4 } });
  await bench.settle();
  assert.deepEqual(late.offsets, numbers(30, 50), "an offset that is gone means the oldest there is");
});

test("[stream/policy] new limits apply at once to what is there", async () => {
  const bench = new StreamBench(new MemoryStore());
  for (let commit = 0; commit < 5; commit++) {
    await bench.publish(...bodies(10, BODY));
    bench.clock.advance(MINUTE);
  }
  const apply = (policy: Readonly<Record<string, string | number>>): void => {
    bench.stream.configure(queueSettings("stream", EMPTY_TABLE, new Map(Object.entries(policy))));
    bench.clock.advance(0);
  };
  apply({ "max-length-bytes": 45_000 });
  assert.equal(bench.stream.firstOffset, 10);
  apply({ "max-age": "3m" });
  assert.equal(bench.stream.firstOffset, 30);
  bench.stream.configure(queueSettings("stream", EMPTY_TABLE, NO_POLICY));
  bench.clock.advance(60 * MINUTE);
  assert.equal(bench.stream.firstOffset, 30, "without limits nothing goes");
});

test("[stream/policy] comes before the arguments, be it stricter or not", () => {
  const declared = tableFrom({
    "x-max-age": "1h",
    "x-max-length-bytes": 1000,
    "x-stream-max-segment-size-bytes": 500,
    "x-stream-filter-size-bytes": 16,
  });
  const policies = [
    { "max-age": "2h", "max-length-bytes": 2000, "stream-max-segment-size-bytes": 600, "stream-filter-size-bytes": 20 },
    { "max-age": "1m", "max-length-bytes": 10, "stream-max-segment-size-bytes": 20, "stream-filter-size-bytes": 17 },
  ];
  const outcomes = policies.map((policy) => {
    const settings = queueSettings("stream", declared, new Map(Object.entries(policy)));
    return [settings.maxAgeSeconds, settings.lengthBytesMax, settings.segmentBytesMax, settings.filterBytes];
  });
  assert.deepEqual(outcomes, [
    [7200, 2000, 600, 20],
    [60, 10, 20, 17],
  ]);
});

test("[stream/retention] a stream that is stopped or dropped leaves no timer", async () => {
  for (const end of ["stop", "drop"] as const) {
    const bench = new StreamBench(new MemoryStore(), tableFrom({ "x-max-age": "10m" }));
    await bench.publish("a");
    await bench.publish("b");
    assert.equal(bench.clock.pendingCount, 1);
    bench.stream[end]();
    assert.equal(bench.clock.pendingCount, 0);
  }
});
