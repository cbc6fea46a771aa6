import type { Arena } from "../arena.ts";
import type { Chunk } from "../chunk.ts";
import type { ChunkStorage } from "../chunk-storage.ts";

const MEBIBYTE = 1024 * 1024;
/** Octets kept for one reader, for each further one, and at most. */
const FIRST_READER_BYTES = 2 * MEBIBYTE;
const FURTHER_READER_BYTES = MEBIBYTE / 4;
const BYTES_MAX = 16 * MEBIBYTE;
/** Octets kept while the broker's queues have too much in memory. */
const SCARCE_BYTES = MEBIBYTE / 2;

/**
 * The stored chunks of a stream whose records are in memory: those that readers stand in or have just left, so that
 * readers near each other share one read from the store. The least recently used ones go first.
 */
export class LoadedChunks {
  readonly #storage: ChunkStorage;
  /** In the order of their last use. */
  readonly #chunks = new Set<Chunk>();
  #bytes = 0;
  #bytesMax = 0;

  constructor(storage: ChunkStorage) {
    this.#storage = storage;
  }

  /** There are `count` readers now. */
  setReaders(count: number): void {
    const wanted = FIRST_READER_BYTES + (count - 1) * FURTHER_READER_BYTES;
    this.#bytesMax = count === 0 ? 0 : Math.min(wanted, BYTES_MAX);
    if (count === 0) this.clear();
  }

  /** The records of `chunk`, read from the store if need be; good until the next use of another chunk. */
  use(chunk: Chunk): Buffer {
    if (chunk.arena === undefined) this.#storage.load(chunk);
    if (chunk.state === "stored") this.keep(chunk);
    return (chunk.arena as unknown as Arena).buffer;
  }

  /** `chunk`, which is stored and in memory, is the one used last. */
  keep(chunk: Chunk): void {
    if (!this.#chunks.delete(chunk)) this.#bytes += chunk.recordBytes;
    this.#chunks.add(chunk);
    this.#trim(chunk);
  }

  /** Nobody is reading just now: not even the chunk that was used last is needed. */
  rest(): void {
    this.#trim(undefined);
  }

  /** Lets go of the records of `chunk`, which is stored. */
  forget(chunk: Chunk): void {
    if (this.#chunks.delete(chunk)) this.#bytes -= chunk.recordBytes;
    this.#storage.evict(chunk);
  }

  clear(): void {
    for (const chunk of this.#chunks) this.#storage.evict(chunk);
    this.#chunks.clear();
    this.#bytes = 0;
  }

  #trim(inUse: Chunk | undefined): void {
    const bytesMax = this.#storage.memoryExceeded ? Math.min(SCARCE_BYTES, this.#bytesMax) : this.#bytesMax;
    for (const oldest of this.#chunks) {
      if (this.#bytes <= bytesMax || oldest === inUse) break;
      this.forget(oldest);
    }
  }
}
