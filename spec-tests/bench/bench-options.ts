import { parseArgs } from "node:util";
import { parseBrokerUri } from "../../src/perf/broker-uri.ts";
import type { Peer } from "./brokers.ts";
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
  readonly peers: readonly Peer[];
  readonly withRabbitmq: boolean;
  readonly generatorOnly: boolean;
  /** Present when that is what to measure instead. */
  readonly scale: ScaleOptions | undefined;
  readonly outputDirectory: string;
}

/** Options that mean something with --scale only, and those that do not with it. */
const SCALE_ONLY = ["dimensions", "quick", "full"] as const;
const NOT_SCALE = ["scenarios", "seconds", "warmup", "rounds", "peer", "no-rabbitmq", "generator"] as const;

/** @throws an Error that says what is wrong with the command line */
export function parseBenchOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      scenarios: { type: "string" },
      seconds: { type: "string" },
      warmup: { type: "string" },
      rounds: { type: "string" },
      peer: { type: "string", multiple: true },
      "no-rabbitmq": { type: "boolean" },
      generator: { type: "boolean" },
      output: { type: "string" },
      scale: { type: "boolean" },
      dimensions: { type: "string" },
      quick: { type: "boolean" },
      full: { type: "boolean" },
    },
  });
  for (const name of values.scale === true ? NOT_SCALE : SCALE_ONLY) {
    if (values[name] === undefined) continue;
    throw new RangeError(`--${name} means nothing ${values.scale === true ? "with" : "without"} --scale`);
  }
  const { seconds = "8", warmup = "1", rounds = "3", peer = [], output = ".build/bench" } = values;
  return {
    scenarios: named(SCENARIOS, values.scenarios),
    length: { seconds: positive(seconds, "seconds"), warmupSeconds: notNegative(warmup, "warmup") },
    rounds: Math.ceil(positive(rounds, "rounds")),
    peers: peer.map(peerOf),
    withRabbitmq: values["no-rabbitmq"] !== true,
    generatorOnly: values.generator === true,
    scale:
      values.scale === true
        ? { dimensions: named(DIMENSIONS, values.dimensions), effort: effortOf(values) }
        : undefined,
    outputDirectory: output,
  };
}

function peerOf(text: string): Peer {
  const separator = text.indexOf("=");
  if (separator < 1) throw new RangeError(`--peer is "${text}", but must be name=url`);
  const url = text.slice(separator + 1);
  parseBrokerUri(url);
  return { name: text.slice(0, separator), url };
}

/** Those of `all` whose keys are in a list separated by commas; without one, all. */
function named<T extends { readonly key: string }>(all: readonly T[], keys: string | undefined): readonly T[] {
  if (keys === undefined) return all;
  return keys.split(",").map((key) => {
    const found = all.find((candidate) => candidate.key === key.trim());
    if (found === undefined) throw new RangeError(`"${key}" is none of ${all.map((each) => each.key).join(", ")}`);
    return found;
  });
}

function effortOf({ quick = false, full = false }: { quick?: boolean; full?: boolean }): Effort {
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
