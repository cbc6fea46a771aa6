import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { LAUNCHER } from "./brokers.ts";

/** A run of `leveret perf` in a process of its own. */
export interface PerfProcess<Result> {
  /** Rejects when it fails. */
  readonly result: Promise<Result>;
  /** Ends the run early; it has a result all the same. */
  interrupt(): void;
}

export function startPerfProcess<Result>(options: readonly string[]): PerfProcess<Result> {
  const child = spawn(process.execPath, [LAUNCHER, "perf", "--json", ...options], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const abandon = (): void => {
    child.kill("SIGKILL");
  };
  process.once("exit", abandon);
  const result = async (): Promise<Result> => {
    const [output, [status]] = await Promise.all([text(child.stdout), once(child, "exit")]);
    process.off("exit", abandon);
    if (status !== 0) throw new Error(`leveret perf ${options.join(" ")} ended with ${status}`);
    return JSON.parse(output) as Result;
  };
  return { result: result(), interrupt: () => child.kill("SIGINT") };
}

export function runPerfProcess<Result>(options: readonly string[]): Promise<Result> {
  return startPerfProcess<Result>(options).result;
}
