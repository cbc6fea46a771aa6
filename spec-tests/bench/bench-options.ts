import { parseArgs } from "node:util";
import type { RunLength } from "./run-scenario.ts";
import type { Dimension, Effort } from "./scale/dimension.ts";
import { DIMENSIONS } from "./scale/dimensions.ts";
import { SCENARIOS, type Scenario } from "./scenarios.ts";

export const USAGE = `npm run bench -- [options]
  --scenarios A,C,D   only these (${SCENARIOS.map(({ key }) => key).join(", ")})
  --seconds N         length of a run (8); also scales the backlog that J drains
  --warmup N          seconds before a run that are not measured (1)
  --rounds N          runs of every scenario against every broker (3)
  --peer name=url     another running broker; may be repeated
  --no-rabbitmq       leave out RabbitMQ even where Debian's package is installed
  --generator         measure only what the load generator can do, against a sink
  --output DIR        where report.json, report.md and, with peers, report.svg go (.build/bench)

npm run bench -- --scale [options]: what a message costs as Leveret holds more of something
  --dimensions a,b    only these (${DIMENSIONS.map(({ key }) => key).join(", ")})
  --quick             tiny sizes, to see that it works
  --full              the largest sizes as well: half an hour and 30 GB of disk
  --output DIR        where scale.json, scale.md and scale.svg go (.build/bench)
`;

export interface ScaleOptions {
  readonly dimensions: readonly Dimension[];
  readonly effort: Effort;
}

export interface BenchOptions {
  readonly scenarios: readonly Scenario[];
  readonly length: RunLength;
  readonly rounds: number;
  readonly peers: readonly string[];
  readonly withRabbitmq: boolean;
  readonly generatorOnly: boolean;
  /** Present when that is what to measure instead. */
  readonly scale: ScaleOptions | undefined;
  readonly outputDirectory: string;
}

/** @throws an Error that says what is wrong with the command line */
export function parseBenchOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      scenarios: { type: "string", default: SCENARIOS.map(({ key }) => key).join(",") },
      seconds: { type: "string", default: "8" },
      warmup: { type: "string", default: "1" },
      rounds: { type: "string", default: "3" },
      peer: { type: "string", multiple: true, default: [] },
      "no-rabbitmq": { type: "boolean", default: false },
      generator: { type: "boolean", default: false },
      output: { type: "string", default: ".build/bench" },
      scale: { type: "boolean", default: false },
      dimensions: { type: "string", default: DIMENSIONS.map(({ key }) => key).join(",") },
      quick: { type: "boolean", default: false },
      full: { type: "boolean", default: false },
    },
  });
  return {
    scenarios: named(SCENARIOS, values.scenarios),
    length: { seconds: positive(values.seconds, "seconds"), warmupSeconds: notNegative(values.warmup, "warmup") },
    rounds: Math.round(positive(values.rounds, "rounds")),
    peers: values.peer,
    withRabbitmq: !values["no-rabbitmq"],
    generatorOnly: values.generator,
    scale: values.scale ? { dimensions: named(DIMENSIONS, values.dimensions), effort: effortOf(values) } : undefined,
    outputDirectory: values.output,
  };
}

/** Those of `all` whose keys are in a list separated by commas. */
function named<T extends { readonly key: string }>(all: readonly T[], keys: string): T[] {
  return keys.split(",").map((key) => {
    const found = all.find((candidate) => candidate.key === key.trim());
    if (found === undefined) throw new RangeError(`"${key}" is none of ${all.map((each) => each.key).join(", ")}`);
    return found;
  });
}

function effortOf({ quick, full }: { quick: boolean; full: boolean }): Effort {
  if (quick && full) throw new RangeError("--quick and --full exclude each other");
  if (quick) return "quick";
  return full ? "full" : "normal";
}

function positive(text: string, name: string): number {
  const value = Number(text);
  if (!(Number.isFinite(value) && value > 0)) throw new RangeError(`--${name} is ${text}, but must be more than 0`);
  return value;
}

function notNegative(text: string, name: string): number {
  const value = Number(text);
  if (!(Number.isFinite(value) && value >= 0)) throw new RangeError(`--${name} is ${text}, but must be 0 or more`);
  return value;
}
