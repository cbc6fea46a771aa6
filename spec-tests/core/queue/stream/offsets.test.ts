import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../../src/lib/manual-clock.ts";
import { MemoryStore } from "../../../../src/store/memory-store.ts";
import { type FieldValue, long, longstr } from "../../../../src/wire/field-table.ts";
import { bodies, numbers, Reader, StreamBench } from "./stream-bench.ts";

const START = Date.UTC(2026, 0, 1, 12);
const HOUR = 3_600_000;

/** Three commits of ten messages, an hour apart: offsets 0, 10 and 20 begin a chunk. */
async function threeChunks(): Promise<StreamBench> {
  const bench = new StreamBench(new MemoryStore(), undefined, { clock: new ManualClock(START) });
  for (let chunk = 0; chunk < 3; chunk++) {
    await bench.publish(...bodies(10, "m", chunk * 10));
    bench.clock.advance(HOUR);
  }
  return bench;
}

/** The offsets a new consumer gets at once, and then of two more messages. */
async function readFrom(bench: StreamBench, value: FieldValue | undefined): Promise<number[]> {
  const reader = new Reader();
  const consumer = bench.consume(reader, {
    arguments: value === undefined ? {} : new Map([["x-stream-offset", value]]),
  });
  await bench.settle();
  consumer.queue.cancel(consumer);
  return reader.offsets;
}

test("[stream/x-stream-offset] first is the oldest message", async () => {
  assert.deepEqual(await readFrom(await threeChunks(), longstr("first")), numbers(0, 30));
});

test("[stream/x-stream-offset] last is the beginning of the last chunk", async () => {
  assert.deepEqual(await readFrom(await threeChunks(), longstr("last")), numbers(20, 30));
});

test("[stream/x-stream-offset] next, which is also the default, is what is published from now on", async () => {
  const bench = await threeChunks();
  for (const value of [undefined, longstr("next")]) {
    const reader = new Reader();
    bench.consume(reader, { arguments: value === undefined ? {} : new Map([["x-stream-offset", value]]) });
    await bench.settle();
    assert.deepEqual(reader.offsets, []);
    const from = bench.stream.durableEnd;
    await bench.publish("a", "b");
    assert.deepEqual(reader.offsets, [from, from + 1]);
  }
});

test("[stream/x-stream-offset] an integer of any type is an offset", async () => {
  const bench = await threeChunks();
  const forms: FieldValue[] = [long(13), { type: "signedint", value: 13 }, { type: "unsignedbyte", value: 13 }];
  for (const form of forms) assert.deepEqual(await readFrom(bench, form), numbers(13, 30));
  assert.deepEqual(await readFrom(bench, long(0)), numbers(0, 30));
});

test("[stream/x-stream-offset] an offset that is not there yet is waited for", async () => {
  const bench = await threeChunks();
  const reader = new Reader();
  bench.consume(reader, { arguments: { "x-stream-offset": 33 } });
  await bench.publish(...bodies(3));
  assert.deepEqual(reader.offsets, []);
  await bench.publish("33", "34");
  assert.deepEqual(reader.offsets, [33, 34]);
});

test("[stream/x-stream-offset] a negative integer counts back from the end", async () => {
  const bench = await threeChunks();
  assert.deepEqual(await readFrom(bench, long(-3)), [27, 28, 29]);
  assert.deepEqual(await readFrom(bench, long(-1000)), numbers(0, 30));
});

test("[stream/x-stream-offset] a timestamp is the first message stored then or later", async () => {
  const bench = await threeChunks();
  const at = (milliseconds: number): FieldValue => ({ type: "timestamp", value: BigInt(milliseconds / 1000) });
  assert.deepEqual(await readFrom(bench, at(START - HOUR)), numbers(0, 30));
  assert.deepEqual(await readFrom(bench, at(START)), numbers(0, 30));
  assert.deepEqual(await readFrom(bench, at(START + 1000)), numbers(10, 30));
  assert.deepEqual(await readFrom(bench, at(START + 2 * HOUR)), numbers(20, 30));
  assert.deepEqual(await readFrom(bench, at(START + 2 * HOUR + 1000)), []);
});

test("[stream/x-stream-offset] a timestamp is found within a chunk too", async () => {
  const bench = new StreamBench(new MemoryStore(), undefined, { clock: new ManualClock(START) });
  for (let index = 0; index < 20; index++) {
    bench.push(String(index));
    bench.clock.advance(1000);
  }
  await bench.settle();
  const at: FieldValue = { type: "timestamp", value: BigInt(START / 1000 + 7) };
  assert.deepEqual(await readFrom(bench, at), numbers(7, 20));
});

test("[stream/x-stream-offset] an interval goes back from now", async () => {
  const bench = await threeChunks();
  assert.deepEqual(await readFrom(bench, longstr("7D")), numbers(0, 30));
  assert.deepEqual(await readFrom(bench, longstr("2h")), numbers(10, 30));
  assert.deepEqual(await readFrom(bench, longstr("60m")), numbers(20, 30));
  assert.deepEqual(await readFrom(bench, longstr("1s")), []);
});

test("[stream/x-stream-offset] every form means the next message in an empty stream", async () => {
  const timestamp: FieldValue = { type: "timestamp", value: 5n };
  for (const value of [
    longstr("first"),
    longstr("last"),
    longstr("next"),
    long(0),
    long(-5),
    timestamp,
    longstr("1h"),
  ]) {
    const bench = new StreamBench(new MemoryStore());
    const reader = new Reader();
    bench.consume(reader, { arguments: new Map([["x-stream-offset", value]]) });
    await bench.publish("a", "b");
    assert.deepEqual(reader.offsets, [0, 1]);
  }
});
