import { type BenchReport, ratioTo } from "./report.ts";

const WIDTH = 960;
const LABELS_RIGHT = 60;
const BARS_RIGHT = 900;
const ROW_HEIGHT = 20;
const TOP = 56;

/** Neither light nor dark, so that they show on both. */
const TEXT = "#7d8590";
const COLOURS = ["#3b82c4", "#d9662b", "#3f9b56", "#b0569f"];

/** How many times better than each peer the first broker is, scenario by scenario, as an SVG document. */
export function ratioPlot({ brokers, figures }: BenchReport): string {
  const [first, ...peers] = brokers;
  const bars = figures.flatMap((row) => {
    const ratio = ratioTo(row, figures);
    return ratio === undefined || !(ratio > 0) ? [] : [{ key: row.scenario.key, peer: row.broker, ratio }];
  });
  const decades = Math.max(1, ...bars.map(({ ratio }) => Math.ceil(Math.abs(Math.log10(ratio)))));
  const at = (ratio: number): number =>
    LABELS_RIGHT + ((Math.log10(ratio) + decades) / (2 * decades)) * (BARS_RIGHT - LABELS_RIGHT);
  const bottom = TOP + bars.length * ROW_HEIGHT;
  const marks = Array.from({ length: 2 * decades + 1 }, (_, index) => 10 ** (index - decades));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${bottom + 40}" role="img" font-family="sans-serif" font-size="13">`,
    `<title>${escaped(first?.name ?? "")} compared with its peers, by scenario</title>`,
    ...peers.map(({ name }, index) => legendEntry(name, index)),
    ...marks.map((mark) => gridLine(at(mark), mark, bottom)),
    ...bars.flatMap(({ key, peer, ratio }, row) => {
      const colour = COLOURS[peers.findIndex(({ name }) => name === peer) % COLOURS.length] as string;
      return bar(key, ratio, colour, TOP + row * ROW_HEIGHT, at);
    }),
    text(at(1), bottom + 34, "middle", `times better than the peer: messages per second, or latency`),
    "</svg>",
    "",
  ].join("\n");
}

function bar(key: string, ratio: number, colour: string, top: number, at: (ratio: number) => number): string[] {
  const [left, right] = [Math.min(at(1), at(ratio)), Math.max(at(1), at(ratio))];
  return [
    text(LABELS_RIGHT - 12, top + 14, "end", key),
    `<rect x="${rounded(left)}" y="${top + 3}" width="${rounded(right - left)}" height="${ROW_HEIGHT - 6}" fill="${colour}"/>`,
    text(right + 6, top + 14, "start", ratio.toFixed(2)),
  ];
}

function gridLine(x: number, mark: number, bottom: number): string {
  const line = `<path d="M${rounded(x)} ${TOP - 6}V${bottom}" stroke="${TEXT}" stroke-opacity="${mark === 1 ? 0.9 : 0.25}"/>`;
  return line + text(x, bottom + 16, "middle", mark.toLocaleString("en", { maximumFractionDigits: 6 }));
}

function legendEntry(name: string, index: number): string {
  const left = LABELS_RIGHT + index * 200;
  const colour = COLOURS[index % COLOURS.length] as string;
  return `<rect x="${left}" y="16" width="14" height="14" fill="${colour}"/>${text(left + 22, 28, "start", name)}`;
}

function text(x: number, y: number, anchor: "start" | "middle" | "end", content: string): string {
  return `<text x="${rounded(x)}" y="${rounded(y)}" text-anchor="${anchor}" fill="${TEXT}">${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
