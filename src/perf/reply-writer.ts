// Hot file: runs for every request that is answered.

import { copyBytes } from "../lib/bytes.ts";
import { FRAME_END, FRAME_HEAD_BYTES } from "../wire/frame.ts";
import { encodeMethodFrame } from "../wire/method-codec.ts";
import { CHANNEL, type PerfConnection } from "./connection.ts";
import { STAMP_BYTES } from "./frame-scanner.ts";
import { writeLonglong } from "./longlong.ts";
import { encodeMessageContent, type MessageContent } from "./message-content.ts";
import { WriteMemory } from "./write-memory.ts";

/** About this many octets of replies are written at once. */
const WRITE_BYTES = 64 * 1024;

/** Octets of a basic.publish frame behind the routing key: its flags and the end of the frame. */
const TAIL_BYTES = 2;

/** Octets of a short string: its length and what it says. */
export const SHORT_STRING_BYTES_MAX = 256;

/** Gathers replies, which are all alike but for where they go and their stamp, and writes them together. */
export class ReplyWriter {
  /** A basic.publish to the default exchange up to its routing key. */
  readonly #head: Buffer;
  readonly #content: MessageContent;
  readonly #replyBytesMax: number;
  readonly #stamped: boolean;
  readonly #memory: WriteMemory;

  /** @param bodyBytes octets of the body of a reply */
  constructor(connection: PerfConnection, bodyBytes: number) {
    const method = { exchange: "", routingKey: "", mandatory: false, immediate: false };
    const frame = encodeMethodFrame(CHANNEL, "basic.publish", method);
    this.#head = frame.subarray(0, frame.length - TAIL_BYTES - 1);
    this.#content = encodeMessageContent({ bodyBytes, persistent: false }, connection.frameBytesMax);
    this.#replyBytesMax = this.#head.length + SHORT_STRING_BYTES_MAX + TAIL_BYTES + this.#content.octets.length;
    this.#stamped = bodyBytes >= STAMP_BYTES;
    const memoryBytes = Math.max(WRITE_BYTES, this.#replyBytesMax);
    this.#memory = new WriteMemory(connection, () => Buffer.allocUnsafeSlow(memoryBytes));
  }

  /** Sends a reply to the queue whose name, as a short string, are the first octets of `replyTo`. */
  reply(replyTo: Buffer, stamp: number): void {
    const memory = this.#memory;
    if (memory.octets.length - memory.length < this.#replyBytesMax) memory.flush();
    const { octets, length: start } = memory;
    const replyToBytes = (replyTo[0] as number) + 1;
    copyBytes(this.#head, 0, this.#head.length, octets, start);
    let at = start + this.#head.length;
    copyBytes(replyTo, 0, replyToBytes, octets, at);
    at += replyToBytes;
    octets[at++] = 0;
    octets.writeUInt32BE(at - start - FRAME_HEAD_BYTES, start + 3);
    octets[at++] = FRAME_END;
    copyBytes(this.#content.octets, 0, this.#content.octets.length, octets, at);
    if (this.#stamped) writeLonglong(octets, at + this.#content.bodyAt, stamp);
    memory.length = at + this.#content.octets.length;
  }

  flush(): void {
    this.#memory.flush();
  }
}
