import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Store } from "../../../../src/core/ports.ts";
import { silentLogger } from "../../../../src/lib/logger.ts";
import { ManualClock } from "../../../../src/lib/manual-clock.ts";
import { openLmdbStore } from "../../../../src/store/lmdb-store.ts";
import { MemoryStore } from "../../../../src/store/memory-store.ts";
import { EMPTY_TABLE, tableFrom } from "../../../../src/wire/field-table.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";
import { bodies, numbers, Reader, StreamBench } from "./stream-bench.ts";

const CHILD = fileURLToPath(new URL("./stream-crash-child.js", import.meta.url));
const CHILD_MILLISECONDS_MAX = 20_000;
const FROM_FIRST = { "x-stream-offset": "first" };

async function withStore<Result>(directory: string, use: (store: Store) => Promise<Result>): Promise<Result> {
  const store = openLmdbStore({ directory, logger: silentLogger });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

/** The first offset a named consumer gets, and everything there is. */
async function readBack(bench: StreamBench, tag: string): Promise<{ resumed: number | undefined; all: Reader }> {
  const named = new Reader();
  const consumer = bench.consume(named, { tag });
  const all = new Reader();
  bench.consume(all, { prefetch: 1_000_000, arguments: FROM_FIRST });
  await bench.settle();
  named.close(consumer);
  return { resumed: named.offsets[0], all };
}

/** The bodies of what was stored at a time or later. */
async function readSince(bench: StreamBench, at: number): Promise<readonly string[]> {
  const reader = new Reader();
  bench.consume(reader, { arguments: new Map([["x-stream-offset", { type: "timestamp", value: BigInt(at / 1000) }]]) });
  await bench.settle();
  return reader.bodies;
}

test("[stream/restart] messages, their times, retention and tracked offsets come back from disk, unread until they are wanted", async (context) => {
  const directory = temporaryDirectory(context);
  const clock = new ManualClock();
  const start = clock.now();
  const limits = tableFrom({ "x-max-length-bytes": 400_000 });
  const kept = await withStore(directory, async (store) => {
    const bench = new StreamBench(store, limits, { clock });
    const reader = new Reader();
    bench.consume(reader, { tag: "named", prefetch: 10_000 });
    for (let commit = 0; commit < 100; commit++) {
      await bench.publish(...bodies(10, "x".repeat(1000), commit * 10));
      clock.advance(1000);
    }
    reader.ack(900);
    await bench.settle();
    return bench.stream.firstOffset;
  });
  assert(kept > 500 && kept < 800, `the oldest kept is ${kept}`);
  await withStore(directory, async (store) => {
    let reads = 0;
    const read = store.read.bind(store);
    store.read = (...where) => {
      reads++;
      return read(...where);
    };
    const bench = new StreamBench(store, limits, { clock });
    assert.deepEqual([bench.stream.firstOffset, bench.stream.durableEnd, reads], [kept, 1000, 0]);
    const { resumed, all } = await readBack(bench, "named");
    assert.deepEqual([resumed, all.offsets], [900, numbers(kept, 1000)]);
    assert.deepEqual(
      all.bodies.map((body) => Number(body.replaceAll("x", ""))),
      numbers(kept, 1000),
    );
    const since = new Reader();
    const at = { type: "timestamp", value: BigInt(start / 1000 + 85) } as const;
    bench.consume(since, { arguments: new Map([["x-stream-offset", at]]) });
    await bench.settle();
    assert.equal(since.offsets[0], 850);
    await bench.publish("next");
    assert.equal(bench.stream.durableEnd, 1001, "offsets go on");
    bench.stream.stop();
  });
});

test("[stream/restart] times go on from those of before, though the clock has gone back", async () => {
  const store = new MemoryStore();
  const start = new ManualClock().now();
  const before = new StreamBench(store, EMPTY_TABLE, { clock: new ManualClock(start + 10_000) });
  await before.publish("before");
  before.stream.stop();
  const clock = new ManualClock(start);
  const after = new StreamBench(store, EMPTY_TABLE, { clock });
  await after.publish(...bodies(3, "after "));
  assert.equal(after.memory.usedBytes, 0, "what was read for it is let go of");
  clock.advance(20_000);
  await after.publish("later");
  assert.deepEqual(await readSince(after, start + 10_000), ["before", "after 0", "after 1", "after 2", "later"]);
  assert.deepEqual(await readSince(after, start + 11_000), ["later"]);
});

test("[stream/crash] a broker that is killed loses nothing it has confirmed, and no consumer's place", async (context) => {
  const directory = temporaryDirectory(context);
  let found = 0;
  for (let round = 0; round < 3; round++) {
    const child = spawn(process.execPath, [CHILD, directory], {
      stdio: ["ignore", "pipe", "inherit"],
      timeout: CHILD_MILLISECONDS_MAX,
    });
    context.after(() => child.kill("SIGKILL"));
    const lines: string[] = [];
    const output = createInterface(child.stdout);
    output.on("line", (line) => lines.push(line));
    await once(output, "line");
    await sleep(100 + 70 * round);
    const closed = once(child, "close");
    child.kill("SIGKILL");
    await closed;
    const [confirmed, acknowledged] = (lines.at(-1) as string).split(" ").map(Number) as [number, number];
    await withStore(directory, async (store) => {
      const bench = new StreamBench(store);
      const { durableEnd } = bench.stream;
      assert(durableEnd >= confirmed && durableEnd > found, `${confirmed} confirmed, ${durableEnd} found`);
      found = durableEnd;
      const { resumed, all } = await readBack(bench, "crashing");
      assert.deepEqual([all.offsets, all.bodies], [numbers(0, durableEnd), bodies(durableEnd, "message ")]);
      assert((resumed ?? durableEnd) >= acknowledged, `${acknowledged} acknowledged, goes on at ${resumed}`);
    });
  }
});
