import { runChurn } from "./churn.ts";
import type { Mode } from "./command-line.ts";
import type { OptionValues } from "./option-values.ts";
import { type PerfOptions, parseOptions } from "./options.ts";
import { churnLine, churnResultLines, ratesLine, rpcLine, rpcResultLines, throughputResultLines } from "./print.ts";
import { runRpc } from "./rpc.ts";
import { runThroughput } from "./throughput.ts";

export { OptionError, PerfError } from "./perf-error.ts";

/** Where a run prints to, and what ends it. */
export interface PerfTerminal {
  /** Ends the run early; its result is printed all the same. */
  readonly signal: AbortSignal;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/**
 * Runs what the command line asks for and prints the result. Rejects with an OptionError for options that are not
 * allowed, and with a PerfError when the broker cannot be reached, refuses or hangs up.
 *
 * @param given options under their command-line names
 */
export async function runPerf(mode: Mode, given: OptionValues, terminal: PerfTerminal): Promise<void> {
  const options = parseOptions(mode, given);
  const progress = options.json ? terminal.stderr : terminal.stdout;
  const print = (line: string): void => {
    if (progress.isTTY && !options.quiet) progress.write(`${line}\n`);
  };
  const { result, lines } = await run(options, terminal.signal, print);
  terminal.stdout.write(`${options.json ? JSON.stringify(result) : lines.join("\n")}\n`);
}

async function run(options: PerfOptions, signal: AbortSignal, print: (line: string) => void) {
  if (options.churn !== undefined) {
    const result = await runChurn(options.churn, { signal, onProgress: (counts) => print(churnLine(counts)) });
    return { result, lines: churnResultLines(result) };
  }
  if (options.rpc !== undefined) {
    const result = await runRpc(options.rpc, { signal, onProgress: (counts) => print(rpcLine(counts)) });
    return { result, lines: rpcResultLines(result) };
  }
  const result = await runThroughput(options.throughput, { signal, onProgress: (rates) => print(ratesLine(rates)) });
  return { result, lines: throughputResultLines(result) };
}
