import { cpus, release, type } from "node:os";
import type { RunFigures, RunLength } from "./run-scenario.ts";
import type { Scenario } from "./scenarios.ts";

/** A broker's runs of one scenario. */
export interface ScenarioFigures {
  readonly scenario: Scenario;
  readonly broker: string;
  readonly runs: readonly RunFigures[];
}

/** A broker as it was before anything was asked of it. */
export interface BrokerFacts {
  readonly name: string;
  readonly version: string;
  readonly readyMilliseconds: number | undefined;
  readonly idleBytes: number | undefined;
}

/** Everything that was measured. */
export interface BenchReport {
  readonly machine: string;
  readonly node: string;
  readonly length: RunLength;
  readonly rounds: number;
  readonly brokers: readonly BrokerFacts[];
  readonly figures: readonly ScenarioFigures[];
}

export function machineDescription(): string {
  const processors = cpus();
  return `${processors.length} x ${processors[0]?.model.trim()}, ${type()} ${release()}`;
}

/** The report as Markdown: a line per scenario and broker. A ratio above 1 says that the first broker is better. */
export function markdownOf({ machine, node, length, rounds, brokers, figures }: BenchReport): string {
  const facts = brokers.map(({ name, version, readyMilliseconds, idleBytes }) => {
    const ready =
      readyMilliseconds === undefined ? "" : `, ready ${(readyMilliseconds / 1000).toFixed(2)} s after start`;
    return `- ${name} ${version}${ready}${idleBytes === undefined ? "" : `, ${megabytes(idleBytes)} MB idle`}`;
  });
  return [
    `${machine}; Node ${node}; ${length.seconds} s a run, ${rounds} rounds, medians; brokers in turn.`,
    "",
    ...facts,
    "",
    "| | scenario | broker | messages/s, or ms: median / p99 | lowest to highest | ratio | CPU s | peak MB |",
    "|---|---|---|---|---|---|---|---|",
    ...figures.map((row) => lineOf(row, figures)),
    "",
  ].join("\n");
}

/** How many times better than this broker the first one was in the same scenario; undefined for the first one. */
export function ratioTo(
  { scenario, broker, runs }: ScenarioFigures,
  all: readonly ScenarioFigures[],
): number | undefined {
  const first = all.find((other) => other.scenario === scenario) as ScenarioFigures;
  if (first.broker === broker) return undefined;
  const [ours, theirs] = [medianValue(first.runs), medianValue(runs)];
  return isLatency(scenario) ? theirs / ours : ours / theirs;
}

function lineOf(row: ScenarioFigures, all: readonly ScenarioFigures[]): string {
  const { scenario, broker, runs } = row;
  const values = runs.map(({ value }) => value).sort((a, b) => a - b);
  const cells = [
    scenario.key,
    scenario.title,
    broker,
    resultText(scenario, runs),
    `${valueText(scenario, values[0] as number)} to ${valueText(scenario, values.at(-1) as number)}`,
    ratioTo(row, all)?.toFixed(2) ?? "",
    optionalText(
      runs.map(({ brokerCpuSeconds }) => brokerCpuSeconds),
      (seconds) => seconds.toFixed(2),
    ),
    optionalText(
      runs.map(({ brokerPeakBytes }) => brokerPeakBytes),
      megabytes,
    ),
  ];
  return `| ${cells.join(" | ")} |`;
}

function resultText(scenario: Scenario, runs: readonly RunFigures[]): string {
  if (!isLatency(scenario)) return valueText(scenario, medianValue(runs));
  const [middle, p99] = (["median", "p99"] as const).map((quantile) =>
    valueText(scenario, median(runs.map(({ latency }) => latency?.[quantile] ?? Number.NaN))),
  );
  const beside = optionalText(
    runs.map(({ besidePublishRate }) => besidePublishRate),
    (rate) => ` beside ${whole(rate)}/s`,
  );
  return `${middle} / ${p99}${beside}`;
}

function valueText(scenario: Scenario, value: number): string {
  return isLatency(scenario) ? value.toFixed(2) : whole(value);
}

function isLatency({ measure }: Scenario): boolean {
  return measure === "latency" || measure === "roundTrip";
}

function medianValue(runs: readonly RunFigures[]): number {
  return median(runs.map(({ value }) => value));
}

/** The median of the values if all are there. */
function optionalText(values: readonly (number | undefined)[], print: (value: number) => string): string {
  const known = values.filter((value) => value !== undefined);
  return known.length === values.length ? print(median(known)) : "";
}

/** The middle value; of an even number the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  if (sorted.length % 2 === 1) return sorted[middle] as number;
  return ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

function megabytes(bytes: number): string {
  return whole(bytes / 1e6);
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en");
}
