import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import type { LatencySummary } from "../../src/perf/latency-histogram.ts";
import type { ThroughputResult } from "../../src/perf/run-report.ts";
import { type RunningBroker, withClient } from "./broker-process.ts";
import { LAUNCHER } from "./brokers.ts";
import { cpuSeconds, peakMemoryBytes, resetPeakMemory } from "./process-usage.ts";
import { FILL_OPTIONS, type Scenario } from "./scenarios.ts";

/** How long each run takes. */
export interface RunLength {
  readonly seconds: number;
  /** Not measured, and not used where a backlog is filled or drained. */
  readonly warmupSeconds: number;
}

/** What one run of a scenario gave. */
export interface RunFigures {
  /** Messages per second, or the median latency in milliseconds. */
  readonly value: number;
  /** The whole distribution, where latency was measured. */
  readonly latency: LatencySummary | undefined;
  /** The broker's processor time for the whole run, warm-up included; undefined when its process is not known. */
  readonly brokerCpuSeconds: number | undefined;
  /** The most memory that was resident in the broker's process during the run. */
  readonly brokerPeakBytes: number | undefined;
  readonly generatorCpuSeconds: number;
}

/** Runs a scenario against a broker once, on a queue that is gone afterwards. */
export async function runScenario(scenario: Scenario, broker: RunningBroker, length: RunLength): Promise<RunFigures> {
  const queue = `bench-${scenario.key}`;
  const target = ["--uri", broker.uri, "--queue", queue];
  const timed = await prepare(scenario, target, length);
  if (broker.pid !== undefined) resetPeakMemory(broker.pid);
  const cpuBefore = broker.pid === undefined ? 0 : cpuSeconds(broker.pid);
  const result = await perf([...target, ...timed, ...scenario.options]);
  const figures = {
    value: scenario.measure === "latency" ? (result.latency?.median ?? Number.NaN) : result[scenario.measure],
    latency: result.latency,
    brokerCpuSeconds: broker.pid === undefined ? undefined : cpuSeconds(broker.pid) - cpuBefore,
    brokerPeakBytes: broker.pid === undefined ? undefined : peakMemoryBytes(broker.pid),
    generatorCpuSeconds: result.generatorCpuSeconds,
  };
  await withClient(broker.uri, async (client) => (await client.openChannel()).call("queue.delete", { queue }));
  return figures;
}

/** Fills the queue where the scenario wants a backlog; returns the options that end the run. */
async function prepare(scenario: Scenario, target: readonly string[], length: RunLength): Promise<string[]> {
  const { seconds, warmupSeconds } = length;
  if (scenario.backlogPerSecond === undefined) {
    return ["--duration", String(seconds), "--warmup", String(scenario.measure === "confirmRate" ? 0 : warmupSeconds)];
  }
  const messages = ["--messages", String(Math.round(scenario.backlogPerSecond * seconds))];
  await perf([...target, ...messages, ...FILL_OPTIONS]);
  return messages;
}

/** Runs `leveret perf` in a process of its own. */
async function perf(options: readonly string[]): Promise<ThroughputResult> {
  const child = spawn(process.execPath, [LAUNCHER, "perf", "--json", ...options], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [output, [status]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  if (status !== 0) throw new Error(`leveret perf ${options.join(" ")} ended with ${status}`);
  return JSON.parse(output) as ThroughputResult;
}
