// Hot file: runs for every request that is sent at a rate.

import { LatencyHistogram } from "./latency-histogram.ts";
import { monotonicNanoseconds } from "./monotonic-clock.ts";
import type { Requester } from "./requester.ts";

/**
 * When clients with a rate ask: one after the other at even distances, so that they do not all ask at once. What is due
 * is sent whether or not earlier requests have been answered: a broker that is slow for a while is asked as often.
 */
export class RequestSchedule {
  /** How long after it was due each request was sent. */
  readonly lateness = new LatencyHistogram();
  readonly #requesters: readonly Requester[];
  readonly #ask: (requester: Requester) => void;
  /** Nanoseconds from one request to the next. */
  readonly #interval: number;
  #dueAt = 0;
  #turn = 0;

  /** @param rate requests per second of each requester */
  constructor(requesters: readonly Requester[], rate: number, ask: (requester: Requester) => void) {
    this.#requesters = requesters;
    this.#ask = ask;
    this.#interval = 1e9 / (rate * requesters.length);
  }

  start(): void {
    this.#dueAt = monotonicNanoseconds();
  }

  /** Sends what is due; to be called every millisecond or so. */
  run(): void {
    for (let now = monotonicNanoseconds(); this.#dueAt <= now; this.#dueAt += this.#interval) {
      this.lateness.record(now - this.#dueAt);
      this.#ask(this.#requesters[this.#turn] as Requester);
      this.#turn = (this.#turn + 1) % this.#requesters.length;
    }
  }
}
