import type { Argv, CommandModule, Options } from "yargs";
import { COMMAND_LINE_OPTIONS, type CommandLineOption, MODES } from "../perf/command-line.ts";
import { EXIT_CODES } from "../server/exit-codes.ts";

type ParsedArguments = Readonly<Record<string, unknown>>;

/** `leveret perf`: puts load on any AMQP 0-9-1 broker and measures what it does. */
export const perfCommand: CommandModule<object, ParsedArguments> = {
  command: "perf [mode]",
  describe: "Put load on a broker and measure it",
  builder: (parser) => addOptions(parser),
  handler: (parsed) => perf(parsed),
};

function addOptions(parser: Argv<object>): Argv<ParsedArguments> {
  const options = Object.entries(COMMAND_LINE_OPTIONS).map(([name, option]) => [name, yargsOption(option)] as const);
  return parser
    .usage("$0 perf [mode] [options]\n\nPuts load on any AMQP 0-9-1 broker and measures throughput and latency.")
    .positional("mode", { choices: MODES, default: MODES[0], describe: "What to do" })
    .options(Object.fromEntries(options))
    .strictOptions();
}

function yargsOption({ defaultValue, meaning, alias }: CommandLineOption): Options {
  return {
    describe: meaning,
    ...(alias === undefined ? {} : { alias }),
    ...(defaultValue === undefined ? {} : { default: defaultValue }),
    ...yargsType(defaultValue),
  };
}

function yargsType(defaultValue: CommandLineOption["defaultValue"]): Options {
  if (typeof defaultValue === "boolean") return { type: "boolean" };
  return { type: typeof defaultValue === "number" ? "number" : "string", requiresArg: true };
}

async function perf(parsed: ParsedArguments): Promise<void> {
  const { runPerf, OptionError, PerfError } = await import("../perf/perf.ts");
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  process.once("SIGTERM", () => stop.abort());
  try {
    await runPerf(parsed, { signal: stop.signal, stdout: process.stdout, stderr: process.stderr });
  } catch (error) {
    if (!(error instanceof PerfError)) throw error;
    process.stderr.write(`leveret: ${error.message}\n`);
    process.exitCode = error instanceof OptionError ? EXIT_CODES.usage : EXIT_CODES.unavailable;
  }
}
