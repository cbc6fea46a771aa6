import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "../../src/lib/logger.ts";
import { MemoryGauge } from "../../src/server/memory-gauge.ts";

const WATERMARK_BYTES = 100;
const INTERVAL_MILLISECONDS = 1000;

/** A gauge in a process that has some octets in use and some of garbage. */
class Bench {
  usedBytes = 0;
  garbageBytes = 0;
  /** How long a garbage collection takes; undefined: it fails. */
  collectionMilliseconds: number | undefined = 0;
  collectionCount = 0;
  readonly logged: string[] = [];
  readonly gauge = new MemoryGauge({
    watermarkBytes: WATERMARK_BYTES,
    intervalMilliseconds: INTERVAL_MILLISECONDS,
    logger: { ...silentLogger, error: (message) => void this.logged.push(message) },
    usedMemoryBytes: () => this.usedBytes + this.garbageBytes,
    collectGarbage: async () => {
      this.collectionCount += 1;
      if (this.collectionMilliseconds === undefined) throw new Error("no inspector");
      this.garbageBytes = 0;
      return this.collectionMilliseconds;
    },
  });

  /** The number of collections that `count` measurements bring about. */
  async collections(count: number): Promise<number> {
    const before = this.collectionCount;
    for (let index = 0; index < count; index++) await this.gauge.measureBytes();
    return this.collectionCount - before;
  }
}

test("[memory gauge/watermark] low is above the watermark, not at it", () => {
  const { gauge } = new Bench();
  assert.deepEqual([gauge.isLow(WATERMARK_BYTES), gauge.isLow(WATERMARK_BYTES + 1)], [false, true]);
});

test("[memory gauge/garbage] is not collected as long as memory is not low", async () => {
  const bench = new Bench();
  bench.garbageBytes = WATERMARK_BYTES;
  assert.equal(await bench.gauge.measureBytes(), WATERMARK_BYTES);
  assert.equal(bench.collectionCount, 0);
});

test("[memory gauge/garbage] does not count above the watermark: it is collected, and the rest measured", async () => {
  const bench = new Bench();
  bench.usedBytes = 50;
  bench.garbageBytes = 60;
  assert.equal(await bench.gauge.measureBytes(), 50);
  bench.usedBytes = 150;
  bench.garbageBytes = 60;
  assert.equal(await bench.gauge.measureBytes(), 150);
  assert.equal(bench.collectionCount, 2);
});

test("[memory gauge/garbage] is collected for a twentieth of the time at most", async () => {
  const bench = new Bench();
  bench.usedBytes = WATERMARK_BYTES + 1;
  bench.collectionMilliseconds = 10;
  assert.equal(await bench.collections(100), 100);
  bench.collectionMilliseconds = 50;
  assert.equal(await bench.collections(100), 50);
  bench.collectionMilliseconds = 950;
  assert.equal(await bench.collections(100), 5);
});

test("[memory gauge/garbage] that cannot be collected is reported once, and memory measured all the same", async () => {
  const bench = new Bench();
  bench.usedBytes = WATERMARK_BYTES + 1;
  bench.collectionMilliseconds = undefined;
  for (let index = 0; index < 3; index++) assert.equal(await bench.gauge.measureBytes(), WATERMARK_BYTES + 1);
  assert.equal(bench.collectionCount, 1);
  assert.deepEqual(bench.logged, ["garbage cannot be collected: V8 decides when it is"]);
});
