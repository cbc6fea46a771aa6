import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryState } from "../../../../src/store/memory-state.ts";
import { MemoryStore } from "../../../../src/store/memory-store.ts";
import { FaultyStore } from "../../../support/faulty-store.ts";
import { bodies, type ConsumeOptions, numbers, Reader, STREAM_ID, StreamBench } from "./stream-bench.ts";

const NAMED: ConsumeOptions = { tag: "billing", prefetch: 1000 };

/** Has a named consumer read `published` messages and acknowledge the first `acked`, then lose its connection. */
async function readSome(bench: StreamBench, published: number, acked: number, options = NAMED): Promise<Reader> {
  const reader = new Reader();
  const consumer = bench.consume(reader, options);
  await bench.publish(...bodies(published));
  reader.ack(acked);
  reader.close(consumer);
  await bench.settle();
  return reader;
}

/** The first offset that a consumer gets; undefined when it has to wait. */
async function firstOffset(bench: StreamBench, options: ConsumeOptions = NAMED): Promise<number | undefined> {
  const reader = new Reader();
  const consumer = bench.consume(reader, options);
  await bench.settle();
  reader.close(consumer);
  return reader.offsets[0];
}

test("[stream/tracking] a named consumer without an offset goes on behind what it has acknowledged, after a restart too", async () => {
  const state = new MemoryState();
  const bench = new StreamBench(new MemoryStore(state));
  await readSome(bench, 10, 4);
  assert.equal(await firstOffset(bench), 4);
  const restarted = new StreamBench(new MemoryStore(state));
  assert.equal(await firstOffset(restarted), 4);
  assert.equal(await firstOffset(restarted, { tag: "another" }), undefined, "others begin with what comes next");
});

test("[stream/tracking] without a name of its own, or with an offset, a consumer is not tracked", async () => {
  const untracked: ConsumeOptions[] = [
    { tag: "amq.ctag-xyz" },
    { tag: "n", arguments: { "x-stream-offset": "next" } },
    { tag: "n", arguments: { "x-stream-automatic-offset-tracking": false } },
  ];
  for (const options of untracked) {
    const state = new MemoryState();
    const bench = new StreamBench(new MemoryStore(state));
    await readSome(bench, 10, 4, options);
    assert.equal(state.queues.get(STREAM_ID)?.notes.size, 0);
    assert.equal(await firstOffset(bench, options), undefined);
  }
});

test("[stream/tracking] x-stream-automatic-offset-tracking: the offset given is where the first time begins", async () => {
  for (const asked of [true, "true"]) {
    const bench = new StreamBench(new MemoryStore());
    await bench.publish(...bodies(5));
    const options = {
      tag: "n",
      arguments: { "x-stream-offset": "first", "x-stream-automatic-offset-tracking": asked },
    };
    const reader = new Reader();
    const consumer = bench.consume(reader, options);
    await bench.settle();
    assert.deepEqual(reader.offsets, numbers(0, 5));
    reader.ack(2);
    reader.close(consumer);
    assert.equal(await firstOffset(bench, options), 2);
  }
});

test("[stream/tracking] what a name was given the first time and never acknowledged comes again, after a crash too", async () => {
  const state = new MemoryState();
  const bench = new StreamBench(new MemoryStore(state));
  await bench.publish(...bodies(5));
  const reader = await readSome(bench, 3, 0);
  assert.deepEqual(reader.offsets, [5, 6, 7]);
  assert.equal(await firstOffset(bench), 5);
  assert.equal(await firstOffset(new StreamBench(new MemoryStore(state))), 5);
});

test("[stream/tracking] acknowledged out of order, the oldest that is not acknowledged counts", async () => {
  const bench = new StreamBench(new MemoryStore());
  const reader = new Reader();
  const consumer = bench.consume(reader, NAMED);
  await bench.publish(...bodies(10));
  for (const offset of [3, 1, 0, 5]) reader.ackOffset(offset);
  reader.close(consumer);
  assert.equal(await firstOffset(bench), 2);
  const all = new Reader();
  const second = bench.consume(all, NAMED);
  await bench.settle();
  for (const offset of [9, 8, 2, 4, 3, 5, 6, 7]) all.ackOffset(offset);
  all.close(second);
  assert.equal(await firstOffset(bench), undefined);
});

