import { type ClientContext, type ConsumingClient, deleteQueues, openConsumer, openPublisher, type PublishingClient } from "./clients.ts";
import type { ConnectionOptions } from "./connection.ts";
import { Countdown } from "./countdown.ts";
import { LatencyHistogram, type LatencySummary } from "./latency-histogram.ts";
import { PerfError } from "./perf-error.ts";
import { ReadMemory } from "./read-memory.ts";
import type { ThroughputOptions } from "./throughput-options.ts";

/** Connections that are opened at one time. */
const OPENING_MAX = 50;

/** How often publishers with a rate see what is due. */
const RATE_TICK_MILLISECONDS = 1;

/** Without any message for this long after the last was published, the rest is not going to come. */
const STALLED_SECONDS = 10;

/** What was counted so far, or since some time. */
export interface Counts {
  readonly seconds: number;
  readonly published: number;
  readonly confirmed: number;
  /** basic.nack from the broker. */
  readonly refused: number;
  readonly consumed: number;
}

/** Counts, and messages per second. */
export interface Rates extends Counts {
  readonly publishRate: number;
  readonly confirmRate: number;
  readonly consumeRate: number;
}

export interface ThroughputResult extends Rates {
  readonly mode: "throughput";
  /** From publish to delivery; present when it was measured. */
  readonly latency?: LatencySummary;
  /** From publish to confirm; present when it was measured. */
  readonly confirmLatency?: LatencySummary;
  /** Seconds of processor time that this generator took. */
  readonly generatorCpuSeconds: number;
}

/** How a run is watched and ended. */
export interface RunControl {
  /** Ends the run; what was measured until then is the result. */
  readonly signal: AbortSignal;
  /** Called once a second with what was counted in it. */
  readonly onProgress: (rates: Rates) => void;
}

/** Publishes and consumes as `options` say. Rejects with a {@link PerfError} when the broker refuses or hangs up. */
export async function runThroughput(options: ThroughputOptions, control: RunControl): Promise<ThroughputResult> {
  return new ThroughputRun(options, control).run();
}

class ThroughputRun {
  readonly #options: ThroughputOptions;
  readonly #control: RunControl;
  readonly #connecting: ConnectionOptions;
  readonly #latency: LatencyHistogram | undefined;
  readonly #confirmLatency: LatencyHistogram | undefined;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #ended = Promise.withResolvers<void>();
  #publishers: PublishingClient[] = [];
  #consumers: ConsumingClient[] = [];
  #publishing = 0;
  #consuming = false;
}
