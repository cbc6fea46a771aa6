// Hot file: runs for every confirm.

import { PerfError } from "./perf-error.ts";

/** How far messages may get ahead of the oldest one that is not confirmed, as a multiple of the window. */
const SLOTS_PER_MESSAGE = 4;

/** Which messages of a publisher are not confirmed yet; they are numbered from 1 as delivery tags are. */
export class ConfirmWindow {
  /** Messages published and not confirmed. */
  outstanding = 0;
  /** The latest delivery tag given out. */
  #last = 0;
  /** Everything up to here is confirmed. */
  #settled = 0;
  /** Whether each message beyond is confirmed; a ring. */
  readonly #confirmed: Uint8Array;
  readonly #mask: number;
  readonly #size: number;

  /** @param size messages that may be outstanding */
  constructor(size: number) {
    const slots = 2 ** Math.ceil(Math.log2(size * SLOTS_PER_MESSAGE));
    this.#size = size;
    this.#confirmed = new Uint8Array(slots);
    this.#mask = slots - 1;
  }

  /** The ring's index for a delivery tag, for those who keep something beside it. */
  slot(deliveryTag: number): number {
    return deliveryTag & this.#mask;
  }

  get slots(): number {
    return this.#mask + 1;
  }

  /** Delivery tag of the next message that is published. */
  get next(): number {
    return this.#last + 1;
  }

  /** Whether a message that has been published is not confirmed yet. */
  isOutstanding(deliveryTag: number): boolean {
    return deliveryTag > this.#settled && this.#confirmed[deliveryTag & this.#mask] === 0;
  }

  /** Messages that may be published now. */
  get room(): number {
    return Math.min(this.#size - this.outstanding, this.slots - (this.#last - this.#settled));
  }

  /** Takes note of `count` more messages, which must not be more than there is room for. */
  published(count: number): void {
    this.#last += count;
    this.outstanding += count;
  }

  /** The lowest delivery tag a confirm with `multiple` settles, when nothing beyond is confirmed. */
  get first(): number {
    return this.#settled + 1;
  }

  /** Takes a confirm; returns how many messages it settles that were not before. @throws PerfError for an unknown tag */
  settle(deliveryTag: number, multiple: boolean): number {
    if (deliveryTag > this.#last) throw new PerfError(`the broker confirmed ${deliveryTag}, which was not published`);
    let settled = 0;
    for (let tag = multiple ? this.#settled + 1 : Math.max(deliveryTag, this.#settled + 1); tag <= deliveryTag; tag++) {
      const slot = tag & this.#mask;
      if (this.#confirmed[slot] === 0) {
        this.#confirmed[slot] = 1;
        settled++;
      }
    }
    while (this.#settled < this.#last && this.#confirmed[(this.#settled + 1) & this.#mask] === 1) {
      this.#settled++;
      this.#confirmed[this.#settled & this.#mask] = 0;
    }
    this.outstanding -= settled;
    return settled;
  }
}
