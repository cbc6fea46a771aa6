import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EXIT_CODES } from "../../src/server/exit-codes.ts";
import { type BenchOptions, parseBenchOptions, USAGE } from "./bench-options.ts";
import type { RunningBroker } from "./broker-process.ts";
import { type Contender, contenders } from "./brokers.ts";
import { measureGenerator } from "./generator.ts";
import { residentMemoryBytes } from "./process-usage.ts";
import { ratioPlot } from "./ratio-plot.ts";
import { type BenchReport, type BrokerFacts, machineDescription, markdownOf, type ScenarioFigures } from "./report.ts";
import { type RunFigures, runScenario } from "./run-scenario.ts";
import { measureScale } from "./scale/measure-scale.ts";
import type { Scenario } from "./scenarios.ts";

// The brokers are stopped on exit.
process.once("SIGINT", () => process.exit(130));
process.once("SIGTERM", () => process.exit(143));

// Compares Leveret with its peers: every scenario in turn, and within a scenario the brokers in turn (A B A B).
if (process.argv.includes("--help")) {
  process.stdout.write(USAGE);
} else {
  const options = optionsOrExit();
  if (options.generatorOnly) await printGenerator(options);
  else if (options.scale !== undefined) await measureScale(options.scale, options.outputDirectory);
  else await bench(options);
}

function optionsOrExit(): BenchOptions {
  try {
    return parseBenchOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`bench: ${(error as Error).message}\nTry --help.\n`);
    process.exit(EXIT_CODES.usage);
  }
}

async function bench(options: BenchOptions): Promise<void> {
  const all = contenders(options.peers, options.withRabbitmq);
  const brokers = new Map<string, BrokerFacts>();
  const figures: ScenarioFigures[] = [];
  for (const scenario of options.scenarios) figures.push(...(await compare(scenario, all, options, brokers)));
  const { length, rounds } = options;
  const report: BenchReport = {
    machine: machineDescription(),
    node: process.versions.node,
    length,
    rounds,
    brokers: [...brokers.values()],
    figures,
  };
  const markdown = markdownOf(report);
  mkdirSync(options.outputDirectory, { recursive: true });
  writeFileSync(join(options.outputDirectory, "report.json"), `${JSON.stringify(report, undefined, 2)}\n`);
  writeFileSync(join(options.outputDirectory, "report.md"), markdown);
  if (brokers.size > 1) writeFileSync(join(options.outputDirectory, "report.svg"), ratioPlot(report));
  process.stdout.write(`\n${markdown}`);
}

/** Runs one scenario. Brokers that are started for it are new, and gone afterwards. */
async function compare(
  scenario: Scenario,
  all: readonly Contender[],
  { length, rounds }: BenchOptions,
  facts: Map<string, BrokerFacts>,
): Promise<ScenarioFigures[]> {
  const running: RunningBroker[] = [];
  try {
    for (const contender of all) {
      const broker = await contender.start();
      running.push(broker);
      if (!facts.has(broker.name)) facts.set(broker.name, factsOf(broker));
    }
    const runs = running.map((): RunFigures[] => []);
    for (let round = 1; round <= rounds; round++) {
      for (const [index, broker] of running.entries()) {
        const figures = await runScenario(scenario, broker, length);
        runs[index]?.push(figures);
        process.stderr.write(`${scenario.key} ${broker.name}, round ${round}: ${figures.value.toPrecision(4)}\n`);
      }
    }
    return running.map(({ name }, index) => ({ scenario, broker: name, runs: runs[index] as RunFigures[] }));
  } finally {
    for (const broker of running) await broker.stop();
  }
}

function factsOf({ name, version, readyMilliseconds, pid }: RunningBroker): BrokerFacts {
  return { name, version, readyMilliseconds, idleBytes: pid === undefined ? undefined : residentMemoryBytes(pid) };
}

async function printGenerator({ length }: BenchOptions): Promise<void> {
  process.stdout.write("| generator against a sink | messages/s | CPU ns per message |\n|---|---|---|\n");
  for (const { name, messagesPerSecond, nanosecondsPerMessage } of await measureGenerator(length.seconds)) {
    const rate = Math.round(messagesPerSecond).toLocaleString("en");
    process.stdout.write(`| ${name} | ${rate} | ${Math.round(nanosecondsPerMessage)} |\n`);
  }
}
