// Hot file: add runs for every message that is queued.

import type { Message } from "../message.ts";
import { ARENA_BYTES, type Arena, LARGE_MESSAGE_BYTES, SMALLEST_ARENA_BYTES } from "./arena.ts";
import { Chunk } from "./chunk.ts";
import type { ChunkList } from "./chunk-list.ts";
import type { LogEnvironment } from "./chunk-storage.ts";
import { RECORD_HEAD_BYTES, recordBytesOf, writeRecord } from "./record.ts";
import { recordInPlace } from "./record-in-place.ts";

/** A chunk takes no more messages than this, so that the record of what is settled stays small. */
const CHUNK_MESSAGES_MAX = 4096;

/** The end of a log, where messages are added to the newest chunk. */
export class LogTail {
  readonly #environment: LogEnvironment;
  readonly #chunks: ChunkList;
  readonly #onSealed: (chunk: Chunk) => void;
  /** The chunk that takes messages; undefined until the next one comes. */
  chunk: Chunk | undefined;
  /** What records are written into, but those of large messages. */
  #arena: Arena | undefined;
  /** What the next arena is to have room for: as much as was added from one time the log was empty to the next. */
  #wantedBytes = SMALLEST_ARENA_BYTES;
  /** Octets added to arenas since then. */
  #addedBytes = 0;
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
    const chunk =
      recordBytes > LARGE_MESSAGE_BYTES
        ? this.#addLarge(message, persistent, recordBytes)
        : this.#addToArena(message, persistent, recordBytes);
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

  /** Lets go of the memory for messages to come, of which there may be as many as there have been. */
  releaseArena(): void {
    if (this.#arena === undefined) return;
    this.#wantedBytes = Math.min(this.#addedBytes, ARENA_BYTES);
    this.#addedBytes = 0;
    this.#arena.release();
    this.#arena = undefined;
  }

  #addToArena(message: Message, persistent: boolean, recordBytes: number): Chunk {
    const chunk = this.#openChunk(recordBytes);
    const arena = this.#arena as Arena;
    writeRecord(message, persistent, recordBytes, arena.buffer, arena.used);
    arena.used += recordBytes;
    this.#addedBytes += recordBytes;
    return chunk;
  }

  /** A large message has a chunk to itself, and stays where it is in memory if it can. */
  #addLarge(message: Message, persistent: boolean, recordBytes: number): Chunk {
    if (this.chunk !== undefined) this.seal();
    const inPlace = recordInPlace(message, persistent, recordBytes);
    const arena = inPlace ?? this.#environment.arenas.take(recordBytes);
    if (inPlace === undefined) writeRecord(message, persistent, recordBytes, arena.buffer, 0);
    return this.#begin(arena, inPlace === undefined ? 0 : message.addressStart - RECORD_HEAD_BYTES);
  }

  /** The chunk that takes a record of `recordBytes`. */
  #openChunk(recordBytes: number): Chunk {
    let arena = this.#arena;
    if (arena === undefined || arena.used + recordBytes > arena.buffer.length) {
      if (this.chunk !== undefined) this.seal();
      arena = this.#nextArena(recordBytes);
    }
    if (this.chunk !== undefined) {
      if (this.chunk.count < CHUNK_MESSAGES_MAX && this.chunk.arena === arena) return this.chunk;
      this.seal();
    }
    return this.#begin(arena, arena.used);
  }

  /** Twice as large as the one that is full, up to the usual size. */
  #nextArena(recordBytes: number): Arena {
    if (this.#arena !== undefined) {
      this.#wantedBytes = Math.min(2 * this.#arena.buffer.length, ARENA_BYTES);
      this.#arena.release();
    }
    const arena = this.#environment.arenas.take(recordBytes, this.#wantedBytes);
    arena.hold();
    this.#arena = arena;
    return arena;
  }

  /** A new chunk, whose records are in `arena` from `start` on. */
  #begin(arena: Arena, start: number): Chunk {
    const chunk = new Chunk(this.nextSequence);
    arena.hold();
    chunk.arena = arena;
    chunk.start = start;
    this.chunk = chunk;
    this.#chunks.push(chunk);
    return chunk;
  }
}
