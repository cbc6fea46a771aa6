// Hot file: one add and one take per acknowledged delivery. Parallel arrays, no object per delivery.

import type { ConsumedQueue, Consumer } from "../queue/consumer.ts";

/** One unacknowledged delivery, kept as an object only while a transaction holds it or when it has fallen far behind. */
export interface Delivery {
  readonly deliveryTag: number;
  readonly queue: ConsumedQueue;
  /** Undefined for basic.get. */
  readonly consumer: Consumer | undefined;
  readonly sequence: number;
  readonly persistent: boolean;
  readonly bodyBytes: number;
}

const CAPACITY_MIN = 64;
/** From this capacity on, old deliveries are moved out of the ring rather than letting them stretch it. */
const CAPACITY_STRETCH_MAX = 4096;

/**
 * The unacknowledged deliveries of a session by delivery tag. Tags count up from 1, so they index a ring; the few
 * that stay unacknowledged while many pass are kept aside, so memory follows their number and not their span.
 */
export class DeliveryLedger {
  #queues: (ConsumedQueue | undefined)[] = new Array(CAPACITY_MIN).fill(undefined);
  #consumers: (Consumer | undefined)[] = new Array(CAPACITY_MIN).fill(undefined);
  #sequences = new Float64Array(CAPACITY_MIN);
  #bodyBytes = new Float64Array(CAPACITY_MIN);
  #persistent = new Uint8Array(CAPACITY_MIN);
  #capacity = CAPACITY_MIN;
  /** Tags from here up to `#next` are in the ring. */
  #base = 1;
  #next = 1;
  /** Unacknowledged deliveries with tags below `#base`. */
  readonly #stragglers = new Map<number, Delivery>();
  /** How many deliveries are unacknowledged. */
  count = 0;

  /** Notes a delivery and returns its tag. */
  add(
    queue: ConsumedQueue,
    consumer: Consumer | undefined,
    sequence: number,
    persistent: boolean,
    bodyBytes: number,
  ): number {
    if (this.#next - this.#base === this.#capacity) this.#makeRoom();
    const slot = this.#next & (this.#capacity - 1);
    this.#queues[slot] = queue;
    this.#consumers[slot] = consumer;
    this.#sequences[slot] = sequence;
    this.#bodyBytes[slot] = bodyBytes;
    this.#persistent[slot] = persistent ? 1 : 0;
    this.count++;
    return this.#next++;
  }

  /** Uses up a tag for a delivery that needs no acknowledgement and returns it. */
  skip(): number {
    if (this.#base === this.#next) {
      this.#base++;
    } else {
      if (this.#next - this.#base === this.#capacity) this.#makeRoom();
      this.#queues[this.#next & (this.#capacity - 1)] = undefined;
    }
    return this.#next++;
  }

  /** True when `deliveryTag` is unacknowledged. */
  has(deliveryTag: number): boolean {
    if (deliveryTag >= this.#base) {
      return deliveryTag < this.#next && this.#queues[deliveryTag & (this.#capacity - 1)] !== undefined;
    }
    return this.#stragglers.has(deliveryTag);
  }

  /** Removes and returns the delivery; undefined when the tag is not unacknowledged. */
  take(deliveryTag: number): Delivery | undefined {
    if (deliveryTag < this.#base) {
      const delivery = this.#stragglers.get(deliveryTag);
      if (delivery !== undefined) {
        this.#stragglers.delete(deliveryTag);
        this.count--;
      }
      return delivery;
    }
    if (deliveryTag >= this.#next) return undefined;
    const delivery = this.#takeSlot(deliveryTag);
    this.#advance();
    return delivery;
  }

  /** Removes and returns, in order, all deliveries with tags up to and including `upTo`. */
  takeUpTo(upTo: number): Delivery[] {
    const taken: Delivery[] = [];
    if (this.#stragglers.size > 0) {
      for (const [deliveryTag, delivery] of this.#stragglers) if (deliveryTag <= upTo) taken.push(delivery);
      for (const delivery of taken) this.#stragglers.delete(delivery.deliveryTag);
      taken.sort((a, b) => a.deliveryTag - b.deliveryTag);
      this.count -= taken.length;
    }
    const end = Math.min(upTo + 1, this.#next);
    for (let deliveryTag = this.#base; deliveryTag < end; deliveryTag++) {
      const delivery = this.#takeSlot(deliveryTag);
      if (delivery !== undefined) taken.push(delivery);
    }
    this.#advance();
    return taken;
  }

  /** Removes and returns every delivery, in order. */
  takeAll(): Delivery[] {
    return this.takeUpTo(this.#next - 1);
  }

  /** Puts back a delivery that a transaction took, under its old tag. */
  putBack(delivery: Delivery): void {
    this.count++;
    if (delivery.deliveryTag < this.#base) {
      this.#stragglers.set(delivery.deliveryTag, delivery);
      return;
    }
    const slot = delivery.deliveryTag & (this.#capacity - 1);
    this.#queues[slot] = delivery.queue;
    this.#consumers[slot] = delivery.consumer;
    this.#sequences[slot] = delivery.sequence;
    this.#bodyBytes[slot] = delivery.bodyBytes;
    this.#persistent[slot] = delivery.persistent ? 1 : 0;
  }

  #takeSlot(deliveryTag: number): Delivery | undefined {
    const slot = deliveryTag & (this.#capacity - 1);
    const queue = this.#queues[slot];
    if (queue === undefined) return undefined;
    const consumer = this.#consumers[slot];
    this.#queues[slot] = undefined;
    this.#consumers[slot] = undefined;
    this.count--;
    return {
      deliveryTag,
      queue,
      consumer,
      sequence: this.#sequences[slot] as number,
      persistent: this.#persistent[slot] === 1,
      bodyBytes: this.#bodyBytes[slot] as number,
    };
  }

  #advance(): void {
    const mask = this.#capacity - 1;
    while (this.#base < this.#next && this.#queues[this.#base & mask] === undefined) this.#base++;
  }

  #makeRoom(): void {
    if (this.#capacity >= CAPACITY_STRETCH_MAX && this.count - this.#stragglers.size < this.#capacity / 4) {
      const middle = this.#base + this.#capacity / 2;
      for (let deliveryTag = this.#base; deliveryTag < middle; deliveryTag++) {
        const delivery = this.#takeSlot(deliveryTag);
        if (delivery === undefined) continue;
        this.#stragglers.set(deliveryTag, delivery);
        this.count++;
      }
      this.#base = middle;
      this.#advance();
      return;
    }
    this.#grow();
  }

  #grow(): void {
    const capacity = this.#capacity * 2;
    const queues: (ConsumedQueue | undefined)[] = new Array(capacity).fill(undefined);
    const consumers: (Consumer | undefined)[] = new Array(capacity).fill(undefined);
    const sequences = new Float64Array(capacity);
    const bodyBytes = new Float64Array(capacity);
    const persistent = new Uint8Array(capacity);
    for (let deliveryTag = this.#base; deliveryTag < this.#next; deliveryTag++) {
      const from = deliveryTag & (this.#capacity - 1);
      const to = deliveryTag & (capacity - 1);
      queues[to] = this.#queues[from];
      consumers[to] = this.#consumers[from];
      sequences[to] = this.#sequences[from] as number;
      bodyBytes[to] = this.#bodyBytes[from] as number;
      persistent[to] = this.#persistent[from] as number;
    }
    this.#queues = queues;
    this.#consumers = consumers;
    this.#sequences = sequences;
    this.#bodyBytes = bodyBytes;
    this.#persistent = persistent;
    this.#capacity = capacity;
  }
}
