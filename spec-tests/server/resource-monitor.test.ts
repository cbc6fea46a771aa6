import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Alarms } from "../../src/core/alarms.ts";
import { silentLogger } from "../../src/lib/logger.ts";
import { ManualClock } from "../../src/lib/manual-clock.ts";
import { type MonitoredResource, ResourceMonitor } from "../../src/server/resource-monitor.ts";

const INTERVAL_MILLISECONDS = 1000;
const WATERMARK_BYTES = 100;

/** A monitor of a resource that is as the test says, step by step. */
class Bench {
  readonly clock = new ManualClock();
  readonly logged: string[] = [];
  readonly #logger = {
    ...silentLogger,
    info: (message: string) => void this.logged.push(message),
    error: (message: string) => void this.logged.push(message),
  };
  readonly alarms = new Alarms(silentLogger);
  readonly monitor: ResourceMonitor;
  measureCount = 0;
  measure: () => number | Promise<number> = () => WATERMARK_BYTES;

  constructor(resource: MonitoredResource["resource"], isLow: MonitoredResource["isLow"]) {
    const measureBytes = (): number | Promise<number> => {
      this.measureCount += 1;
      return this.measure();
    };
    this.monitor = new ResourceMonitor(
      { resource, measureBytes, isLow, watermarkBytes: WATERMARK_BYTES },
      { alarms: this.alarms, clock: this.clock, logger: this.#logger, intervalMilliseconds: INTERVAL_MILLISECONDS },
    );
  }

  static ofMemory(): Bench {
    return new Bench("memory", (usedBytes) => usedBytes > WATERMARK_BYTES);
  }

  /** The alarms that are raised after the next measurement has given `bytes`. */
  async raisedAt(bytes: number): Promise<string[]> {
    this.measure = () => bytes;
    await this.step();
    return this.alarms.raised;
  }

  async step(): Promise<void> {
    this.clock.advance(INTERVAL_MILLISECONDS);
    await nextTurn();
  }
}

test("[resource monitor/watermark] the alarm is raised when the resource runs low, and cleared when it does no longer", async () => {
  const bench = Bench.ofMemory();
  await bench.monitor.start();
  assert.deepEqual(bench.alarms.raised, []);
  assert.deepEqual(await bench.raisedAt(WATERMARK_BYTES + 1), ["memory"]);
  assert.deepEqual(await bench.raisedAt(WATERMARK_BYTES + 2), ["memory"]);
  assert.deepEqual(await bench.raisedAt(WATERMARK_BYTES), []);
  assert.deepEqual(bench.logged, ["watermark crossed", "watermark kept again"]);
});

test("[resource monitor/start] the first measurement is made before start resolves", async () => {
  const bench = Bench.ofMemory();
  bench.measure = () => Promise.resolve(WATERMARK_BYTES + 1);
  await bench.monitor.start();
  assert.deepEqual(bench.alarms.raised, ["memory"]);
});

test("[resource monitor/interval] it is measured once per interval, counted from the end of a slow measurement", async () => {
  const bench = Bench.ofMemory();
  await bench.monitor.start();
  let finish: (bytes: number) => void = () => {};
  bench.measure = () => new Promise((resolve) => (finish = resolve));
  for (let interval = 0; interval < 5; interval++) await bench.step();
  assert.equal(bench.measureCount, 2);
  finish(WATERMARK_BYTES);
  await nextTurn();
  bench.clock.advance(INTERVAL_MILLISECONDS - 1);
  assert.equal(bench.measureCount, 2);
  bench.clock.advance(1);
  assert.equal(bench.measureCount, 3);
});

for (const [how, failing] of [
  [
    "throws",
    () => {
      throw new Error("EIO");
    },
  ],
  ["rejects", () => Promise.reject(new Error("EIO"))],
] as const) {
  test(`[resource monitor/failure] a measurement that ${how} is logged once and leaves the alarm as it is`, async () => {
    const bench = Bench.ofMemory();
    await bench.monitor.start();
    await bench.raisedAt(WATERMARK_BYTES + 1);
    bench.logged.length = 0;
    bench.measure = failing;
    for (let interval = 0; interval < 3; interval++) await bench.step();
    assert.deepEqual(bench.alarms.raised, ["memory"]);
    assert.deepEqual(await bench.raisedAt(WATERMARK_BYTES), []);
    assert.deepEqual(bench.logged, [
      "resource cannot be measured: its alarm stays as it is",
      "resource can be measured again",
      "watermark kept again",
    ]);
    assert.equal(bench.measureCount, 6);
  });
}

test("[resource monitor/cause] an alarm that somebody else has raised is not the monitor's to clear", async () => {
  const bench = Bench.ofMemory();
  await bench.monitor.start();
  bench.alarms.raise("memory");
  assert.deepEqual(await bench.raisedAt(WATERMARK_BYTES + 1), ["memory"]);
  assert.deepEqual(await bench.raisedAt(0), ["memory"]);
  bench.alarms.clear("memory");
  assert.deepEqual(bench.alarms.raised, []);
});

test("[resource monitor/stop] no timer is left, and a measurement under way comes to nothing", async () => {
  const bench = Bench.ofMemory();
  await bench.monitor.start();
  let finish: (bytes: number) => void = () => {};
  bench.measure = () => new Promise((resolve) => (finish = resolve));
  await bench.step();
  bench.monitor.stop();
  finish(WATERMARK_BYTES + 1);
  await nextTurn();
  assert.deepEqual([bench.alarms.raised, bench.clock.pendingCount], [[], 0]);

  const other = Bench.ofMemory();
  await other.monitor.start();
  assert.equal(other.clock.pendingCount, 1);
  other.monitor.stop();
  assert.equal(other.clock.pendingCount, 0);
});
