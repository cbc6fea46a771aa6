import { MinHeap } from "../../lib/min-heap.ts";

/** Numbers what comes back to a queue, so that logs that share a queue agree on what came back first. */
export class ReturnTurns {
  #next = 0;

  take(): number {
    return this.#next++;
  }
}

/** The sequence numbers of returned messages, in the order in which they are delivered again. */
export class Returned {
  /** Undefined: lowest sequence number first. */
  readonly #turns: ReturnTurns | undefined;
  readonly #heap = new MinHeap();
  /** Sequence numbers by when they came back: the keys that the heap orders. */
  readonly #byTurn = new Map<number, number>();

  /** @param turns first returned, first delivered; undefined: lowest sequence number first */
  constructor(turns: ReturnTurns | undefined) {
    this.#turns = turns;
  }

  get size(): number {
    return this.#heap.size;
  }

  /** When the first of them came back; Infinity when there is none. For those in the order of return. */
  get firstTurn(): number {
    return this.#heap.peek() ?? Number.POSITIVE_INFINITY;
  }

  push(sequence: number): void {
    if (this.#turns === undefined) {
      this.#heap.push(sequence);
      return;
    }
    const turn = this.#turns.take();
    this.#byTurn.set(turn, sequence);
    this.#heap.push(turn);
  }

  /** The first of them; undefined when there is none. */
  peek(): number | undefined {
    const first = this.#heap.peek();
    return first === undefined || this.#turns === undefined ? first : this.#byTurn.get(first);
  }

  /** Removes the first of them. */
  pop(): void {
    const first = this.#heap.pop();
    if (first !== undefined && this.#turns !== undefined) this.#byTurn.delete(first);
  }

  clear(): void {
    this.#heap.clear();
    this.#byTurn.clear();
  }
}
