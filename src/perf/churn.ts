import { setTimeout as sleep } from "node:timers/promises";
import { ChannelClosedError, ConnectionClosedError, ConnectionLostError } from "../client/errors.ts";
import type { Churn, ChurnOptions } from "./churn-options.ts";
import { type ChurnWorker, openChurnWorker } from "./churn-worker.ts";
import { openAll } from "./connecting.ts";
import { LatencyHistogram, type LatencySummary } from "./latency-histogram.ts";
import { monotonicNanoseconds } from "./monotonic-clock.ts";
import { PerfError } from "./perf-error.ts";
import type { RunControl } from "./run-control.ts";
import { RunTimers } from "./run-timers.ts";

/** What happened in some time. An operation makes something and unmakes it. */
export interface ChurnCounts {
  readonly seconds: number;
  readonly operations: number;
  readonly operationRate: number;
}

export interface ChurnResult extends ChurnCounts {
  readonly mode: `${Churn}-churn`;
  /** How long operations took. */
  readonly latency: LatencySummary;
  /** Seconds of processor time that the generator took. */
  readonly generatorCpuSeconds: number;
}

/** Makes and unmakes things as `options` say. Rejects with a PerfError when the broker refuses or hangs up. */
export async function runChurn(options: ChurnOptions, control: RunControl<ChurnCounts>): Promise<ChurnResult> {
  const workers: ChurnWorker[] = [];
  try {
    await openAll(options.workers, async () => {
      workers.push(await openChurnWorker(options));
    });
    return await new ChurnRun(options, control).run(workers);
  } catch (error) {
    throw asPerfError(error);
  } finally {
    // A worker whose connection the broker has closed has nothing left to close.
    await Promise.allSettled(workers.map((worker) => worker.close()));
  }
}

class ChurnRun {
  readonly #options: ChurnOptions;
  readonly #control: RunControl<ChurnCounts>;
  readonly #latency = new LatencyHistogram();
  readonly #timers = new RunTimers();
  readonly #stopped: Promise<void>;
  #stop: () => void = () => {};
  #running = true;
  #operations = 0;
  /** Operations that are still to be begun. */
  #left: number;
  #startedAt = 0;
  #operationsBefore = 0;

  constructor(options: ChurnOptions, control: RunControl<ChurnCounts>) {
    this.#options = options;
    this.#control = control;
    this.#left = options.operations === 0 ? Infinity : options.operations;
    this.#stopped = new Promise((resolve) => {
      this.#stop = resolve;
    });
  }

  async run(workers: readonly ChurnWorker[]): Promise<ChurnResult> {
    const stop = (): void => {
      this.#running = false;
      this.#stop();
    };
    this.#control.signal.addEventListener("abort", stop, { once: true });
    const onMeasure = (): void => this.#measure();
    this.#timers.begin(this.#options, { onMeasure, onTimeUp: stop, onSecond: this.#reporter() });
    try {
      await Promise.all(workers.map((worker) => this.#work(worker)));
    } finally {
      stop();
      this.#timers.clear();
      this.#control.signal.removeEventListener("abort", stop);
    }
    return {
      mode: `${this.#options.churn}-churn`,
      ...countsOf(this.#operations - this.#operationsBefore, this.#startedAt),
      latency: this.#latency.summary(),
      generatorCpuSeconds: this.#timers.cpuSeconds,
    };
  }

  async #work(worker: ChurnWorker): Promise<void> {
    const { rate } = this.#options;
    const beganAt = monotonicNanoseconds();
    for (let begun = 0; this.#goesOn; begun++) {
      if (rate > 0) await this.#until(beganAt + (begun / rate) * 1e9);
      if (!this.#goesOn) return;
      this.#left--;
      const startedAt = monotonicNanoseconds();
      await worker.operate();
      this.#latency.record(monotonicNanoseconds() - startedAt);
      this.#operations++;
    }
  }

  get #goesOn(): boolean {
    return this.#running && !this.#control.signal.aborted && this.#left > 0;
  }

  /** Waits for a time on the monotonic clock, or for the end of the run. */
  async #until(nanoseconds: number): Promise<void> {
    const milliseconds = (nanoseconds - monotonicNanoseconds()) / 1e6;
    if (milliseconds > 0) await Promise.race([sleep(milliseconds, undefined, { ref: false }), this.#stopped]);
  }

  /** Reports what happened since the last time. */
  #reporter(): () => void {
    let [operations, at] = [this.#operations, monotonicNanoseconds()];
    return () => {
      this.#control.onProgress(countsOf(this.#operations - operations, at));
      [operations, at] = [this.#operations, monotonicNanoseconds()];
    };
  }

  #measure(): void {
    this.#startedAt = monotonicNanoseconds();
    this.#operationsBefore = this.#operations;
    this.#latency.reset();
  }
}

function countsOf(operations: number, since: number): ChurnCounts {
  const seconds = (monotonicNanoseconds() - since) / 1e9;
  return { seconds, operations, operationRate: operations / seconds };
}

function asPerfError(error: unknown): unknown {
  const isBrokers =
    error instanceof ConnectionClosedError ||
    error instanceof ChannelClosedError ||
    error instanceof ConnectionLostError;
  if (!isBrokers) return error;
  const reason = error.cause instanceof Error ? `: ${error.cause.message}` : "";
  return new PerfError(`${error.message}${reason}`, { cause: error });
}
