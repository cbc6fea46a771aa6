import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export type DelaysRequest =
  /** How it is once all is written. */
  | { readonly kind: "state" }
  /** The same, without what is garbage. */
  | { readonly kind: "collect" }
  /** The same, after its clock has been moved. */
  | { readonly kind: "advance"; readonly milliseconds: number }
  | { readonly kind: "stop" };

/** What the process of a broker has used, and how many messages it holds. */
export interface BrokerState {
  /** Of all its threads, since it was started. */
  readonly cpuMicroseconds: number;
  /** Objects and buffers that are in use. */
  readonly heapBytes: number;
  /** Resident memory that is no file's. */
  readonly anonymousBytes: number;
  /** Milliseconds since the Unix epoch, by its clock. */
  readonly now: number;
  /** In all queues. */
  readonly ready: number;
  /** In all queues and exchanges. */
  readonly delayed: number;
}

/** A broker in a process of its own, with a clock that stands still until it is moved. */
export class DelaysBrokerProcess {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** @param nodeArguments further ones for Node.js, such as --cpu-prof */
  static async start(
    directory: string,
    startAt: number,
    nodeArguments: readonly string[],
  ): Promise<DelaysBrokerProcess> {
    const child = fork(fileURLToPath(new URL("delays-broker.js", import.meta.url)), [directory, String(startAt)], {
      execArgv: ["--expose-gc", ...nodeArguments],
    });
    const [{ port }] = (await once(child, "message")) as [{ port: number }];
    return new DelaysBrokerProcess(child, port);
  }

  async ask(request: DelaysRequest): Promise<BrokerState> {
    const answered = once(this.#child, "message");
    this.#child.send(request);
    const [state] = (await answered) as [BrokerState];
    return state;
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, "exit");
    this.#child.send({ kind: "stop" } satisfies DelaysRequest);
    await exited;
  }

  /** Ends it at once. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }
}
