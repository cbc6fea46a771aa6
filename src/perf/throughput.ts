import { type ClientContext, type ConsumingClient, openConsumer, openPublisher } from "./clients.ts";
import { openAll } from "./connecting.ts";
import { Countdown } from "./countdown.ts";
import { LatencyHistogram } from "./latency-histogram.ts";
import { MessageRun, type RunSteps } from "./message-run.ts";
import { monotonicNanoseconds } from "./monotonic-clock.ts";
import { PerfError } from "./perf-error.ts";
import type { Publisher } from "./publisher.ts";
import type { RunControl } from "./run-control.ts";
import { type Counts, type Rates, ratesBetween, type ThroughputResult } from "./run-report.ts";
import type { ThroughputOptions } from "./throughput-options.ts";

/** How often publishers with a rate see what is due. */
const RATE_TICK_MILLISECONDS = 1;

/** Without any message for this long after the last was published, the rest is not going to come. */
const STALLED_SECONDS = 10;

/** Publishes and consumes as `options` say. Rejects with a PerfError when the broker refuses or hangs up. */
export function runThroughput(options: ThroughputOptions, control: RunControl<Rates>): Promise<ThroughputResult> {
  const run = new MessageRun(options);
  return run.perform(control.signal, new ThroughputSteps(run, options, control.onProgress));
}

class ThroughputSteps implements RunSteps<ThroughputResult> {
  readonly #run: MessageRun;
  readonly #options: ThroughputOptions;
  readonly #onProgress: (rates: Rates) => void;
  readonly #latency: LatencyHistogram | undefined;
  readonly #confirmLatency: LatencyHistogram | undefined;
  #publishers: readonly Publisher[] = [];
  #consumers: readonly ConsumingClient[] = [];
  /** Publishers that have not published and confirmed all. */
  #publishing: number;
  #consuming: boolean;
  /** What happened before what is measured, and when that began. */
  #before: Counts = { seconds: 0, published: 0, confirmed: 0, refused: 0, consumed: 0 };

  constructor(run: MessageRun, options: ThroughputOptions, onProgress: (rates: Rates) => void) {
    this.#run = run;
    this.#options = options;
    this.#onProgress = onProgress;
    this.#publishing = options.publishers;
    this.#consuming = options.consumers > 0;
    this.#latency = options.latency && options.consumers > 0 ? new LatencyHistogram() : undefined;
    this.#confirmLatency = options.latency && options.confirms > 0 ? new LatencyHistogram() : undefined;
  }

  async connect(): Promise<void> {
    const context = this.#context();
    const { consumers, publishers } = this.#options;
    this.#consumers = await openAll(consumers, (index) => openConsumer(context, index));
    this.#publishers = await openAll(publishers, (index) => openPublisher(context, index));
  }

  #context(): ClientContext {
    return {
      options: this.#options,
      connecting: this.#run.connecting,
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

  start(): void {
    const { timers, end } = this.#run;
    timers.begin(this.#options, { onMeasure: () => this.#measure(), onTimeUp: end, onSecond: this.#watcher() });
    for (const { start } of this.#consumers) start();
    for (const publisher of this.#publishers) publisher.start();
    if (this.#options.rate > 0) timers.every(RATE_TICK_MILLISECONDS, () => this.#pumpAll());
  }

  /** Reports what happened since the last time, and notices when messages that are waited for do not come. */
  #watcher(): () => void {
    let last = this.#counts();
    let movedAt = last.seconds;
    return () => {
      const rates = ratesBetween(last, this.#counts());
      last = this.#counts();
      this.#onProgress(rates);
      if (rates.consumed > 0 || this.#publishing > 0 || this.#options.messages === 0) movedAt = last.seconds;
      if (last.seconds - movedAt < STALLED_SECONDS) return;
      const missing = this.#options.messages - last.consumed;
      this.#run.fail(new PerfError(`${missing} of ${this.#options.messages} messages have not come`));
    };
  }

  #measure(): void {
    this.#before = this.#counts();
    this.#latency?.reset();
    this.#confirmLatency?.reset();
  }

  #pumpAll(): void {
    for (const publisher of this.#publishers) publisher.pump();
  }

  #endWhenDone(): void {
    if (this.#publishing === 0 && !this.#consuming) this.#run.end();
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

  result(): ThroughputResult {
    return {
      mode: "throughput",
      ...ratesBetween(this.#before, this.#counts()),
      ...(this.#latency === undefined ? {} : { latency: this.#latency.summary() }),
      ...(this.#confirmLatency === undefined ? {} : { confirmLatency: this.#confirmLatency.summary() }),
      generatorCpuSeconds: this.#run.timers.cpuSeconds,
    };
  }

  stop(): void {
    for (const publisher of this.#publishers) publisher.stop();
    for (const { stop } of this.#consumers) stop();
  }
}
