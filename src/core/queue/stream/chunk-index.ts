import { Message } from "../../message.ts";
import type { Chunk } from "../chunk.ts";
import { readRecord, recordBytesAt } from "../record.ts";
import { ChunkFilter, hashOctets } from "./chunk-filter.ts";
import { FilterValue } from "./filter-value.ts";
import type { StreamLog } from "./stream-log.ts";

/**
 * What is known of a stream's chunks beyond their descriptors. It is found out when it is first wanted, by reading the
 * chunk, and kept for as long as the chunk is: publishing pays nothing for it, nor does start-up.
 */
export class ChunkIndex {
  /** Octets of the filters that are made from now on. */
  filterBytes: number;
  readonly #log: StreamLog;
  readonly #newest = new WeakMap<Chunk, number>();
  readonly #filters = new WeakMap<Chunk, ChunkFilter>();
  readonly #message = new Message();
  readonly #value = new FilterValue();

  constructor(log: StreamLog, filterBytes: number) {
    this.#log = log;
    this.filterBytes = filterBytes;
  }

  /** When the newest message of the chunk was stored: milliseconds since the Unix epoch. */
  newestIn(chunk: Chunk): number {
    let newest = this.#newest.get(chunk);
    if (newest === undefined) {
      this.#forEach(chunk, () => {});
      newest = this.#message.publishedAt;
      this.#newest.set(chunk, newest);
    }
    return newest;
  }

  filterOf(chunk: Chunk): ChunkFilter {
    let filter = this.#filters.get(chunk);
    if (filter === undefined) {
      filter = this.#buildFilter(chunk);
      this.#filters.set(chunk, filter);
    }
    return filter;
  }

  /** The offset of the first durable message stored at `at`, in milliseconds since the Unix epoch, or later. */
  offsetSince(at: number): number {
    let low = this.#log.firstOffset;
    let high = this.#log.durableEnd;
    while (low < high) {
      const chunk = this.#log.chunkAt(Math.floor((low + high) / 2));
      if (this.newestIn(chunk) < at) low = chunk.end;
      else if (chunk.first > low) high = chunk.first;
      else return this.#offsetWithin(chunk, at);
    }
    return low < this.#log.durableEnd ? this.#offsetWithin(this.#log.chunkAt(low), at) : low;
  }

  #offsetWithin(chunk: Chunk, at: number): number {
    let offset = chunk.first;
    this.#forEach(chunk, () => {
      if (this.#message.publishedAt < at) offset++;
    });
    return offset;
  }

  #buildFilter(chunk: Chunk): ChunkFilter {
    const filter = new ChunkFilter(this.filterBytes);
    const value = this.#value;
    this.#forEach(chunk, () => {
      if (value.find(this.#message)) filter.add(hashOctets(this.#message.buffer, value.start, value.end));
      else filter.hasUnfiltered = true;
    });
    return filter;
  }

  /** Points the message at each record in turn, and leaves it at the last. */
  #forEach(chunk: Chunk, look: () => void): void {
    const buffer = this.#log.loaded.use(chunk);
    let at = chunk.start;
    for (let index = 0; index < chunk.count; index++) {
      readRecord(buffer, at, this.#message);
      look();
      at += recordBytesAt(buffer, at);
    }
    this.#message.release();
  }
}
