import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { parseBenchOptions } from "./bench-options.ts";
import { ratioPlot } from "./ratio-plot.ts";
import { median, type ScenarioFigures } from "./report.ts";
import { SCENARIOS, type Scenario } from "./scenarios.ts";

async function bench(context: TestContext, args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "bench.js"), ...args], { stdio: "ignore" });
  context.after(() => child.kill());
  const [status] = await once(child, "exit");
  return status;
}

test("[bench] a run of all scenarios gives a table that has all rows", {
  skip: process.platform !== "linux",
}, async (context) => {
  const output = temporaryDirectory(context);
  const args = ["--seconds", "0.2", "--warmup", "0", "--rounds", "1", "--no-rabbitmq", "--output", output];
  assert.equal(await bench(context, args), 0);
  const report = JSON.parse(readFileSync(join(output, "report.json"), "utf8"));
  assert.equal(report.brokers[0].name, "Leveret");
  assert(report.brokers[0].readyMilliseconds > 0);
  const table = readFileSync(join(output, "report.md"), "utf8");
  for (const { key, title } of SCENARIOS) {
    const figures = report.figures.find((row: { scenario: { key: string } }) => row.scenario.key === key);
    const [run] = figures.runs;
    assert(run.value > 0, `${key}: ${run.value}`);
    assert(run.brokerPeakBytes > 0, key);
    assert(run.brokerCpuSeconds >= 0, key);
    assert(table.includes(`| ${key} | ${title} | Leveret |`), key);
  }
});

const REFUSED: readonly (readonly [args: string, text: RegExp])[] = [
  ["--scenarios A,X", /^"X" is none of A, B, /],
  ["--seconds x", /^--seconds is x, but must be more than 0$/],
  ["--warmup -1", /--warmup/],
  ["--rounds 0", /^--rounds is 0, but must be more than 0$/],
  ["--peer rabbit", /^--peer is "rabbit", but must be name=url$/],
  ["--peer rabbit=http://host", /is not a URI like amqp:/],
  ["--quick", /^--quick means nothing without --scale$/],
  ["--scale --rounds 2", /^--rounds means nothing with --scale$/],
  ["--scale --quick --full", /exclude each other/],
  ["--scale --dimensions depth", /^"depth" is none of backlog, /],
  ["--round 1", /--round/],
];
for (const [args, text] of REFUSED) {
  test(`[bench/options] ${args} is refused`, () => {
    assert.throws(() => parseBenchOptions(args.split(" ")), { message: text });
  });
}

test("[bench/options] what is wrong is said without a trace, and the status is 64", async (context) => {
  assert.equal(await bench(context, ["--seconds", "x"]), 64);
});

test("[bench] a median is the middle value", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
});

test("[bench] the plot has a bar for each ratio to a peer, right of the middle where ours is better", () => {
  const row = (scenario: Scenario, broker: string, value: number): ScenarioFigures => {
    const unknown = { latency: undefined, brokerCpuSeconds: undefined, brokerPeakBytes: undefined };
    return { scenario, broker, runs: [{ value, ...unknown, generatorCpuSeconds: 0, besidePublishRate: undefined }] };
  };
  const [throughput, latency] = [SCENARIOS[0] as Scenario, SCENARIOS.find(({ key }) => key === "H") as Scenario];
  const facts = { version: "1", readyMilliseconds: undefined, idleBytes: undefined };
  const plot = ratioPlot({
    machine: "",
    node: "",
    length: { seconds: 1, warmupSeconds: 0 },
    rounds: 1,
    brokers: [
      { name: "ours", ...facts },
      { name: "a < b", ...facts },
    ],
    figures: [
      row(throughput, "ours", 30),
      row(throughput, "a < b", 10),
      row(latency, "ours", 2),
      row(latency, "a < b", 1),
    ],
  });
  assert(plot.includes(">3.00</text>") && plot.includes(">0.50</text>"));
  assert(plot.includes("a &lt; b") && !plot.includes("NaN"));
  const bars = [...plot.matchAll(/<rect x="([\d.]+)" y="\d+" width="([\d.]+)" height="14" fill="#3b82c4"/g)].slice(1);
  const [better, worse] = bars.map(([, x, width]) => [Number(x), Number(width)] as const);
  assert(better !== undefined && worse !== undefined && worse[0] + worse[1] <= better[0] + 0.2);
});
