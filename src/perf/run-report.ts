import type { LatencySummary } from "./latency-histogram.ts";

/** What was counted so far, or in some time. */
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
  /** Seconds of processor time that the generator took. */
  readonly generatorCpuSeconds: number;
}

/** What happened from one moment to a later one. */
export function ratesBetween(from: Counts, to: Counts): Rates {
  const seconds = to.seconds - from.seconds;
  const published = to.published - from.published;
  const confirmed = to.confirmed - from.confirmed;
  const refused = to.refused - from.refused;
  const consumed = to.consumed - from.consumed;
  const perSecond = (count: number): number => (seconds > 0 ? count / seconds : 0);
  return {
    seconds,
    published,
    confirmed,
    refused,
    consumed,
    publishRate: perSecond(published),
    confirmRate: perSecond(confirmed),
    consumeRate: perSecond(consumed),
  };
}
