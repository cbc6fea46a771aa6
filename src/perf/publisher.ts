// Hot file: runs for every write and every confirm, never for a single message.

import { ConfirmWindow } from "./confirm-window.ts";
import type { PerfConnection } from "./connection.ts";
import type { Traffic } from "./frame-scanner.ts";
import type { LatencyHistogram } from "./latency-histogram.ts";
import { monotonicNanoseconds } from "./monotonic-clock.ts";
import type { PublishBatch } from "./publish-batch.ts";

export interface PublisherOptions {
  readonly connection: PerfConnection;
  readonly batch: PublishBatch;
  /** Messages that may be unconfirmed at one time; 0: no confirms. */
  readonly unconfirmedMax: number;
  /** Messages per second; 0: as fast as it goes. */
  readonly rate: number;
  /** Messages to publish; Infinity: no end. */
  readonly messages: number;
  /** Whether messages say when they were sent. */
  readonly stamped: boolean;
  /** Takes the time from publish to confirm. */
  readonly confirmLatency: LatencyHistogram | undefined;
  /** Called once all messages are published and, with confirms, confirmed. */
  readonly onDone: () => void;
}

/** Publishes one batch over and over, within what the socket, the unconfirmed messages and the rate allow. */
export class Publisher implements Traffic {
  /** Messages that the operating system has taken. */
  published = 0;
  confirmed = 0;
  refused = 0;
  readonly #options: PublisherOptions;
  readonly #window: ConfirmWindow | undefined;
  /** When the message at each slot of the window was sent. */
  readonly #sentAt: Float64Array | undefined;
  readonly #pump = (): void => this.pump();
  readonly #written = (): void => this.#onWritten();
  /** Messages handed to the socket. */
  #sent = 0;
  #position = 0;
  #writing = false;
  #running = false;
  #startedAt = 0;

  constructor(options: PublisherOptions) {
    this.#options = options;
    if (options.unconfirmedMax === 0) return;
    this.#window = new ConfirmWindow(options.unconfirmedMax);
    if (options.confirmLatency !== undefined) this.#sentAt = new Float64Array(this.#window.slots);
  }

  start(): void {
    this.#running = true;
    this.#startedAt = monotonicNanoseconds();
    if (this.#options.messages === 0) this.#finishWhenDone();
    else this.pump();
  }

  stop(): void {
    this.#running = false;
  }

  /** Publishes what may be published now. With a rate, to be called every millisecond or so. */
  pump(): void {
    if (this.#writing || !this.#running) return;
    const { connection, batch, stamped } = this.#options;
    const now = stamped || this.#options.rate > 0 || this.#sentAt !== undefined ? monotonicNanoseconds() : 0;
    const position = this.#position;
    const count = Math.min(this.#allowed(now), batch.count - position);
    if (count <= 0) return;
    if (stamped) batch.stamp(position, count, now);
    if (this.#window !== undefined) this.#open(this.#window, count, now);
    this.#writing = true;
    this.#sent += count;
    this.#position = position + count === batch.count ? 0 : position + count;
    connection.write(batch.slice(position, count), this.#written);
  }

  message(): void {}
  nothing(): void {}

  confirm(deliveryTag: number, multiple: boolean, positive: boolean): void {
    const window = this.#window as ConfirmWindow;
    if (this.#sentAt !== undefined) this.#recordLatency(window, this.#sentAt, deliveryTag, multiple);
    const settled = window.settle(deliveryTag, multiple);
    if (positive) this.confirmed += settled;
    else this.refused += settled;
  }

  readEnd(): void {
    if (this.#sent < this.#options.messages) this.pump();
    else this.#finishWhenDone();
  }

  #allowed(now: number): number {
    const { rate, messages } = this.#options;
    let allowed = messages - this.#sent;
    if (this.#window !== undefined) allowed = Math.min(allowed, this.#window.room);
    if (rate > 0) allowed = Math.min(allowed, Math.floor(((now - this.#startedAt) / 1e9) * rate) - this.#sent);
    return allowed;
  }

  #open(window: ConfirmWindow, count: number, now: number): void {
    if (this.#sentAt !== undefined) {
      for (let tag = window.next; tag < window.next + count; tag++) this.#sentAt[window.slot(tag)] = now;
    }
    window.published(count);
  }

  /** Looks at the window before it changes. */
  #recordLatency(window: ConfirmWindow, sentAt: Float64Array, deliveryTag: number, multiple: boolean): void {
    const now = monotonicNanoseconds();
    for (let tag = multiple ? window.first : deliveryTag; tag <= deliveryTag; tag++) {
      if (!window.isOutstanding(tag)) continue;
      (this.#options.confirmLatency as LatencyHistogram).record(now - (sentAt[window.slot(tag)] as number));
    }
  }

  /** The event loop gets its turn between two writes, so that what comes in is read meanwhile. */
  #onWritten(): void {
    this.#writing = false;
    this.published = this.#sent;
    if (this.#sent >= this.#options.messages) this.#finishWhenDone();
    else setImmediate(this.#pump);
  }

  #finishWhenDone(): void {
    if (!this.#running || this.#writing) return;
    if (this.#window !== undefined && this.#window.outstanding > 0) return;
    this.#running = false;
    this.#options.onDone();
  }
}
