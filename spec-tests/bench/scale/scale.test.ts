import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { type CostLine, costLines, growthOf, isLogarithmic } from "./cost-lines.ts";
import type { DimensionFigures } from "./dimension.ts";
import { DIMENSIONS } from "./dimensions.ts";
import { scalePlot } from "./scale-plot.ts";

function line(...points: readonly (readonly [size: number, microseconds: number])[]): CostLine {
  return {
    dimension: "test",
    name: "a < b & c",
    points: points.map(([size, microseconds]) => ({ size, microseconds })),
  };
}

test("[bench/scale] a quick run gives a table with all sizes of all dimensions, and a plot with all costs", {
  skip: process.platform !== "linux",
}, async (context) => {
  const output = temporaryDirectory(context);
  const args = [join(import.meta.dirname, "../bench.js"), "--scale", "--quick", "--output", output];
  const child = spawn(process.execPath, args, { stdio: "ignore" });
  context.after(() => child.kill());
  assert.deepEqual(await once(child, "exit"), [0, null]);
  const report = JSON.parse(readFileSync(join(output, "scale.json"), "utf8"));
  const markdown = readFileSync(join(output, "scale.md"), "utf8");
  const plot = readFileSync(join(output, "scale.svg"), "utf8");
  for (const { key, sizes, columns } of DIMENSIONS) {
    const measured: DimensionFigures = report.dimensions.find((dimension: DimensionFigures) => dimension.key === key);
    const found = measured.figures.map(({ size }) => size);
    assert.deepEqual(found, sizes.quick, key);
    for (const { size, values } of measured.figures) {
      assert.equal(values.length, columns.length, key);
      for (const [index, { title, isRate }] of columns.entries()) {
        const value = values[index] as number;
        assert(isRate ? value > 0 : Number.isFinite(value), `${key} ${size}, ${title}: ${value}`);
      }
      assert(markdown.includes(`\n| ${size.toLocaleString("en")} |`), `${key} ${size}`);
    }
    for (const { name } of costLines(measured)) {
      assert(markdown.includes(`| ${name} |`), name);
      assert(plot.includes(`>${name}</text>`), name);
    }
  }
});

test("[bench/scale] sizes are a decade apart, and there are at least four", () => {
  for (const { key, sizes } of DIMENSIONS) {
    for (const [index, size] of sizes.full.entries()) {
      if (index > 0) assert.equal(size, 10 * (sizes.full[index - 1] as number), key);
    }
    assert(sizes.normal.length >= 4, key);
  }
});

test("[bench/scale] a cost that goes with the logarithm of the size, or less, grows no faster than it", () => {
  const growth = growthOf(line([10, 2], [1000, 6], [10_000, 8]));
  assert.equal(growth.factor, 4);
  assert(Math.abs(growth.logarithmicFactor - 4) < 1e-9);
  assert(isLogarithmic(growthOf(line([10, 2], [1000, 5.9]))));
  assert(isLogarithmic(growthOf(line([10, 2], [1000, 1]))));
  assert(!isLogarithmic(growthOf(line([10, 2], [1000, 6.1]))));
});

test("[bench/scale] costs are the reciprocals of rates", () => {
  const column = { title: "through", isRate: true } as const;
  const columns = [
    { ...column, unit: "messages/s" },
    { title: "start", unit: "s", isRate: false },
  ] as const;
  const figures = [{ size: 10, values: [500_000, 1] }];
  const dimension = { key: "key", title: "", sizeName: "", columns, figures };
  assert.deepEqual(costLines(dimension), [
    { dimension: "key", name: "key: through", points: [{ size: 10, microseconds: 2 }] },
  ]);
  const large = { ...dimension, columns: [{ ...column, unit: "MB/s" }] as const };
  assert.deepEqual(costLines(large)[0]?.points, [{ size: 10, microseconds: 0.002 }]);
});

test("[bench/scale] a plot holds every point within its axes, and names that are escaped", () => {
  const plot = scalePlot([line([10, 0.3], [100_000, 700]), line([100, 5], [1000, 5])]);
  const circles = [...plot.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [Number(x), Number(y)]);
  assert.equal(circles.length, 4 + 2, "a circle per point, and one per name");
  for (const [x, y] of circles)
    assert(0 < (x as number) && (x as number) < 960 && 0 < (y as number) && (y as number) < 520);
  assert(plot.includes("a &lt; b &amp; c"));
  assert(!plot.includes("NaN") && !plot.includes("undefined"));
});
