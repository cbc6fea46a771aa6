import type { GivenOptions } from "./given-options.ts";

/** Runs the `leveret` command with `args`, the words after its name. */
export async function main(args: readonly string[]): Promise<void> {
  const [command, ...words] = args;
  if (command === "start") {
    const { plainOptions } = await import("./plain-options.ts");
    const options = plainOptions(words);
    if (options !== undefined) return start(options);
  }
  const { runCommandLine } = await import("./command-line.ts");
  await runCommandLine(args, { start, perf });
}

// Each command is loaded only when it is asked for, so that a broker starts without the load generator.

async function start(options: GivenOptions): Promise<void> {
  const command = await import("./start.ts");
  await command.start(options);
}

async function perf(mode: string, options: GivenOptions): Promise<void> {
  const command = await import("./perf.ts");
  await command.perf(mode, options);
}
