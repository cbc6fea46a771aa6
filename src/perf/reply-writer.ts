// Hot file: runs for every request that is answered.

import { copyBytes } from "../lib/bytes.ts";
import { FRAME_END, FRAME_HEAD_BYTES } from "../wire/frame.ts";
import { encodeMethodFrame } from "../wire/method-codec.ts";
import { CHANNEL, type PerfConnection } from "./connection.ts";
import { STAMP_BYTES } from "./frame-scanner.ts";
import { writeLonglong } from "./longlong.ts";
import { encodeMessageContent, type MessageContent } from "./message-content.ts";

/** About this many octets of replies are written at once. */
const WRITE_BYTES = 64 * 1024;

/** Octets of a basic.publish frame behind the routing key: its flags and the end of the frame. */
const TAIL_BYTES = 2;

/** Octets of a short string: its length and what it says. */
export const SHORT_STRING_BYTES_MAX = 256;

/** Gathers replies, which are all alike but for where they go and their stamp, and writes them together. */
export class ReplyWriter {
  readonly #connection: PerfConnection;
  /** A basic.publish to the default exchange up to its routing key. */
  readonly #head: Buffer;
  readonly #content: MessageContent;
  readonly #replyBytesMax: number;
  readonly #stamped: boolean;
  readonly #free: Buffer[] = [];
  #octets: Buffer;
  #length = 0;

  /** @param bodyBytes octets of the body of a reply */
  constructor(connection: PerfConnection, bodyBytes: number) {
    const method = { exchange: "", routingKey: "", mandatory: false, immediate: false };
    const frame = encodeMethodFrame(CHANNEL, "basic.publish", method);
    this.#connection = connection;
    this.#head = frame.subarray(0, frame.length - TAIL_BYTES - 1);
    this.#content = encodeMessageContent({ bodyBytes, persistent: false }, connection.frameBytesMax);
    this.#replyBytesMax = this.#head.length + SHORT_STRING_BYTES_MAX + TAIL_BYTES + this.#content.octets.length;
    this.#stamped = bodyBytes >= STAMP_BYTES;
    this.#octets = this.#newMemory();
  }

  /** Sends a reply to the queue whose name, as a short string, are the first octets of `replyTo`. */
  reply(replyTo: Buffer, stamp: number): void {
    if (this.#octets.length - this.#length < this.#replyBytesMax) this.flush();
    const octets = this.#octets;
    const start = this.#length;
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
    this.#length = at + this.#content.octets.length;
  }

  flush(): void {
    if (this.#length === 0) return;
    const octets = this.#octets;
    this.#connection.write(octets.subarray(0, this.#length), () => this.#free.push(octets));
    this.#octets = this.#free.pop() ?? this.#newMemory();
    this.#length = 0;
  }

  #newMemory(): Buffer {
    return Buffer.allocUnsafeSlow(Math.max(WRITE_BYTES, this.#replyBytesMax));
  }
}
