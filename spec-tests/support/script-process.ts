import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import type { TestContext } from "node:test";

/** The longest that a script runs. */
export const SCRIPT_MILLISECONDS_MAX = 20_000;

/** A test's own program that runs as a process; what it prints is for the test, what goes wrong is shown. */
export type ScriptProcess = ChildProcessByStdio<null, Readable, null>;

/** Runs a compiled script, no longer than the test lasts. */
export function startScript(context: TestContext, path: string, args: readonly string[]): ScriptProcess {
  const child = spawn(process.execPath, [path, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
    timeout: SCRIPT_MILLISECONDS_MAX,
  });
  context.after(() => child.kill("SIGKILL"));
  return child;
}

/** Ends it at once, whatever it is doing. */
export async function killScript(child: ScriptProcess): Promise<void> {
  const closed = once(child, "close");
  child.kill("SIGKILL");
  await closed;
}
