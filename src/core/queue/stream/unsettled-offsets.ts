/** From this many passed entries on, and when they are the majority, they are swept out. */
const SWEEP_MIN = 1024;

/** The offsets that a reader has been given and not acknowledged, in order; knows below which all are acknowledged. */
export class UnsettledOffsets {
  /** Ascending; those before `#head` are settled. */
  #offsets: number[] = [];
  #head = 0;
  /** Settled ahead of their turn. */
  readonly #settled = new Set<number>();
  #last = -1;

  /** The oldest offset that is not settled; undefined when all are. */
  get oldest(): number | undefined {
    return this.#offsets[this.#head];
  }

  /** Below it all is settled. */
  get settledBelow(): number {
    return this.oldest ?? this.#last + 1;
  }

  delivered(offset: number): void {
    this.#offsets.push(offset);
    this.#last = offset;
  }

  settle(offset: number): void {
    if (offset !== this.#offsets[this.#head]) {
      this.#settled.add(offset);
      return;
    }
    this.#head++;
    while (this.#settled.size > 0 && this.#settled.delete(this.#offsets[this.#head] as number)) this.#head++;
    if (this.#head === this.#offsets.length) {
      this.#offsets = [];
      this.#head = 0;
    } else if (this.#head >= SWEEP_MIN && this.#head * 2 > this.#offsets.length) {
      this.#offsets = this.#offsets.slice(this.#head);
      this.#head = 0;
    }
  }
}
