import { costLines, growthOf, isLogarithmic } from "./cost-lines.ts";
import type { DimensionFigures, Unit } from "./dimension.ts";

/** Everything that was measured. */
export interface ScaleReport {
  readonly machine: string;
  readonly node: string;
  readonly effort: string;
  readonly dimensions: readonly DimensionFigures[];
}

/** Digits behind the point. */
const DIGITS: Readonly<Record<Unit, number>> = { "messages/s": 0, s: 2, MB: 0, KB: 1, "MB/s": 0, "/s": 0 };

/** The report as Markdown: a table per dimension, and one that tells how costs grow. */
export function scaleMarkdown({ machine, node, effort, dimensions }: ScaleReport): string {
  return [
    `${machine}; Node ${node}; sizes: ${effort}; the broker is new for each size.`,
    ...dimensions.flatMap((dimension) => ["", `${dimension.title}:`, "", ...dimensionTable(dimension)]),
    "",
    "Cost of a message at the smallest and at the largest size, and how much more it would be if it grew like the",
    "logarithm of the size:",
    "",
    ...growthTable(dimensions),
    "",
  ].join("\n");
}

function dimensionTable({ sizeName, columns, figures }: DimensionFigures): string[] {
  return table(
    [sizeName, ...columns.map(({ title, unit }) => `${title}, ${unit}`)],
    figures.map(({ size, values }) => [
      number(size, 0),
      ...columns.map(({ unit }, index) => number(values[index] as number, DIGITS[unit])),
    ]),
  );
}

function growthTable(dimensions: readonly DimensionFigures[]): string[] {
  const rows = dimensions.flatMap(costLines).map((line) => {
    const growth = growthOf(line);
    return [
      line.name,
      `${number(growth.from.size, 0)} to ${number(growth.to.size, 0)}`,
      `${growth.from.microseconds.toPrecision(3)} to ${growth.to.microseconds.toPrecision(3)}`,
      `${growth.factor.toFixed(2)} x`,
      `${growth.logarithmicFactor.toFixed(2)} x`,
      isLogarithmic(growth) ? "yes" : "no",
    ];
  });
  return table(["cost", "size", "microseconds", "grew", "logarithm", "no faster"], rows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const lines = [head, head.map(() => "---"), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |`);
}

function number(value: number, digits: number): string {
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
