// Hot file: find and pass run for every message that is delivered from a queue.

import type { Message } from "../message.ts";
import type { Arena } from "./arena.ts";
import type { Chunk } from "./chunk.ts";
import type { ChunkList } from "./chunk-list.ts";
import type { LogTail } from "./log-tail.ts";
import { readRecord, recordBytesAt } from "./record.ts";

/** What a cursor asks of the log it is in. */
export interface CursorHost {
  /** Reads the records of a chunk into memory; false when nothing is left in it to deliver, and it is gone. */
  load(chunk: Chunk): boolean;
  /** The cursor has passed the end of a chunk, or lets go of it. */
  left(chunk: Chunk): void;
}

/** Where in a log the message is that is delivered next, returned ones aside. */
export class LogCursor {
  readonly #chunks: ChunkList;
  readonly #tail: LogTail;
  readonly #host: CursorHost;
  /** The chunk it is in, if it has been read since it got there. */
  chunk: Chunk | undefined;
  #index = 0;
  /** Of the record it stands at; -1 when that is not known. */
  #offset = 0;
  /** Where it stands when it is in no chunk. */
  #sequence: number;

  constructor(first: number, chunks: ChunkList, tail: LogTail, host: CursorHost) {
    this.#sequence = first;
    this.#chunks = chunks;
    this.#tail = tail;
    this.#host = host;
  }

  /** Sequence number of the record it stands at; everything before has been delivered or is settled. */
  get point(): number {
    return this.chunk === undefined ? this.#sequence : this.chunk.first + this.#index;
  }

  /** Points `message` at the next record that is not settled, and stands there; returns its sequence number, or -1. */
  find(message: Message): number {
    while (true) {
      const chunk = this.chunk ?? this.enter();
      if (chunk === undefined) return -1;
      if (this.#index >= chunk.count) {
        if (chunk === this.#tail.chunk) return -1;
        this.leave(chunk);
        continue;
      }
      if (chunk.arena === undefined && !this.#host.load(chunk)) continue;
      if (this.#offset < 0) this.#offset = chunk.offsetOf(this.#index);
      const arena = chunk.arena as Arena;
      if (chunk.isSettled(this.#index)) {
        this.#offset += recordBytesAt(arena.buffer, this.#offset);
        this.#index++;
        continue;
      }
      readRecord(arena.buffer, this.#offset, message);
      message.owner = arena;
      return chunk.first + this.#index;
    }
  }

  /** Goes past the record that was found last, whose view `message` is. */
  pass(message: Message): void {
    this.#offset += recordBytesAt(message.buffer, this.#offset);
    this.#index++;
  }

  /** Goes into the chunk it stands at; undefined when there is none. */
  enter(): Chunk | undefined {
    const chunk = this.#chunks.firstFrom(this.#sequence);
    if (chunk === undefined) return undefined;
    this.chunk = chunk;
    this.#index = Math.max(0, this.#sequence - chunk.first);
    this.#offset = -1;
    return chunk;
  }

  /** Goes out of `chunk`, which it is in, and stays where it stands. */
  leave(chunk: Chunk): void {
    this.stand(chunk.first + this.#index);
    this.#host.left(chunk);
  }

  /** Stands at `sequence` from now on, in no chunk. */
  stand(sequence: number): void {
    this.#sequence = sequence;
    this.chunk = undefined;
  }

  /** The records of the chunk it is in are elsewhere in memory now. */
  moved(): void {
    this.#offset = -1;
  }
}
