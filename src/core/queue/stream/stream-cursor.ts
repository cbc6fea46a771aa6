// Hot file: next runs for every message that a reader passes.

import type { Message } from "../../message.ts";
import type { Chunk } from "../chunk.ts";
import { readRecord, recordBytesAt } from "../record.ts";
import type { StreamLog } from "./stream-log.ts";

const NO_OCTETS = Buffer.alloc(0);

/** One reader's position in a stream. */
export class StreamCursor {
  /** The offset that is read next. */
  offset: number;
  readonly #log: StreamLog;
  /** The chunk with `offset` in it, or that it has just come out of; undefined: to be looked up. */
  #chunk: Chunk | undefined;
  #generation = -1;
  /** The chunk's records; they come elsewhere in a buffer when they are read again. */
  #buffer: Buffer = NO_OCTETS;
  #bufferStart = 0;
  /** Where among the records the next one begins. */
  #position = 0;

  constructor(log: StreamLog, offset: number) {
    this.#log = log;
    this.offset = offset;
  }

  get atEnd(): boolean {
    return this.offset >= this.#log.durableEnd;
  }

  /** Goes on at another offset; one that has been cut off means the oldest there is. */
  seek(offset: number): void {
    this.offset = offset;
    this.#chunk = undefined;
  }

  /** To be called before the first of several steps: others may have read, merged and cut off chunks meanwhile. */
  resume(): void {
    if (this.#generation !== this.#log.generation) {
      this.#generation = this.#log.generation;
      this.#chunk = undefined;
    }
    if (this.offset < this.#log.firstOffset) this.seek(this.#log.firstOffset);
    if (this.#chunk !== undefined && this.offset < this.#chunk.end) this.#openRecords(this.#chunk);
  }

  /** Lets go of the records: nobody is to keep them in memory for a reader that waits. */
  rest(): void {
    this.#buffer = NO_OCTETS;
  }

  /** The chunk that the next step goes into; undefined when it is in it already, or at the end. */
  get chunkAhead(): Chunk | undefined {
    if (this.atEnd || (this.#chunk !== undefined && this.offset < this.#chunk.end)) return undefined;
    return this.#log.chunkAt(this.offset);
  }

  /** Points `message` at the next message and steps behind it; false at the end. */
  next(message: Message): boolean {
    if (this.atEnd) return false;
    if (this.#chunk === undefined || this.offset >= this.#chunk.end) this.#enterChunk();
    const record = this.#bufferStart + this.#position;
    readRecord(this.#buffer, record, message);
    this.#position += recordBytesAt(this.#buffer, record);
    this.offset++;
    return true;
  }

  #enterChunk(): void {
    const chunk = this.#log.chunkAt(this.offset);
    this.#chunk = chunk;
    this.#openRecords(chunk);
    this.#position = 0;
    for (let index = this.offset - chunk.first; index > 0; index--) {
      this.#position += recordBytesAt(this.#buffer, this.#bufferStart + this.#position);
    }
  }

  #openRecords(chunk: Chunk): void {
    this.#buffer = this.#log.loaded.use(chunk);
    this.#bufferStart = chunk.start;
  }
}
