// Hot file: every octet received passes here.

import { Amqp10Error } from "./error-condition.ts";

const PROTOCOL_HEADER_BYTES = 8;
const FRAME_HEAD_BYTES = 8;
const NOTHING = Buffer.alloc(0);

export const TYPE_AMQP = 0;
export const TYPE_SASL = 1;

/**
 * Cuts what is received into protocol headers and frames. A frame that arrives whole is used where it lies; one that
 * does not is put together. Source: AMQP 1.0, part 2.3.
 */
export class FrameInput {
  /** The largest frame taken. */
  frameBytesMax: number;
  /** Where the current frame is. */
  buffer: Buffer = NOTHING;
  type = TYPE_AMQP;
  channel = 0;
  bodyStart = 0;
  bodyEnd = 0;
  /** What has been received and not been used, in order. */
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** Offset of the first unused octet in the first chunk. */
  #offset = 0;

  constructor(frameBytesMax: number) {
    this.frameBytesMax = frameBytesMax;
  }

  push(octets: Buffer): void {
    if (octets.length === 0) return;
    this.#chunks.push(octets);
    this.#bytes += octets.length;
  }

  /** Drops what has been received and not been used. */
  forget(): void {
    this.#chunks = [];
    this.#bytes = 0;
    this.#offset = 0;
  }

  /** The next protocol header; undefined when it is not complete. */
  nextHeader(): Buffer | undefined {
    if (this.#bytes < PROTOCOL_HEADER_BYTES) return undefined;
    const start = this.#take(PROTOCOL_HEADER_BYTES);
    return this.buffer.subarray(start, start + PROTOCOL_HEADER_BYTES);
  }

  /**
   * Moves to the next frame; false when it is not complete.
   *
   * @throws Amqp10Error amqp:connection:framing-error
   */
  next(): boolean {
    if (this.#bytes < FRAME_HEAD_BYTES) return false;
    const head = this.#join(FRAME_HEAD_BYTES);
    const size = head.readUInt32BE(this.#offset);
    if (size > this.frameBytesMax) {
      throw framingError(`frame size (${size} bytes) > maximum frame size (${this.frameBytesMax} bytes)`);
    }
    const bodyOffset = (head[this.#offset + 4] as number) * 4;
    if (bodyOffset < FRAME_HEAD_BYTES || bodyOffset > size)
      throw framingError(`data offset ${bodyOffset} is out of range`);
    if (this.#bytes < size) return false;
    const start = this.#take(size);
    this.type = this.buffer[start + 5] as number;
    this.channel = this.buffer.readUInt16BE(start + 6);
    this.bodyStart = start + bodyOffset;
    this.bodyEnd = start + size;
    return true;
  }

  /** Uses up `bytes` octets, which lie in `buffer` then; returns their offset. */
  #take(bytes: number): number {
    this.buffer = this.#join(bytes);
    const start = this.#offset;
    this.#offset += bytes;
    this.#bytes -= bytes;
    if (this.#offset === this.buffer.length) {
      this.#chunks.shift();
      this.#offset = 0;
    }
    return start;
  }

  /** Makes the first chunk hold at least `bytes` unused octets, of which there are so many, and returns it. */
  #join(bytes: number): Buffer {
    const first = this.#chunks[0] as Buffer;
    if (first.length - this.#offset >= bytes) return first;
    const parts = [first.subarray(this.#offset)];
    let joined = first.length - this.#offset;
    let used = 1;
    while (joined < bytes) {
      const chunk = this.#chunks[used++] as Buffer;
      parts.push(chunk);
      joined += chunk.length;
    }
    const buffer = Buffer.concat(parts, joined);
    this.#chunks.splice(0, used, buffer);
    this.#offset = 0;
    return buffer;
  }
}

function framingError(description: string): Amqp10Error {
  return new Amqp10Error("amqp:connection:framing-error", description);
}
