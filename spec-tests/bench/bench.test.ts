import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { median } from "./report.ts";
import { SCENARIOS } from "./scenarios.ts";

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

test("[bench] a median is the middle value", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
});
