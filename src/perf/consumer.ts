// Hot file: runs for every message.

import { AckWriter } from "./ack-writer.ts";
import type { PerfConnection } from "./connection.ts";
import type { Countdown } from "./countdown.ts";
import type { Traffic } from "./frame-scanner.ts";
import type { LatencyHistogram } from "./latency-histogram.ts";
import { monotonicNanoseconds } from "./monotonic-clock.ts";

/** A body that claims to have been sent longer ago than an hour, or yet to be sent, does not tell the time at all. */
const STAMP_NANOSECONDS_MAX = 3600e9;

export interface ConsumerOptions {
  readonly connection: PerfConnection;
  /** Messages that one acknowledgement covers; 0: automatic acknowledgement. */
  readonly ackBatch: number;
  /** Messages that all consumers together are to take. */
  readonly countdown: Countdown;
  /** Takes the time from publish to delivery of messages that say when they were sent. */
  readonly latency: LatencyHistogram | undefined;
}

/** Counts the messages of a connection and acknowledges them. */
export class Consumer implements Traffic {
  consumed = 0;
  readonly #options: ConsumerOptions;
  readonly #acks: AckWriter | undefined;
  /** Latest message, and how many are not acknowledged. */
  #deliveryTag = 0;
  #unacked = 0;
  /** When the current read came in; 0: not asked yet. */
  #readAt = 0;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    if (options.ackBatch > 0) this.#acks = new AckWriter(options.connection, options.ackBatch > 1);
  }

  message(deliveryTag: number, stamp: number): void {
    const { countdown, latency, ackBatch } = this.#options;
    if (!countdown.take()) return;
    this.consumed++;
    if (latency !== undefined) this.#recordLatency(latency, stamp);
    if (ackBatch === 0) return;
    this.#deliveryTag = deliveryTag;
    if (++this.#unacked >= ackBatch) this.#ack();
  }

  nothing(): void {}
  confirm(): void {}

  readEnd(): void {
    this.#readAt = 0;
    this.#acks?.flush();
    this.#options.countdown.check();
  }

  /** Acknowledges what the last batch has left over. */
  finish(): void {
    if (this.#unacked > 0) this.#ack();
    this.#acks?.flush();
  }

  #ack(): void {
    this.#unacked = 0;
    (this.#acks as AckWriter).ack(this.#deliveryTag);
  }

  #recordLatency(latency: LatencyHistogram, stamp: number): void {
    if (this.#readAt === 0) this.#readAt = monotonicNanoseconds();
    const nanoseconds = this.#readAt - stamp;
    if (nanoseconds >= 0 && nanoseconds < STAMP_NANOSECONDS_MAX) latency.record(nanoseconds);
  }
}
