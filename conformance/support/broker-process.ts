import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

type Child = ChildProcessByStdio<null, Readable, Readable>;

const STARTUP_TIMEOUT_MILLISECONDS = 30_000;
const URL_PATTERN = /amqp:\/\/[\w.:@]+/;

/** A broker in a process of its own, started the way a user starts it. */
export class BrokerProcess {
  /** Where clients connect, e.g. `amqp://guest:guest@127.0.0.1:40123`. */
  readonly url: string;
  readonly #child: Child;
  readonly #exited: Promise<unknown>;

  private constructor(child: Child, exited: Promise<unknown>, url: string) {
    this.#child = child;
    this.#exited = exited;
    this.url = url;
  }

  /**
   * Starts `leveret start` on a free port of the loopback and waits until it says where it listens.
   *
   * @param args further arguments, e.g. `--memory` or `--data-dir`. The program is this package's own
   *   unless LEVERET_CONFORMANCE_PROGRAM names another one, such as an installed `leveret`.
   * @throws when the broker exits before it listens; the error carries what it wrote to standard error.
   */
  static async start(...args: string[]): Promise<BrokerProcess> {
    const installed = process.env["LEVERET_CONFORMANCE_PROGRAM"];
    const command = installed !== undefined ? [installed] : [process.execPath, ownLauncher()];
    const child = spawn(command[0] as string, [...command.slice(1), "start", "--port", "0", ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      // None of the tests' own LEVERET_ variables, which the broker would take for options.
      env: { PATH: process.env["PATH"] },
    });
    const exited = once(child, "exit");
    const killOnExit = (): void => void child.kill("SIGKILL");
    process.once("exit", killOnExit);
    child.once("exit", () => process.removeListener("exit", killOnExit));

    let errors = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      errors = (errors + text).slice(-4096);
    });
    const watchdog = setTimeout(() => child.kill("SIGKILL"), STARTUP_TIMEOUT_MILLISECONDS);
    for await (const line of createInterface({ input: child.stdout })) {
      const url = URL_PATTERN.exec(line)?.[0];
      if (url === undefined) continue;
      clearTimeout(watchdog);
      child.stdout.resume();
      return new BrokerProcess(child, exited, url);
    }
    clearTimeout(watchdog);
    throw new Error(`${command.join(" ")} did not come up: ${errors}`);
  }

  /** Ends it the way a crash does (SIGKILL); nothing gets a chance to be written. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
  }

  /** Ends it the way a user does, and checks that it leaves with exit code 0. */
  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#exited;
    assert.equal(this.#child.exitCode, 0, "the broker's exit code after SIGTERM");
  }
}

/** This package's `bin/leveret.js`, wherever the tests were compiled to. */
function ownLauncher(): string {
  return join(dirname(createRequire(import.meta.url).resolve("leveret/package.json")), "bin", "leveret.js");
}
