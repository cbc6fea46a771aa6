import { parseArgs } from "node:util";
import type { RunLength } from "./run-scenario.ts";
import { SCENARIOS, type Scenario } from "./scenarios.ts";

export const USAGE = `npm run bench -- [options]
  --scenarios A,C,D   only these (${SCENARIOS.map(({ key }) => key).join(", ")})
  --seconds N         length of a run (8); also scales the backlog that J drains
  --warmup N          seconds before a run that are not measured (1)
  --rounds N          runs of every scenario against every broker (3)
  --peer name=url     another running broker; may be repeated
  --no-rabbitmq       leave out RabbitMQ even where Debian's package is installed
  --generator         measure only what the load generator can do, against a sink
  --output DIR        where report.json and report.md go (.build/bench)
`;

export interface BenchOptions {
  readonly scenarios: readonly Scenario[];
  readonly length: RunLength;
  readonly rounds: number;
  readonly peers: readonly string[];
  readonly withRabbitmq: boolean;
  readonly generatorOnly: boolean;
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
    },
  });
  return {
    scenarios: values.scenarios.split(",").map(scenarioNamed),
    length: { seconds: positive(values.seconds, "seconds"), warmupSeconds: notNegative(values.warmup, "warmup") },
    rounds: Math.round(positive(values.rounds, "rounds")),
    peers: values.peer,
    withRabbitmq: !values["no-rabbitmq"],
    generatorOnly: values.generator,
    outputDirectory: values.output,
  };
}

function scenarioNamed(key: string): Scenario {
  const scenario = SCENARIOS.find((candidate) => candidate.key === key.trim());
  if (scenario === undefined) throw new RangeError(`there is no scenario "${key}"`);
  return scenario;
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
