import type { ThroughputResult } from "../../../src/perf/run-report.ts";
import { type BrokerProgram, type RunningBroker, startProgram } from "../broker-process.ts";
import { leveretProgram } from "../brokers.ts";
import { runPerfProcess } from "../perf-process.ts";
import { anonymousMemoryBytes } from "../process-usage.ts";
import { median } from "../report.ts";
import type { Effort } from "./dimension.ts";

const SAMPLE_MILLISECONDS = 20;

const WARMUP = "--queue warmup --delete --persistent --confirms 100 --ack 10 --messages 200000".split(" ");

const TIMED_RUNS: Readonly<Record<Effort, { runs: number; seconds: number; warmupSeconds: number }>> = {
  quick: { runs: 1, seconds: 0.6, warmupSeconds: 0 },
  normal: { runs: 3, seconds: 1, warmupSeconds: 0.3 },
  full: { runs: 5, seconds: 2, warmupSeconds: 0.5 },
};

/** A Leveret with a new directory, for one measurement. */
export class ScaledBroker {
  readonly #program: BrokerProgram;
  #running: RunningBroker;

  private constructor(program: BrokerProgram, running: RunningBroker) {
    this.#program = program;
    this.#running = running;
  }

  /**
   * Starts one, lets it be used and stops it. It has worked for a moment before, so that the smallest size is not
   * charged for what every broker has to compile first.
   *
   * @param options of `leveret start`
   */
  static async use<T>(
    effort: Effort,
    use: (broker: ScaledBroker) => Promise<T>,
    options: readonly string[] = [],
  ): Promise<T> {
    const program = await leveretProgram(options);
    const broker = new ScaledBroker(program, await startProgram(program));
    try {
      if (effort !== "quick") await broker.perf(...WARMUP);
      return await use(broker);
    } finally {
      await broker.#running.stop();
    }
  }

  get uri(): string {
    return this.#running.uri;
  }

  /** Resident memory, in octets, that is no file's. */
  get anonymousBytes(): number {
    return anonymousMemoryBytes(this.#pid);
  }

  /** Kills it and starts it again; returns the seconds from the start of the process to the first connection it accepts. */
  async restart(): Promise<number> {
    await this.#running.kill();
    this.#running = await startProgram(this.#program);
    return (this.#running.readyMilliseconds as number) / 1000;
  }

  /** Runs `leveret perf` against it. */
  perf<Result>(...options: readonly (string | number)[]): Promise<Result> {
    return runPerfProcess<Result>(["--uri", this.uri, ...options.map(String)]);
  }

  /** Messages per second that a run of some seconds consumes; the median of several runs. */
  async consumeRate(effort: Effort, ...options: readonly (string | number)[]): Promise<number> {
    const { runs, seconds, warmupSeconds } = TIMED_RUNS[effort];
    const rates: number[] = [];
    while (rates.length < runs) {
      const duration = ["--duration", seconds, "--warmup", warmupSeconds];
      rates.push((await this.perf<ThroughputResult>(...duration, ...options)).consumeRate);
    }
    return median(rates);
  }

  /** The most anonymous memory that was resident while `work` was under way, looked at every 20 ms, in octets. */
  async peakDuring<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly peakBytes: number }> {
    let peakBytes = this.anonymousBytes;
    const look = (): void => {
      peakBytes = Math.max(peakBytes, this.anonymousBytes);
    };
    const timer = setInterval(look, SAMPLE_MILLISECONDS);
    try {
      const result = await work();
      return { result, peakBytes };
    } finally {
      clearInterval(timer);
    }
  }

  get #pid(): number {
    const { pid } = this.#running;
    if (pid === undefined) throw new TypeError("a broker that was started here has a process");
    return pid;
  }
}
