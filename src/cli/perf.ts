import { COMMAND_LINE_OPTIONS, type Mode } from "../perf/command-line.ts";
import { OptionError, PerfError, runPerf } from "../perf/perf.ts";
import { EXIT_CODES } from "../server/exit-codes.ts";
import { closestName } from "../server/suggest.ts";
import type { GivenOptions } from "./given-options.ts";
import { UsageError } from "./usage-error.ts";

/**
 * `leveret perf`: puts load on any AMQP 0-9-1 broker and measures what it does. Rejects with a UsageError for options
 * that are not allowed.
 */
export async function perf(mode: string, options: GivenOptions): Promise<void> {
  refuseUnknown(options);
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  process.once("SIGTERM", () => stop.abort());
  try {
    await runPerf(mode as Mode, options, { signal: stop.signal, stdout: process.stdout, stderr: process.stderr });
  } catch (error) {
    if (error instanceof OptionError) throw new UsageError(error.message, { cause: error });
    if (!(error instanceof PerfError)) throw error;
    process.stderr.write(`leveret: ${error.message}\n`);
    process.exitCode = EXIT_CODES.unavailable;
  }
}

function refuseUnknown(options: GivenOptions): void {
  for (const name of Object.keys(options)) {
    if (name in COMMAND_LINE_OPTIONS) continue;
    const closest = closestName(name, Object.keys(COMMAND_LINE_OPTIONS));
    const hint = closest === undefined ? "" : `; did you mean --${closest}?`;
    throw new UsageError(`${name.length === 1 ? "-" : "--"}${name} is not an option${hint}`);
  }
}
