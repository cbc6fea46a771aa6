import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LatencyHistogram } from "../../src/perf/latency-histogram.ts";

test("[perf/latency] a quantile is the exact one to within 1 / 128", () => {
  const nanoseconds = fc.oneof(fc.nat(300), fc.nat(1_000_000_000), fc.integer({ min: 0, max: 3_600_000_000_000 }));
  fc.assert(
    fc.property(
      fc.array(nanoseconds, { minLength: 1, maxLength: 200 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (values, fraction) => {
        const histogram = new LatencyHistogram();
        for (const value of values) histogram.record(value);
        const sorted = values.toSorted((a, b) => a - b);
        const exact = sorted[Math.max(1, Math.ceil(fraction * values.length)) - 1] as number;
        const found = histogram.quantile(fraction) * 1e6;
        assert(found >= exact - 0.5, `${found} is less than ${exact}`);
        assert(found <= exact * (1 + 1 / 128) + 0.5, `${found} is far more than ${exact}`);
      },
    ),
  );
});

test("[perf/latency] a summary has the usual percentiles, in milliseconds", () => {
  const histogram = new LatencyHistogram();
  for (let milliseconds = 1; milliseconds <= 1000; milliseconds++) histogram.record(milliseconds * 1e6);
  const { count, min, median, p90, p95, p99, p999, max } = histogram.summary();
  assert.deepEqual([count, min, max], [1000, 1, 1000]);
  for (const [found, exact] of [
    [median, 500],
    [p90, 900],
    [p95, 950],
    [p99, 990],
    [p999, 999],
  ] as const) {
    assert(Math.abs(found - exact) <= exact / 128, `${found} instead of ${exact}`);
  }
  histogram.reset();
  assert.deepEqual(histogram.summary(), { count: 0, min: 0, median: 0, p90: 0, p95: 0, p99: 0, p999: 0, max: 0 });
});