test("[stream/tracking] what is acknowledged after the consumer has been cancelled counts", async () => {
  const bench = new StreamBench(new MemoryStore());
  const reader = new Reader();
  const consumer = bench.consume(reader, NAMED);
  await bench.publish(...bodies(10));
  consumer.queue.cancel(consumer);
  reader.ack(7);
  assert.equal(await firstOffset(bench), 7);
});

test("[stream/tracking] an offset below the retention means the oldest message", async () => {
  const bench = new StreamBench(new MemoryStore(), new Map([["x-max-length-bytes", { type: "long", value: 2000n }]]));
  await readSome(bench, 10, 4);
  for (let commit = 0; commit < 5; commit++) await bench.publish(...bodies(10));
  assert(bench.stream.firstOffset > 4);
  assert.equal(await firstOffset(bench), bench.stream.firstOffset);
});

test("[stream/tracking] one note a commit, however many acknowledgements, and none without any", async () => {
  const store = new FaultyStore(new MemoryStore());
  const bench = new StreamBench(store);
  let notes = 0;
  const putNote = store.putNote.bind(store);
  store.putNote = (...note) => {
    notes++;
    putNote(...note);
  };
  const reader = new Reader();
  bench.consume(reader, NAMED);
  await bench.publish(...bodies(100));
  assert.equal(notes, 1, "where it has begun");
  for (let acked = 0; acked < 50; acked++) reader.ack(1);
  await bench.settle();
  assert.equal(notes, 2);
  const commits = store.commitCount;
  await bench.turn();
  assert.equal(store.commitCount, commits);
});

test("[stream/tracking] names may be as long as tags are, and any octets", async () => {
  const state = new MemoryState();
  const names = ["é".repeat(127), "x".repeat(255), "\udcff\udc00"];
  const bench = new StreamBench(new MemoryStore(state));
  for (const [index, tag] of names.entries()) await readSome(bench, 3, index + 1, { tag });
  const restarted = new StreamBench(new MemoryStore(state));
  const found: (number | undefined)[] = [];
  for (const tag of names) found.push(await firstOffset(restarted, { tag }));
  assert.deepEqual(found, [1, 5, undefined]);
});

test("[stream/tracking] the name used longest ago is forgotten when there are too many, unless it is in use", async () => {
  const state = new MemoryState();
  const bench = new StreamBench(new MemoryStore(state));
  const present = new Reader();
  bench.consume(present, { tag: "present" });
  await bench.publish("0");
  present.ack();
  for (let index = 0; index < 1024; index++) {
    bench.clock.advance(1);
    const reader = new Reader();
    const consumer = bench.consume(reader, { tag: `n${index}` });
    bench.push("m");
    if (index % 64 === 0) await bench.settle();
    else for (let turn = 0; turn < 4; turn++) await bench.turn();
    reader.ack();
    reader.close(consumer);
  }
  await bench.settle();
  assert.equal(state.queues.get(STREAM_ID)?.notes.size, 1024);
  const restarted = new StreamBench(new MemoryStore(state), undefined, { clock: bench.clock });
  const offsets: (number | undefined)[] = [];
  for (const tag of ["n1", "present", "n0"]) offsets.push(await firstOffset(restarted, { tag }));
  assert.deepEqual(offsets, [3, 1, undefined]);
});

test("[stream/tracking] goes with the stream", async () => {
  const state = new MemoryState();
  const bench = new StreamBench(new MemoryStore(state));
  await readSome(bench, 10, 4);
  assert.equal(state.queues.get(STREAM_ID)?.notes.size, 1);
  bench.stream.drop();
  bench.barrier.definitionChanged();
  await bench.settle();
  assert.equal(state.queues.get(STREAM_ID)?.notes.size ?? 0, 0);
});
