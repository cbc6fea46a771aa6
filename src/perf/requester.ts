// Hot file: runs for every request and every reply.

import { encodeMethodFrame } from "../wire/method-codec.ts";
import { CHANNEL, type PerfConnection } from "./connection.ts";
import type { Traffic } from "./frame-scanner.ts";
import type { LatencyHistogram } from "./latency-histogram.ts";
import { writeLonglong } from "./longlong.ts";
import { encodeMessageContent } from "./message-content.ts";
import { monotonicNanoseconds } from "./monotonic-clock.ts";

export interface RequesterOptions {
  readonly connection: PerfConnection;
  readonly exchange: string;
  readonly routingKey: string;
  readonly replyTo: string;
  /** Octets of the body of a request; at least {@link STAMP_BYTES}. */
  readonly bodyBytes: number;
  readonly persistent: boolean;
  /** Takes the time from request to reply. */
  readonly roundTrip: LatencyHistogram;
  /** Called for every reply. */
  readonly onReply: (requester: Requester) => void;
}

/**
 * Sends requests, each in a write of its own, and takes replies. A reply carries the time that its request was sent
 * at, so that nothing is kept for a request.
 */
export class Requester implements Traffic {
  requests = 0;
  replies = 0;
  readonly #options: RequesterOptions;
  readonly #request: Buffer;
  readonly #stampAt: number;
  readonly #written = (): void => {
    this.#writing--;
  };
  /** Requests that the operating system has not taken. */
  #writing = 0;
  /** When the current read came in; 0: not asked yet. */
  #readAt = 0;

  constructor(options: RequesterOptions) {
    const { connection, exchange, routingKey } = options;
    const method = { exchange, routingKey, mandatory: false, immediate: false };
    const head = encodeMethodFrame(CHANNEL, "basic.publish", method);
    const content = encodeMessageContent(options, connection.frameBytesMax);
    this.#options = options;
    this.#request = Buffer.concat([head, content.octets]);
    this.#stampAt = head.length + content.bodyAt;
  }

  /** Asks, at the time `now`. */
  ask(now: number): void {
    const octets = this.#writing === 0 ? this.#request : Buffer.from(this.#request);
    writeLonglong(octets, this.#stampAt, now);
    this.requests++;
    this.#writing++;
    this.#options.connection.write(octets, this.#written);
  }

  message(_deliveryTag: number, stamp: number): void {
    if (this.#readAt === 0) this.#readAt = monotonicNanoseconds();
    this.replies++;
    this.#options.roundTrip.record(this.#readAt - stamp);
    this.#options.onReply(this);
  }

  nothing(): void {}
  confirm(): void {}

  readEnd(): void {
    this.#readAt = 0;
  }
}
