import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ScaleOptions } from "../bench-options.ts";
import { machineDescription } from "../report.ts";
import { costLines } from "./cost-lines.ts";
import type { Dimension, DimensionFigures, Effort, SizeFigures } from "./dimension.ts";
import { scalePlot } from "./scale-plot.ts";
import { type ScaleReport, scaleMarkdown } from "./scale-report.ts";

/** Measures what a message costs Leveret at every size; writes scale.json, scale.md and scale.svg, and prints the tables. */
export async function measureScale({ dimensions, effort }: ScaleOptions, outputDirectory: string): Promise<void> {
  const measured: DimensionFigures[] = [];
  for (const dimension of dimensions) measured.push(await measureDimension(dimension, effort));
  const report: ScaleReport = {
    machine: machineDescription(),
    node: process.versions.node,
    effort,
    dimensions: measured,
  };
  const markdown = scaleMarkdown(report);
  mkdirSync(outputDirectory, { recursive: true });
  writeFileSync(join(outputDirectory, "scale.json"), `${JSON.stringify(report, undefined, 2)}\n`);
  writeFileSync(join(outputDirectory, "scale.md"), markdown);
  writeFileSync(join(outputDirectory, "scale.svg"), scalePlot(measured.flatMap(costLines)));
  process.stdout.write(`\n${markdown}`);
}

async function measureDimension(dimension: Dimension, effort: Effort): Promise<DimensionFigures> {
  const { key, title, sizeName, columns } = dimension;
  const figures: SizeFigures[] = [];
  for (const size of dimension.sizes[effort]) {
    const startedAt = performance.now();
    const values = await dimension.measure(size, effort);
    figures.push({ size, values });
    const texts = columns.map(({ title: column, unit }, index) => `${column} ${values[index]?.toPrecision(4)} ${unit}`);
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    process.stderr.write(`${key} ${size}: ${texts.join(", ")} (${seconds} s)\n`);
  }
  return { key, title, sizeName, columns, figures };
}
