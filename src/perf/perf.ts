import { parseOptions } from "./options.ts";
import { PerfError } from "./perf-error.ts";
import { countsLine, resultLines } from "./print.ts";
import { runThroughput } from "./throughput.ts";

export { OptionError, PerfError } from "./perf-error.ts";

/** Where a run prints to, and what ends it. */
export interface PerfTerminal {
  readonly signal: AbortSignal;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/**
 * Runs what the command line asks for and prints the result. Rejects with an OptionError for options that are not
 * allowed, and with a {@link PerfError} when the broker cannot be reached, refuses or hangs up.
 *
 * @param parsed options under their command-line names
 */
export async function runPerf(parsed: Readonly<Record<string, unknown>>, terminal: PerfTerminal): Promise<void> {
  const { signal, stdout, stderr } = terminal;
  const options = parseOptions(parsed);
  const progress = options.json ? stderr : stdout;
  const showsProgress = !options.quiet && progress.isTTY;
  const print = (line: string): void => {
    if (showsProgress) progress.write(`${line}\n`);
  };
  const result = await runThroughput(options.throughput, { signal, onProgress: (rates) => print(countsLine(rates)) });
  stdout.write(options.json ? `${JSON.stringify(result)}\n` : `${resultLines(result).join("\n")}\n`);
}
