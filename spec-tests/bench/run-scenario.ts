import { setTimeout as sleep } from "node:timers/promises";
import type { LatencySummary } from "../../src/perf/latency-histogram.ts";
import type { RpcResult } from "../../src/perf/rpc.ts";
import type { ThroughputResult } from "../../src/perf/run-report.ts";
import { type RunningBroker, withClient } from "./broker-process.ts";
import { runPerfProcess, startPerfProcess } from "./perf-process.ts";
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
  /** Messages per second, or the median latency or 99th percentile of round trips in milliseconds. */
  readonly value: number;
  /** The whole distribution, where latency was measured. */
  readonly latency: LatencySummary | undefined;
  /** The broker's processor time for the whole run, warm-up included; undefined when its process is not known. */
  readonly brokerCpuSeconds: number | undefined;
  /** The most memory that was resident in the broker's process during the run. */
  readonly brokerPeakBytes: number | undefined;
  readonly generatorCpuSeconds: number;
  /** Messages per second that were published by what ran beside the scenario; undefined when nothing did. */
  readonly besidePublishRate: number | undefined;
}

const POLL_MILLISECONDS = 20;

/** Runs a scenario against a broker once, on queues that are gone afterwards. */
export async function runScenario(scenario: Scenario, broker: RunningBroker, length: RunLength): Promise<RunFigures> {
  const queue = `bench-${scenario.key}`;
  const target = ["--uri", broker.uri, "--queue", queue];
  const timed = await prepare(scenario, target, length);
  const endBeside = await startBeside(scenario, broker.uri, `${queue}-beside`);
  if (broker.pid !== undefined) resetPeakMemory(broker.pid);
  const cpuBefore = broker.pid === undefined ? 0 : cpuSeconds(broker.pid);
  const result = await runPerfProcess<ThroughputResult | RpcResult>([...target, ...timed, ...scenario.options]);
  const figures = {
    value: figureOf(scenario, result),
    latency: result.latency,
    brokerCpuSeconds: broker.pid === undefined ? undefined : cpuSeconds(broker.pid) - cpuBefore,
    brokerPeakBytes: broker.pid === undefined ? undefined : peakMemoryBytes(broker.pid),
    generatorCpuSeconds: result.generatorCpuSeconds,
    besidePublishRate: await endBeside?.(),
  };
  await withClient(broker.uri, async (client) => {
    const channel = await client.openChannel();
    for (const name of [queue, `${queue}-beside`]) await channel.call("queue.delete", { queue: name });
  });
  return figures;
}

function figureOf({ measure }: Scenario, result: ThroughputResult | RpcResult): number {
  if (measure === "roundTrip") return result.latency?.p99 ?? Number.NaN;
  if (measure === "latency") return result.latency?.median ?? Number.NaN;
  return (result as ThroughputResult)[measure];
}

/** Fills the queue where the scenario wants a backlog; returns the options that end the run. */
async function prepare(scenario: Scenario, target: readonly string[], length: RunLength): Promise<string[]> {
  const { seconds, warmupSeconds } = length;
  if (scenario.backlogPerSecond === undefined) {
    return ["--duration", String(seconds), "--warmup", String(scenario.measure === "confirmRate" ? 0 : warmupSeconds)];
  }
  const messages = ["--messages", String(Math.round(scenario.backlogPerSecond * seconds))];
  await runPerfProcess([...target, ...messages, ...FILL_OPTIONS]);
  return messages;
}

/** Starts what runs beside a scenario; returns what ends it and resolves with what it published per second. */
async function startBeside(
  { beside }: Scenario,
  uri: string,
  queue: string,
): Promise<(() => Promise<number>) | undefined> {
  if (beside === undefined) return undefined;
  const target = ["--uri", uri, "--queue", queue];
  const runs = beside.map((options) => startPerfProcess<ThroughputResult>([...target, ...options]));
  const results = Promise.all(runs.map(({ result }) => result));
  await Promise.race([untilConsumed(uri, queue), results]);
  return async () => {
    for (const run of runs) run.interrupt();
    return (await results).reduce((sum, { publishRate }) => sum + publishRate, 0);
  };
}

async function untilConsumed(uri: string, queue: string): Promise<void> {
  await withClient(uri, async (client) => {
    const channel = await client.openChannel();
    while ((await channel.call("queue.declare", { queue, durable: true })).consumerCount === 0) {
      await sleep(POLL_MILLISECONDS);
    }
  });
}
