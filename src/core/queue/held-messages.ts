import type { Clock } from "../../lib/clock.ts";
import { ExpiryTimer } from "./expiry-timer.ts";

/** A message that is unsettled, is with no consumer and is let go at a time. */
export interface HeldMessage {
  readonly sequence: number;
  readonly persistent: boolean;
  readonly bodyBytes: number;
  /** Milliseconds since the Unix epoch. */
  readonly dueAt: number;
}

/** Messages that a queue keeps back for a while: returned ones before their retry, dead ones that nobody took. */
export class HeldMessages {
  readonly #clock: Clock;
  readonly #release: (message: HeldMessage) => void;
  readonly #timer: ExpiryTimer;
  /** A binary heap, the earliest first. */
  readonly #heap: HeldMessage[] = [];
  /** Octets of the bodies of all of them. */
  bodyBytes = 0;

  /** @param release called for each message when it is due; it may be held again */
  constructor(clock: Clock, release: (message: HeldMessage) => void) {
    this.#clock = clock;
    this.#release = release;
    this.#timer = new ExpiryTimer(clock, () => this.#releaseDue());
  }

  get count(): number {
    return this.#heap.length;
  }

  hold(message: HeldMessage): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(message);
    this.bodyBytes += message.bodyBytes;
    while (index > 0) {
      const parent = (index - 1) >>> 1;
      if (!isBefore(message, heap[parent] as HeldMessage)) break;
      heap[index] = heap[parent] as HeldMessage;
      index = parent;
    }
    heap[index] = message;
    if (index === 0) this.#timer.arm(message.dueAt);
  }

  /** Lets go of every message, due or not, and returns them. */
  takeAll(): HeldMessage[] {
    this.#timer.cancel();
    this.bodyBytes = 0;
    return this.#heap.splice(0);
  }

  /** Sets no timer any more. */
  stop(): void {
    this.#timer.cancel();
  }

  #releaseDue(): void {
    const now = this.#clock.now();
    const due: HeldMessage[] = [];
    for (let first = this.#heap[0]; first !== undefined && first.dueAt <= now; first = this.#heap[0]) {
      due.push(first);
      this.bodyBytes -= first.bodyBytes;
      this.#removeFirst();
    }
    for (const message of due) this.#release(message);
    const next = this.#heap[0];
    if (next !== undefined) this.#timer.arm(next.dueAt);
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop() as HeldMessage;
    if (heap.length === 0) return;
    let index = 0;
    for (let child = 1; child < heap.length; child = 2 * index + 1) {
      if (child + 1 < heap.length && isBefore(heap[child + 1] as HeldMessage, heap[child] as HeldMessage)) child++;
      if (!isBefore(heap[child] as HeldMessage, last)) break;
      heap[index] = heap[child] as HeldMessage;
      index = child;
    }
    heap[index] = last;
  }
}

function isBefore(one: HeldMessage, other: HeldMessage): boolean {
  return one.dueAt < other.dueAt || (one.dueAt === other.dueAt && one.sequence < other.sequence);
}
