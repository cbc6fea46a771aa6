// Hot file: push and pop run for every message that is delayed.

/** Entries of a segment; the memory grows and shrinks by one. */
const SEGMENT_SHIFT = 10;
const SEGMENT_ENTRIES = 1 << SEGMENT_SHIFT;
const SEGMENT_MASK = SEGMENT_ENTRIES - 1;

/**
 * Sequence numbers by when they are due, the earliest first, equal ones by number. A binary heap in segments of 16 octets
 * an entry: no object per message, and no copying of the whole when it grows.
 */
export class DueHeap {
  /** Due time and sequence number of each entry, one after the other. */
  readonly #segments: Float64Array[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** When the first is due, in milliseconds since the Unix epoch; Infinity when there is none. */
  get firstDueAt(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : ((this.#segments[0] as Float64Array)[0] as number);
  }

  push(dueAt: number, sequence: number): void {
    const segments = this.#segments;
    let index = this.#size++;
    if (index >>> SEGMENT_SHIFT === segments.length) segments.push(new Float64Array(2 * SEGMENT_ENTRIES));
    while (index > 0) {
      const parent = (index - 1) >>> 1;
      const segment = segments[parent >>> SEGMENT_SHIFT] as Float64Array;
      const at = (parent & SEGMENT_MASK) << 1;
      const parentDueAt = segment[at] as number;
      const parentSequence = segment[at + 1] as number;
      if (parentDueAt < dueAt || (parentDueAt === dueAt && parentSequence < sequence)) break;
      this.#write(index, parentDueAt, parentSequence);
      index = parent;
    }
    this.#write(index, dueAt, sequence);
  }

  /** Removes the first and returns its sequence number; -1 when there is none. */
  pop(): number {
    if (this.#size === 0) return -1;
    const sequence = (this.#segments[0] as Float64Array)[1] as number;
    const last = --this.#size;
    const segment = this.#segments[last >>> SEGMENT_SHIFT] as Float64Array;
    const at = (last & SEGMENT_MASK) << 1;
    if (last > 0) this.#sink(segment[at] as number, segment[at + 1] as number);
    this.#shrink();
    return sequence;
  }

  clear(): void {
    this.#size = 0;
    this.#segments.length = 0;
  }

  /** Puts an entry where the first was, and below all that come before it. */
  #sink(dueAt: number, sequence: number): void {
    const segments = this.#segments;
    const size = this.#size;
    let index = 0;
    for (let child = 1; child < size; child = 2 * index + 1) {
      let segment = segments[child >>> SEGMENT_SHIFT] as Float64Array;
      let at = (child & SEGMENT_MASK) << 1;
      let childDueAt = segment[at] as number;
      let childSequence = segment[at + 1] as number;
      if (child + 1 < size) {
        segment = segments[(child + 1) >>> SEGMENT_SHIFT] as Float64Array;
        at = ((child + 1) & SEGMENT_MASK) << 1;
        const rightDueAt = segment[at] as number;
        const rightSequence = segment[at + 1] as number;
        if (rightDueAt < childDueAt || (rightDueAt === childDueAt && rightSequence < childSequence)) {
          child++;
          childDueAt = rightDueAt;
          childSequence = rightSequence;
        }
      }
      if (dueAt < childDueAt || (dueAt === childDueAt && sequence < childSequence)) break;
      this.#write(index, childDueAt, childSequence);
      index = child;
    }
    this.#write(index, dueAt, sequence);
  }

  #write(index: number, dueAt: number, sequence: number): void {
    const segment = this.#segments[index >>> SEGMENT_SHIFT] as Float64Array;
    const at = (index & SEGMENT_MASK) << 1;
    segment[at] = dueAt;
    segment[at + 1] = sequence;
  }

  /** One segment to spare, so that a size that goes up and down by one does not allocate each time. */
  #shrink(): void {
    if (this.#size === 0) this.#segments.length = 0;
    else if (this.#segments.length > ((this.#size - 1) >>> SEGMENT_SHIFT) + 2) this.#segments.pop();
  }
}
