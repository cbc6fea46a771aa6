import type { CostLine } from "./cost-lines.ts";

const WIDTH = 960;
const HEIGHT = 520;
/** Where the axes are; the legend is to the right of them. */
const PLOT = { left: 80, top: 48, right: 560, bottom: 456 };
const LEGEND = { left: 588, top: 60, lineHeight: 22 };

/** Neither light nor dark, so that they show on both. */
const TEXT = "#7d8590";
const COLOURS = ["#3b82c4", "#d9662b", "#3f9b56", "#b0569f", "#a98526", "#d14b4b", "#2a9d9d", "#8a6fd1"];
/** Tells the lines of one dimension, which have one colour, from each other. */
const DASHES = ["none", "7 4", "2 3"];

/** An axis that goes from one power of ten to another. */
class LogarithmicAxis {
  readonly decades: readonly number[];
  readonly #first: number;
  readonly #last: number;
  readonly #start: number;
  readonly #end: number;

  /** @param start where the lowest value is drawn, and `end` the highest */
  constructor(values: readonly number[], start: number, end: number) {
    this.#first = Math.floor(Math.log10(Math.min(...values)));
    this.#last = Math.max(this.#first + 1, Math.ceil(Math.log10(Math.max(...values))));
    this.#start = start;
    this.#end = end;
    this.decades = Array.from({ length: this.#last - this.#first + 1 }, (_, index) => 10 ** (this.#first + index));
  }

  at(value: number): number {
    const part = (Math.log10(value) - this.#first) / (this.#last - this.#first);
    return this.#start + part * (this.#end - this.#start);
  }
}

/** The costs against the size as an SVG document; both axes are logarithmic. */
export function scalePlot(lines: readonly CostLine[]): string {
  const points = lines.flatMap((line) => line.points);
  const sizes = points.map(({ size }) => size);
  const costs = points.map(({ microseconds }) => microseconds);
  const x = new LogarithmicAxis(sizes, PLOT.left, PLOT.right);
  const y = new LogarithmicAxis(costs, PLOT.bottom, PLOT.top);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" font-family="sans-serif" font-size="13">`,
    "<title>Cost per message against size</title>",
    ...x.decades.map((decade) => verticalGrid(x.at(decade), decade)),
    ...y.decades.map((decade) => horizontalGrid(y.at(decade), decade)),
    text(
      (PLOT.left + PLOT.right) / 2,
      HEIGHT - 16,
      "middle",
      "how many there are (octets of a message: how large it is)",
    ),
    text(PLOT.left - 56, PLOT.top - 20, "start", "microseconds per message, or per KB of large messages"),
    ...styled(lines).flatMap(({ line, colour, dash }, index) => [
      ...drawnLine(line, colour, dash, x, y),
      ...legendEntry(line.name, colour, dash, LEGEND.top + index * LEGEND.lineHeight),
    ]),
    "</svg>",
    "",
  ].join("\n");
}

/** A colour per dimension, a dash per line of it. */
function styled(lines: readonly CostLine[]): { line: CostLine; colour: string; dash: string }[] {
  const dimensions = [...new Set(lines.map(({ dimension }) => dimension))];
  return lines.map((line) => {
    const place = lines.filter(({ dimension }) => dimension === line.dimension).indexOf(line);
    return {
      line,
      colour: COLOURS[dimensions.indexOf(line.dimension) % COLOURS.length] as string,
      dash: DASHES[place % DASHES.length] as string,
    };
  });
}

function drawnLine(
  { points }: CostLine,
  colour: string,
  dash: string,
  x: LogarithmicAxis,
  y: LogarithmicAxis,
): string[] {
  const places = points.map(({ size, microseconds }) => [x.at(size), y.at(microseconds)].map(rounded));
  return [
    `<polyline points="${places.join(" ")}" fill="none" stroke="${colour}" stroke-width="2" stroke-dasharray="${dash}"/>`,
    ...places.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="3.5" fill="${colour}"/>`),
  ];
}

function legendEntry(name: string, colour: string, dash: string, y: number): string[] {
  const { left } = LEGEND;
  return [
    `<path d="M${left} ${y}h34" stroke="${colour}" stroke-width="2" stroke-dasharray="${dash}"/>`,
    `<circle cx="${left + 17}" cy="${y}" r="3.5" fill="${colour}"/>`,
    text(left + 44, y + 4, "start", name),
  ];
}

function verticalGrid(x: number, decade: number): string {
  return `<path d="M${rounded(x)} ${PLOT.top}V${PLOT.bottom}" stroke="${TEXT}" stroke-opacity="0.25"/>${text(x, PLOT.bottom + 20, "middle", decade.toLocaleString("en", { notation: "compact" }))}`;
}

function horizontalGrid(y: number, decade: number): string {
  return `<path d="M${PLOT.left} ${rounded(y)}H${PLOT.right}" stroke="${TEXT}" stroke-opacity="0.25"/>${text(PLOT.left - 8, y + 4, "end", decade.toLocaleString("en", { maximumFractionDigits: 6 }))}`;
}

function text(x: number, y: number, anchor: "start" | "middle" | "end", content: string): string {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${rounded(x)}" y="${rounded(y)}" text-anchor="${anchor}" fill="${TEXT}">${escaped}</text>`;
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
