import { deleteQueues } from "./clients.ts";
import type { ConnectionOptions } from "./connection.ts";
import type { PerfError } from "./perf-error.ts";
import { ReadMemory } from "./read-memory.ts";
import type { MessageOptions } from "./run-options.ts";
import { RunTimers } from "./run-timers.ts";

/** What a kind of run does between the beginning and the end that all have in common. */
export interface RunSteps<Result> {
  /** Opens the connections and declares the queues. */
  connect(): Promise<void>;
  /** Begins to load the broker. */
  start(): void;
  /** What was measured until now. */
  result(): Result;
  /** Loads the broker no more; acknowledges what was taken. Connections are closed afterwards. */
  stop(): void;
}

/** A run in which messages pass through queues: its connections, its timers, and what ends it. */
export class MessageRun {
  readonly timers: RunTimers = new RunTimers();
  readonly connecting: ConnectionOptions;
  readonly #options: MessageOptions;
  readonly #ended: Promise<void>;
  #end: () => void = () => {};
  #fail: (error: PerfError) => void = () => {};

  constructor(options: MessageOptions) {
    this.#options = options;
    this.#ended = new Promise((resolve, reject) => {
      this.#end = resolve;
      this.#fail = reject;
    });
    this.connecting = {
      address: options.address,
      memory: new ReadMemory(),
      connections: new Set(),
      onFailure: (error) => this.fail(error),
    };
  }

  /** The run is over, and has a result. */
  readonly end = (): void => this.#end();

  /** The run is over because of `error`. */
  fail(error: PerfError): void {
    this.#fail(error);
  }

  /** Goes through all steps; resolves with the result when the run has ended, by `signal` or by itself. */
  async perform<Result>(signal: AbortSignal, steps: RunSteps<Result>): Promise<Result> {
    signal.addEventListener("abort", this.end, { once: true });
    try {
      await Promise.race([steps.connect(), this.#ended]);
      if (!signal.aborted) steps.start();
      await this.#ended;
      return steps.result();
    } finally {
      signal.removeEventListener("abort", this.end);
      this.timers.clear();
      steps.stop();
      await Promise.all([...this.connecting.connections].map((connection) => connection.close()));
      if (this.#options.delete) await deleteQueues(this.connecting, this.#options);
    }
  }
}
