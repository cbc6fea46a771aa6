import type { Duplex } from "node:stream";
import { FRAME_OVERHEAD_BYTES } from "../wire/frame.ts";

const BUFFER_BYTES = 64 * 1024;

/** Gathers the frames of a turn of the event loop and hands them to the stream as few large writes. */
export class Outgoing {
  /** Whether anything was written since this was last set to false. */
  sentAny = false;
  readonly #stream: Duplex;
  #buffer: Buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  #length = 0;
  #scheduled = false;

  constructor(stream: Duplex) {
    this.#stream = stream;
  }

  /** Writes bytes, which may change afterwards, at the end of the turn. */
  write(bytes: Uint8Array): void {
    this.sentAny = true;
    if (this.#length + bytes.length > this.#buffer.length) this.#flush();
    if (bytes.length > this.#buffer.length) {
      if (!this.#stream.writableEnded && !this.#stream.destroyed) this.#stream.write(Buffer.from(bytes));
      return;
    }
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  /** Like {@link write}, for whole frames of any channel, which are sent on `channel`. Changes `frames`. */
  writeOnChannel(frames: Buffer, channel: number): void {
    for (let start = 0; start < frames.length; start += frames.readUInt32BE(start + 3) + FRAME_OVERHEAD_BYTES) {
      frames.writeUInt16BE(channel, start + 1);
    }
    this.write(frames);
  }

  /** Settles when the stream takes more without buffering, or is gone. */
  async drained(): Promise<void> {
    this.#flush();
    const stream = this.#stream;
    if (!stream.writableNeedDrain || stream.destroyed) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        stream.off("drain", done);
        stream.off("close", done);
        resolve();
      };
      stream.on("drain", done);
      stream.on("close", done);
    });
  }

  /** Writes what is left and ends the stream. */
  end(): void {
    this.#flush();
    this.#stream.end();
  }

  #flush(): void {
    if (this.#length === 0 || this.#stream.writableEnded || this.#stream.destroyed) {
      this.#length = 0;
      return;
    }
    this.#stream.write(this.#buffer.subarray(0, this.#length));
    // The stream may still hold the written part, so it is never written over.
    this.#buffer = this.#buffer.subarray(this.#length);
    this.#length = 0;
    if (this.#buffer.length < BUFFER_BYTES / 2) this.#buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  }
}
