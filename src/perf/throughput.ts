import { type ClientContext, type ConsumingClient, deleteQueues, openConsumer, openPublisher } from "./clients.ts";
import { openAll } from "./connecting.ts";
import type { ConnectionOptions } from "./connection.ts";
import { Countdown } from "./countdown.ts";
import { LatencyHistogram } from "./latency-histogram.ts";
import { monotonicNanoseconds } from "./monotonic-clock.ts";
import { PerfError } from "./perf-error.ts";
import type { Publisher } from "./publisher.ts";
import { ReadMemory } from "./read-memory.ts";
import type { RunControl } from "./run-control.ts";
import { type Counts, type Rates, ratesBetween, type ThroughputResult } from "./run-report.ts";
import type { ThroughputOptions } from "./throughput-options.ts";

/** How often publishers with a rate see what is due. */
const RATE_TICK_MILLISECONDS = 1;

const PROGRESS_MILLISECONDS = 1000;

/** Without any message for this long after the last was published, the rest is not going to come. */
const STALLED_SECONDS = 10;

/** Publishes and consumes as `options` say. Rejects with a PerfError when the broker refuses or hangs up. */
export function runThroughput(options: ThroughputOptions, control: RunControl<Rates>): Promise<ThroughputResult> {
  return new ThroughputRun(options, control).run();
}

class ThroughputRun {
  readonly #options: ThroughputOptions;
  readonly #control: RunControl<Rates>;
  readonly #connecting: ConnectionOptions;
  readonly #latency: LatencyHistogram | undefined;
  readonly #confirmLatency: LatencyHistogram | undefined;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #ended: Promise<void>;
  #end: () => void = () => {};
  #fail: (error: PerfError) => void = () => {};
  #publishers: readonly Publisher[] = [];
  #consumers: readonly ConsumingClient[] = [];
  /** Publishers that have not published and confirmed all. */
  #publishing: number;
  #consuming: boolean;
  /** What happened before what is measured, and when that began. */
  #before: Counts = { seconds: 0, published: 0, confirmed: 0, refused: 0, consumed: 0 };
  #cpuBefore: NodeJS.CpuUsage = process.cpuUsage();

  constructor(options: ThroughputOptions, control: RunControl<Rates>) {
    this.#options = options;
    this.#control = control;
    this.#publishing = options.publishers;
    this.#consuming = options.consumers > 0;
    this.#latency = options.latency && options.consumers > 0 ? new LatencyHistogram() : undefined;
    this.#confirmLatency = options.latency && options.confirms > 0 ? new LatencyHistogram() : undefined;
    this.#ended = new Promise((resolve, reject) => {
      this.#end = resolve;
      this.#fail = reject;
    });
    this.#connecting = {
      address: options.address,
      memory: new ReadMemory(),
      connections: new Set(),
      onFailure: (error) => this.#fail(error),
    };
  }

  async run(): Promise<ThroughputResult> {
    const { signal } = this.#control;
    signal.addEventListener("abort", this.#end, { once: true });
    try {
      await Promise.race([this.#connect(), this.#ended]);
      if (!signal.aborted) this.#start();
      await this.#ended;
      return this.#result();
    } finally {
      signal.removeEventListener("abort", this.#end);
      await this.#close();
    }
  }

  async #connect(): Promise<void> {
    const context = this.#context();
    const { consumers, publishers } = this.#options;
    this.#consumers = await openAll(consumers, (index) => openConsumer(context, index));
    this.#publishers = await openAll(publishers, (index) => openPublisher(context, index));
  }

  #context(): ClientContext {
    return {
      options: this.#options,
      connecting: this.#connecting,
      countdown: new Countdown(this.#options.messages === 0 ? Infinity : this.#options.messages, () => {
        this.#consuming = false;
        this.#endWhenDone();
      }),
      latency: this.#latency,
      confirmLatency: this.#confirmLatency,
      onPublisherDone: () => {
        this.#publishing--;
        this.#endWhenDone();
      },
    };
  }

  #start(): void {
    const { duration, warmup, rate } = this.#options;
    this.#beginMeasuring();
    for (const { start } of this.#consumers) start();
    for (const publisher of this.#publishers) publisher.start();
    if (warmup > 0) this.#timers.push(setTimeout(() => this.#beginMeasuring(), warmup * 1000));
    if (duration > 0) this.#timers.push(setTimeout(this.#end, (warmup + duration) * 1000));
    if (rate > 0) this.#timers.push(setInterval(() => this.#pumpAll(), RATE_TICK_MILLISECONDS));
    this.#watch();
  }

  /** Reports once a second, and notices when messages that are waited for do not come. */
  #watch(): void {
    let last = this.#counts();
    let movedAt = last.seconds;
    const look = (): void => {
      const rates = ratesBetween(last, this.#counts());
      last = this.#counts();
      this.#control.onProgress(rates);
      if (rates.consumed > 0 || this.#publishing > 0 || this.#options.messages === 0) movedAt = last.seconds;
      if (last.seconds - movedAt < STALLED_SECONDS) return;
      const missing = this.#options.messages - last.consumed;
      this.#fail(new PerfError(`${missing} of ${this.#options.messages} messages have not come`));
    };
    this.#timers.push(setInterval(look, PROGRESS_MILLISECONDS));
  }

  #beginMeasuring(): void {
    this.#before = this.#counts();
    this.#cpuBefore = process.cpuUsage();
    this.#latency?.reset();
    this.#confirmLatency?.reset();
  }

  #pumpAll(): void {
    for (const publisher of this.#publishers) publisher.pump();
  }

  #endWhenDone(): void {
    if (this.#publishing === 0 && !this.#consuming) this.#end();
  }

  #counts(): Counts {
    let [published, confirmed, refused, consumed] = [0, 0, 0, 0];
    for (const publisher of this.#publishers) {
      published += publisher.published;
      confirmed += publisher.confirmed;
      refused += publisher.refused;
    }
    for (const { consumer } of this.#consumers) consumed += consumer.consumed;
    return { seconds: monotonicNanoseconds() / 1e9, published, confirmed, refused, consumed };
  }

  #result(): ThroughputResult {
    const { user, system } = process.cpuUsage(this.#cpuBefore);
    return {
      mode: "throughput",
      ...ratesBetween(this.#before, this.#counts()),
      ...(this.#latency === undefined ? {} : { latency: this.#latency.summary() }),
      ...(this.#confirmLatency === undefined ? {} : { confirmLatency: this.#confirmLatency.summary() }),
      generatorCpuSeconds: (user + system) / 1e6,
    };
  }

  async #close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const publisher of this.#publishers) publisher.stop();
    for (const { stop } of this.#consumers) stop();
    await Promise.all([...this.#connecting.connections].map((connection) => connection.close()));
    if (this.#options.delete) await deleteQueues(this.#connecting, this.#options);
  }
}
