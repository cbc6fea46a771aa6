// Runs one program to its end on behalf of an npm script.
import { spawn } from "node:child_process";

/**
 * Runs `command` with inherited output. Resolves with its exit status, 1 when a signal ended it. A signal sent to
 * this process goes to the child, so that neither outlives the other.
 */
export function runProcess(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit"], ...options });
  const forward = (signal) => child.kill(signal);
  process.on("SIGTERM", forward);
  process.on("SIGINT", forward);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (status) => {
      process.off("SIGTERM", forward);
      process.off("SIGINT", forward);
      resolve(status ?? 1);
    });
  });
}

/** As {@link runProcess}, but ends this process when the child fails. */
export async function requireProcess(command, args, options) {
  const status = await runProcess(command, args, options);
  if (status !== 0) process.exit(status);
}
