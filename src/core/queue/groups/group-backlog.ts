// Hot file: runs for every message that has to wait for its group.

import { MinHeap } from "../../../lib/min-heap.ts";

/** Entries in front of the first message that are kept until the list is moved up. */
const GONE_MAX = 64;

/** The sequence numbers of the messages of one group that are ready and wait, lowest first. */
export class GroupBacklog {
  /** Those found in the queue, ascending; what is before `#head` has gone. */
  #parked: number[] | undefined;
  #head = 0;
  /** Those that have been delivered before. */
  #returned: MinHeap | undefined;

  get size(): number {
    return this.#parkedCount + (this.#returned?.size ?? 0);
  }

  /** The first of them; Infinity when there is none. */
  get first(): number {
    return Math.min(this.#firstParked, this.#firstReturned);
  }

  /** True when the first of them has been delivered before. */
  get firstIsReturned(): boolean {
    return this.#firstReturned < this.#firstParked;
  }

  /** Adds a message that is behind all that have been added so. */
  park(sequence: number): void {
    this.#parked ??= [];
    this.#parked.push(sequence);
  }

  /** Adds a message that has come back. */
  putBack(sequence: number): void {
    this.#returned ??= new MinHeap();
    this.#returned.push(sequence);
  }

  /** Removes and returns the first; there must be one. */
  shift(): number {
    if (this.firstIsReturned) return (this.#returned as MinHeap).pop() as number;
    const parked = this.#parked as number[];
    const first = parked[this.#head++] as number;
    if (this.#head === parked.length) {
      this.#parked = undefined;
      this.#head = 0;
    } else if (this.#head > GONE_MAX && this.#head * 2 > parked.length) {
      this.#parked = parked.slice(this.#head);
      this.#head = 0;
    }
    return first;
  }

  get #parkedCount(): number {
    return this.#parked === undefined ? 0 : this.#parked.length - this.#head;
  }

  get #firstParked(): number {
    return this.#parked === undefined ? Number.POSITIVE_INFINITY : (this.#parked[this.#head] as number);
  }

  get #firstReturned(): number {
    return this.#returned?.peek() ?? Number.POSITIVE_INFINITY;
  }
}
