// Hot file: push and pop run for every message that waits in no order.

/** Entries of a segment; the memory grows and shrinks by one. */
const SEGMENT_SHIFT = 10;
const SEGMENT_ENTRIES = 1 << SEGMENT_SHIFT;
const SEGMENT_MASK = SEGMENT_ENTRIES - 1;

/**
 * Numbers, called ranks, by when what they stand for is due, the earliest first, those of the same time in ascending
 * order. A binary heap in segments of 16 octets an entry: no object per message, and no copying of the whole when it
 * grows.
 */
export class DueHeap {
  /** Due time and rank of each entry, one after the other. */
  readonly #segments: Float64Array[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** When the first is due, in milliseconds since the Unix epoch; Infinity when there is none. */
  get firstDueAt(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : ((this.#segments[0] as Float64Array)[0] as number);
  }

  /** The rank of the first; -1 when there is none. */
  get firstRank(): number {
    return this.#size === 0 ? -1 : ((this.#segments[0] as Float64Array)[1] as number);
  }

  push(dueAt: number, rank: number): void {
    const segments = this.#segments;
    let index = this.#size++;
    if (index >>> SEGMENT_SHIFT === segments.length) segments.push(new Float64Array(2 * SEGMENT_ENTRIES));
    while (index > 0) {
      const parent = (index - 1) >>> 1;
      const segment = segments[parent >>> SEGMENT_SHIFT] as Float64Array;
      const at = (parent & SEGMENT_MASK) << 1;
      const parentDueAt = segment[at] as number;
      const parentRank = segment[at + 1] as number;
      if (parentDueAt < dueAt || (parentDueAt === dueAt && parentRank < rank)) break;
      this.#write(index, parentDueAt, parentRank);
      index = parent;
    }
    this.#write(index, dueAt, rank);
  }

  /** Removes the first and returns its rank; -1 when there is none. */
  pop(): number {
    if (this.#size === 0) return -1;
    const rank = (this.#segments[0] as Float64Array)[1] as number;
    const last = --this.#size;
    const segment = this.#segments[last >>> SEGMENT_SHIFT] as Float64Array;
    const at = (last & SEGMENT_MASK) << 1;
    if (last > 0) this.#sink(segment[at] as number, segment[at + 1] as number);
    this.#shrink();
    return rank;
  }

  /** Puts an entry in the place of the first, which must be there. */
  replaceFirst(dueAt: number, rank: number): void {
    this.#sink(dueAt, rank);
  }

  /**
   * The ranks from `start` to `end`, without that, in the order of the entries; undefined when due times and ranks are
   * so far apart that they cannot be sorted quickly.
   */
  sortedBetween(start: number, end: number): Float64Array | undefined {
    let [count, firstDueAt, lastDueAt, firstRank] = [0, Number.POSITIVE_INFINITY, 0, end];
    for (let index = 0; index < this.#size; index++) {
      const rank = this.#rankAt(index);
      if (rank < start || rank >= end) continue;
      count++;
      const dueAt = this.#dueAt(index);
      if (dueAt < firstDueAt) firstDueAt = dueAt;
      if (dueAt > lastDueAt) lastDueAt = dueAt;
      if (rank < firstRank) firstRank = rank;
    }
    const ranks = end - firstRank;
    if ((lastDueAt - firstDueAt + 1) * ranks > Number.MAX_SAFE_INTEGER) return undefined;
    // Both in one number: to compare pairs in a function of ours takes many times as long.
    const keys = new Float64Array(count);
    for (let index = 0, at = 0; at < count; index++) {
      const rank = this.#rankAt(index);
      if (rank >= start && rank < end) keys[at++] = (this.#dueAt(index) - firstDueAt) * ranks + rank - firstRank;
    }
    keys.sort();
    for (let at = 0; at < count; at++) keys[at] = ((keys[at] as number) % ranks) + firstRank;
    return keys;
  }

  /** Removes the entries whose ranks are from `start` to `end`, without that. */
  removeBetween(start: number, end: number): void {
    const size = this.#size;
    // What is put back takes a place that has been looked at already.
    this.#size = 0;
    for (let index = 0; index < size; index++) {
      const rank = this.#rankAt(index);
      if (rank < start || rank >= end) this.push(this.#dueAt(index), rank);
    }
    this.#shrink();
  }

  clear(): void {
    this.#size = 0;
    this.#segments.length = 0;
  }

  /** Puts an entry where the first was, and below all that come before it. */
  #sink(dueAt: number, rank: number): void {
    const segments = this.#segments;
    const size = this.#size;
    let index = 0;
    for (let child = 1; child < size; child = 2 * index + 1) {
      let segment = segments[child >>> SEGMENT_SHIFT] as Float64Array;
      let at = (child & SEGMENT_MASK) << 1;
      let childDueAt = segment[at] as number;
      let childRank = segment[at + 1] as number;
      if (child + 1 < size) {
        segment = segments[(child + 1) >>> SEGMENT_SHIFT] as Float64Array;
        at = ((child + 1) & SEGMENT_MASK) << 1;
        const rightDueAt = segment[at] as number;
        const rightRank = segment[at + 1] as number;
        if (rightDueAt < childDueAt || (rightDueAt === childDueAt && rightRank < childRank)) {
          child++;
          childDueAt = rightDueAt;
          childRank = rightRank;
        }
      }
      if (dueAt < childDueAt || (dueAt === childDueAt && rank < childRank)) break;
      this.#write(index, childDueAt, childRank);
      index = child;
    }
    this.#write(index, dueAt, rank);
  }

  #dueAt(index: number): number {
    return (this.#segments[index >>> SEGMENT_SHIFT] as Float64Array)[(index & SEGMENT_MASK) << 1] as number;
  }

  #rankAt(index: number): number {
    return (this.#segments[index >>> SEGMENT_SHIFT] as Float64Array)[((index & SEGMENT_MASK) << 1) + 1] as number;
  }

  #write(index: number, dueAt: number, rank: number): void {
    const segment = this.#segments[index >>> SEGMENT_SHIFT] as Float64Array;
    const at = (index & SEGMENT_MASK) << 1;
    segment[at] = dueAt;
    segment[at + 1] = rank;
  }

  /** One segment to spare, so that a size that goes up and down by one does not allocate each time. */
  #shrink(): void {
    const segmentsMax = this.#size === 0 ? 0 : ((this.#size - 1) >>> SEGMENT_SHIFT) + 2;
    if (this.#segments.length > segmentsMax) this.#segments.length = segmentsMax;
  }
}
