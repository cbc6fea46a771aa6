// Hot file: add runs for every message that is queued.

import type { Message } from "../message.ts";
import type { Arena } from "./arena.ts";
import { Chunk } from "./chunk.ts";
import type { ChunkList } from "./chunk-list.ts";
import type { LogEnvironment } from "./chunk-storage.ts";
import { recordBytesOf, writeRecord } from "./record.ts";

/** A chunk takes no more messages than this, so that the record of what is settled stays small. */
const CHUNK_MESSAGES_MAX = 4096;

/** The end of a log, where messages are added to the newest chunk. */
export class LogTail {
  readonly #environment: LogEnvironment;
  readonly #chunks: ChunkList;
  readonly #onSealed: (chunk: Chunk) => void;
  /** The chunk that takes messages; undefined until the next one comes. */
  chunk: Chunk | undefined;
  /** What its records are written into. */
  #arena: Arena | undefined;
  /** The sequence number of the next message. */
  nextSequence: number;

  /** @param onSealed told of each chunk that takes no more */
  constructor(first: number, chunks: ChunkList, environment: LogEnvironment, onSealed: (chunk: Chunk) => void) {
    this.nextSequence = first;
    this.#chunks = chunks;
    this.#environment = environment;
    this.#onSealed = onSealed;
  }

  /** Adds the record of `message` and returns the chunk whose last message it is. */
  add(message: Message, persistent: boolean): Chunk {
    const recordBytes = recordBytesOf(message);
    const chunk = this.#openChunk(recordBytes);
    const arena = this.#arena as Arena;
    writeRecord(message, persistent, recordBytes, arena.buffer, arena.used);
    arena.used += recordBytes;
    chunk.count++;
    chunk.recordBytes += recordBytes;
    this.#environment.memory.usedBytes += recordBytes;
    this.nextSequence++;
    return chunk;
  }

  /** The sequence numbers below have been given out before. */
  skipTo(sequence: number): void {
    this.nextSequence = Math.max(this.nextSequence, sequence);
  }

  /** Ends the chunk that takes messages; there must be one. */
  seal(): void {
    const chunk = this.chunk as Chunk;
    this.chunk = undefined;
    chunk.state = "sealed";
    this.#onSealed(chunk);
  }

  /** Lets go of the memory for messages to come. */
  releaseArena(): void {
    this.#arena?.release();
    this.#arena = undefined;
  }

  /** The chunk that takes a record of `recordBytes`. */
  #openChunk(recordBytes: number): Chunk {
    let arena = this.#arena;
    if (arena === undefined || arena.used + recordBytes > arena.buffer.length) {
      if (this.chunk !== undefined) this.seal();
      this.releaseArena();
      arena = this.#environment.arenas.take(recordBytes);
      arena.hold();
      this.#arena = arena;
    }
    if (this.chunk !== undefined) {
      if (this.chunk.count < CHUNK_MESSAGES_MAX) return this.chunk;
      this.seal();
    }
    const chunk = new Chunk(this.nextSequence);
    arena.hold();
    chunk.arena = arena;
    chunk.start = arena.used;
    this.chunk = chunk;
    this.#chunks.push(chunk);
    return chunk;
  }
}
