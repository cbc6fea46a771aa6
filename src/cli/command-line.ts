import yargs, { type Argv, type Options } from "yargs";
import { EXIT_CODES } from "../server/exit-codes.ts";
import { VERSION } from "../server/version.ts";
import type { GivenOptions } from "./given-options.ts";
import { UsageError } from "./usage-error.ts";

const HELP_COLUMNS_MAX = 120;

/** The name of the errors with which yargs refuses a command line, as opposed to those of a command. */
const YARGS_ERROR = "YError";

/** What the commands do. */
export interface Commands {
  start(options: GivenOptions): Promise<void>;
  perf(mode: string, options: GivenOptions): Promise<void>;
}

/** Parses `args`, the words after the program's name, and runs the command that they ask for. */
export async function runCommandLine(args: readonly string[], commands: Commands): Promise<void> {
  try {
    await createParser(args.length === 0 ? ["--help"] : args, commands).parseAsync();
  } catch (error) {
    if (!isRefusal(error)) throw error;
    process.stderr.write(`leveret: ${error.message}\nTry "leveret --help".\n`);
    process.exitCode = EXIT_CODES.usage;
  }
}

function isRefusal(error: unknown): error is Error {
  return error instanceof UsageError || (error instanceof Error && error.name === YARGS_ERROR);
}

function createParser(args: readonly string[], commands: Commands) {
  return (
    yargs([...args])
      .scriptName("leveret")
      .usage("$0 <command>\n\nA message broker that RabbitMQ clients connect to unchanged.")
      .command({
        command: "start",
        describe: "Run a broker in the foreground",
        builder: (parser: Argv) => addStartOptions(parser, args),
        handler: ({ _: _words, $0: _name, ...options }) => commands.start(options),
      })
      .command({
        command: "perf [mode]",
        describe: "Put load on a broker and measure it",
        builder: (parser: Argv) => addPerfOptions(parser, args),
        handler: ({ _: _words, $0: _name, mode, ...options }) => commands.perf(mode as string, options),
      })
      .strictCommands()
      .recommendCommands()
      .demandCommand(1, "a command is missing")
      .version(VERSION)
      .help()
      .locale("en")
      .wrap(Math.min(HELP_COLUMNS_MAX, process.stdout.columns ?? HELP_COLUMNS_MAX))
      // Values are converted and checked in one place, whichever way they came (server/config.ts, perf/options.ts).
      .parserConfiguration({
        "camel-case-expansion": false,
        "dot-notation": false,
        "duplicate-arguments-array": false,
        "parse-numbers": false,
        "parse-positional-numbers": false,
        "strip-aliased": true,
      })
      .exitProcess(false)
      .fail((message, error) => {
        throw error ?? new UsageError(message);
      })
  );
}

async function addStartOptions(parser: Argv, args: readonly string[]): Promise<Argv> {
  const { OPTIONS } = await import("../server/options.ts");
  const described = OPTIONS.map(({ commandLineName, kind, meaning, defaultText }): [string, Options] => [
    commandLineName,
    { describe: meaning, defaultDescription: defaultText, ...takesValue(kind === "boolean") },
  ]);
  refuseFlagValues(args, described);
  return parser
    .usage("$0 start [options]\n\nRuns a broker in the foreground until SIGTERM or SIGINT.")
    .option("config", { describe: "YAML or JSON file of options", nargs: 1 })
    .options(Object.fromEntries(described))
    .epilogue(
      "Every option is also an environment variable (--data-dir: LEVERET_DATA_DIR) and a key (dataDir) of the file.",
    );
}

async function addPerfOptions(parser: Argv, args: readonly string[]): Promise<Argv> {
  const { COMMAND_LINE_OPTIONS, MODES } = await import("../perf/command-line.ts");
  const described = Object.entries(COMMAND_LINE_OPTIONS).map(([name, option]): [string, Options] => [
    name,
    {
      describe: option.meaning,
      ...(option.alias === undefined ? {} : { alias: option.alias }),
      ...(option.modes === undefined ? {} : { group: `Only in ${option.modes.join(", ")}:` }),
      ...(option.defaultValue === undefined ? {} : { defaultDescription: JSON.stringify(option.defaultValue) }),
      ...takesValue(typeof option.defaultValue === "boolean"),
    },
  ]);
  refuseFlagValues(args, described);
  return parser
    .usage("$0 perf [mode] [options]\n\nPuts load on any AMQP 0-9-1 broker and measures throughput and latency.")
    .positional("mode", { choices: MODES, default: MODES[0], describe: "What to do" })
    .options(Object.fromEntries(described));
}

function takesValue(isFlag: boolean): Options {
  return isFlag ? { type: "boolean" } : { nargs: 1 };
}

/** yargs takes `--memory=maybe` for `--no-memory`. @throws UsageError */
function refuseFlagValues(args: readonly string[], described: readonly (readonly [name: string, Options])[]): void {
  const flags = new Set(described.filter(([, { type }]) => type === "boolean").map(([name]) => `--${name}`));
  for (const arg of args) {
    const [name = "", ...value] = arg.split("=");
    const text = value.join("=");
    if (!flags.has(name) || value.length === 0 || text === "true" || text === "false") continue;
    throw new UsageError(`${name} is ${JSON.stringify(text)}, but must be true or false`);
  }
}
