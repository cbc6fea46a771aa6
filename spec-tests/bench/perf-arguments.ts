import { COMMAND_LINE_OPTIONS } from "../../src/perf/command-line.ts";

/** Options of `leveret perf` under their command-line names: its defaults, but for `given`. */
export function perfArguments(given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const defaults = Object.entries(COMMAND_LINE_OPTIONS).map(([name, { defaultValue }]) => [name, defaultValue]);
  return { mode: "throughput", ...Object.fromEntries(defaults), ...given };
}
