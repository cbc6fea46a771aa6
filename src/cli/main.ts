import yargs from "yargs";
import { EXIT_CODES } from "../server/exit-codes.ts";
import { VERSION } from "../server/version.ts";
import { perfCommand } from "./perf.ts";
import { startCommand } from "./start.ts";

const HELP_COLUMNS_MAX = 120;

/** The name of the errors with which yargs refuses a command line, as opposed to those of a command. */
const YARGS_ERROR = "YError";

class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Runs the `leveret` command with `args`, the words after its name. */
export async function main(args: readonly string[]): Promise<void> {
  const parser = createParser(args.length === 0 ? ["--help"] : args);
  try {
    await parser.parseAsync();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`leveret: ${error.message}\nTry "leveret --help".\n`);
    process.exitCode = EXIT_CODES.usage;
  }
}

function createParser(args: readonly string[]) {
  return (
    yargs([...args])
      .scriptName("leveret")
      .usage("$0 <command>\n\nA message broker that RabbitMQ clients connect to unchanged.")
      .command(startCommand)
      .command(perfCommand)
      .strictCommands()
      .recommendCommands()
      .demandCommand(1, "a command is missing")
      .version(VERSION)
      .help()
      .locale("en")
      .wrap(Math.min(HELP_COLUMNS_MAX, process.stdout.columns ?? HELP_COLUMNS_MAX))
      // Values are converted and checked in one place, whichever way they came (server/config.ts).
      .parserConfiguration({
        "camel-case-expansion": false,
        "dot-notation": false,
        "duplicate-arguments-array": false,
        "parse-numbers": false,
        "parse-positional-numbers": false,
      })
      .exitProcess(false)
      .fail((message, error) => {
        throw error === undefined || error.name === YARGS_ERROR ? new UsageError(message) : error;
      })
  );
}
