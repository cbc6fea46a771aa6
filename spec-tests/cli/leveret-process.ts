import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { TestContext } from "node:test";

const LAUNCHER = join(import.meta.dirname, "launcher.js");

/** How a process ended: its exit status, or the signal that killed it. */
export type Ending = number | NodeJS.Signals;

/** A `leveret` command that runs as its own process; killed when the test ends before it. */
export class LeveretProcess {
  /** What it has written so far. */
  stdout = "";
  stderr = "";
  readonly ended: Promise<Ending>;
  private readonly child: ChildProcessByStdio<null, Readable, Readable>;

  /**
   * @param environment its whole environment, but for what Node needs.
   * @param prefix a command, and arguments, that becomes the command it is given as further arguments.
   */
  constructor(
    context: TestContext,
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
    prefix: readonly string[] = [],
  ) {
    const env = { PATH: process.env["PATH"], ...environment };
    const [command, ...commandArgs] = [...prefix, process.execPath, LAUNCHER, ...args] as [string, ...string[]];
    this.child = spawn(command, commandArgs, { stdio: ["ignore", "pipe", "pipe"], env });
    this.child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
    });
    this.child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
    this.ended = once(this.child, "close").then(([status, signal]) => status ?? signal);
    context.after(async () => {
      this.child.kill("SIGKILL");
      await this.ended;
    });
  }

  get pid(): number {
    return this.child.pid as number;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** The log line with this message, once it has been written as JSON. Rejects when the process ends without it. */
  async logLine(message: string): Promise<Readonly<Record<string, unknown>>> {
    let ending: Ending | undefined;
    void this.ended.then((how) => {
      ending = how;
    });
    for (;;) {
      const line = this.stdout.split("\n").find((text) => text.includes(`"message":"${message}"`));
      if (line !== undefined) return JSON.parse(line);
      if (ending !== undefined) throw new Error(`ended with ${ending} before it said "${message}":\n${this.stderr}`);
      await Promise.race([once(this.child.stdout, "data"), this.ended]);
    }
  }
}

/** Runs `leveret start` on a free port until it listens; the URL is where. */
export async function startLeveret(
  context: TestContext,
  args: readonly string[],
  prefix: readonly string[] = [],
): Promise<{ leveret: LeveretProcess; url: string; port: number }> {
  const leveret = new LeveretProcess(context, ["start", "--port", "0", ...args], {}, prefix);
  const { url, port } = await leveret.logLine("listening");
  return { leveret, url: url as string, port: port as number };
}
