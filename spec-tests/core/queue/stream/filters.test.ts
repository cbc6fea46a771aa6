import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryStore } from "../../../../src/store/memory-store.ts";
import { tableFrom } from "../../../../src/wire/field-table.ts";
import { numbers, Reader, StreamBench } from "./stream-bench.ts";

const FROM_FIRST = { "x-stream-offset": "first" };

/** Offsets 0, 3, 6, … are "a", then "b", then without a value. */
async function mixed(count: number, filterBytes = 16): Promise<StreamBench> {
  const bench = new StreamBench(new MemoryStore(), tableFrom({ "x-stream-filter-size-bytes": filterBytes }));
  for (let offset = 0; offset < count; offset++) {
    if (offset % 3 === 2) bench.push(String(offset));
    else bench.pushFiltered(String(offset), offset % 3 === 0 ? "a" : "b");
  }
  await bench.settle();
  return bench;
}

function every(remainder: number[], count: number): number[] {
  return numbers(0, count).filter((offset) => remainder.includes(offset % 3));
}

test("[stream/x-stream-filter] only messages with the value, or one of the values, are delivered", async () => {
  const bench = await mixed(60);
  const cases: [Record<string, string | string[] | boolean>, number[]][] = [
    [{ "x-stream-filter": "a" }, [0]],
    [{ "x-stream-filter": ["a"] }, [0]],
    [{ "x-stream-filter": ["a", "b"] }, [0, 1]],
    [{ "x-stream-filter": "c" }, []],
    [{ "x-stream-filter": "aa" }, []],
    [{ "x-stream-match-unfiltered": true }, [0, 1, 2]],
    [{ "x-stream-filter": "a", "x-stream-match-unfiltered": false }, [0]],
    [{ "x-stream-filter": "a", "x-stream-match-unfiltered": true }, [0, 2]],
    [{ "x-stream-filter": "c", "x-stream-match-unfiltered": true }, [2]],
  ];
  for (const [filter, remainders] of cases) {
    const reader = new Reader();
    bench.consume(reader, { arguments: { ...FROM_FIRST, ...filter } });
    await bench.settle();
    assert.deepEqual(reader.offsets, every(remainders, 60), JSON.stringify(filter));
  }
});

test("[stream/x-stream-filter] what does not match costs no credit, and live messages are filtered too", async () => {
  const bench = await mixed(9000);
  const reader = new Reader();
  bench.consume(reader, { prefetch: 5, arguments: { "x-stream-offset": "next", "x-stream-filter": "b" } });
  for (let round = 0; round < 50; round++) bench.pushFiltered("no", "a");
  bench.pushFiltered("yes", "b");
  await bench.settle();
  assert.deepEqual([reader.offsets, bench.stream.unackedCount], [[9050], 1]);
  const behind = new Reader();
  bench.consume(behind, { prefetch: 2, arguments: { ...FROM_FIRST, "x-stream-filter": "b" } });
  await bench.settle();
  behind.ack();
  await bench.settle();
  assert.deepEqual(behind.offsets, [1, 4, 7, 10]);
});

test("[stream/x-stream-filter] a value that is no string counts as none", async () => {
  const bench = new StreamBench(new MemoryStore());
  bench.push("number", { headers: tableFrom({ "x-stream-filter-value": 5 }) });
  bench.push("other", { headers: tableFrom({ other: "a" }) });
  await bench.settle();
  const reader = new Reader();
  const filter = { "x-stream-filter": "5", "x-stream-match-unfiltered": true };
  bench.consume(reader, { arguments: { ...FROM_FIRST, ...filter } });
  await bench.settle();
  assert.deepEqual(reader.bodies, ["number", "other"]);
});

for (const filterBytes of [16, 255]) {
  test(`[stream/x-stream-filter-size-bytes] with ${filterBytes} octets, chunks without a match are not read again`, async () => {
    const store = new MemoryStore();
    const bench = new StreamBench(store, tableFrom({ "x-stream-filter-size-bytes": filterBytes }));
    const values = Array.from({ length: 40 }, (_, index) => `value-${index}`);
    for (const value of values) {
      for (let index = 0; index < 20; index++) bench.pushFiltered("x".repeat(8000), value);
      await bench.settle();
    }
    let reads = 0;
    const read = store.read.bind(store);
    store.read = (...where) => {
      reads++;
      return read(...where);
    };
    const readsOf = async (value: string): Promise<number> => {
      reads = 0;
      const reader = new Reader();
      const consumer = bench.consume(reader, { arguments: { ...FROM_FIRST, "x-stream-filter": value } });
      await bench.settle();
      consumer.queue.cancel(consumer);
      assert.equal(reader.offsets.length, values.includes(value) ? 20 : 0);
      return reads;
    };
    const first = await readsOf("value-3");
    assert(first >= 40, "the first reader with a filter looks into every chunk");
    assert((await readsOf("value-17")) <= 4, "later ones only where it may be");
    assert((await readsOf("value-99")) <= 4);
  });
}
