import type { Chunk } from "./chunk.ts";

/** Removed entries are swept out when there are at least this many and they are the majority. */
const SWEEP_MIN = 64;

/** A queue's chunks in ascending order of sequence number: cheap to add at the end and to remove anywhere. */
export class ChunkList {
  /** A removed chunk stays in its place, all settled, until it is swept out: the order by sequence is kept. */
  #chunks: Chunk[] = [];
  readonly #removed = new Set<Chunk>();
  #lastFound: Chunk | undefined;

  get size(): number {
    return this.#chunks.length - this.#removed.size;
  }

  push(chunk: Chunk): void {
    this.#chunks.push(chunk);
  }

  /** The chunk that holds `sequence`; undefined when none does. */
  find(sequence: number): Chunk | undefined {
    const last = this.#lastFound;
    if (last !== undefined && sequence >= last.first && sequence < last.end) return last;
    const chunk = this.#chunks[this.#lowerBound(sequence)];
    if (chunk === undefined || sequence < chunk.first || this.#removed.has(chunk)) return undefined;
    this.#lastFound = chunk;
    return chunk;
  }

  /** The first chunk with a message at or after `sequence`; undefined when there is none. */
  firstFrom(sequence: number): Chunk | undefined {
    let position = this.#lowerBound(sequence);
    while (position < this.#chunks.length && this.#removed.has(this.#chunks[position] as Chunk)) position++;
    return this.#chunks[position];
  }

  remove(chunk: Chunk): void {
    if (this.#lastFound === chunk) this.#lastFound = undefined;
    if (chunk === this.#chunks[this.#chunks.length - 1]) {
      this.#chunks.pop();
      return;
    }
    this.#removed.add(chunk);
    if (this.#removed.size === this.#chunks.length) this.clear();
    else if (this.#removed.size >= SWEEP_MIN && this.#removed.size * 2 > this.#chunks.length) this.#sweep();
  }

  /** Puts `merged` in the place of `chunks`, which are neighbours. */
  replace(chunks: readonly Chunk[], merged: Chunk): void {
    this.#sweep();
    this.#lastFound = undefined;
    this.#chunks.splice(this.#chunks.indexOf(chunks[0] as Chunk), chunks.length, merged);
  }

  clear(): void {
    this.#chunks = [];
    this.#removed.clear();
    this.#lastFound = undefined;
  }

  *from(sequence: number): IterableIterator<Chunk> {
    for (let position = this.#lowerBound(sequence); position < this.#chunks.length; position++) {
      const chunk = this.#chunks[position] as Chunk;
      if (!this.#removed.has(chunk)) yield chunk;
    }
  }

  /** Position of the first chunk, removed ones included, that ends after `sequence`. */
  #lowerBound(sequence: number): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#chunks[middle] as Chunk).end > sequence) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #sweep(): void {
    if (this.#removed.size === 0) return;
    this.#chunks = this.#chunks.filter((chunk) => !this.#removed.has(chunk));
    this.#removed.clear();
    this.#lastFound = undefined;
  }
}
