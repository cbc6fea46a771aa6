// Hot file: runs for every request.

import { copyBytes } from "../lib/bytes.ts";
import { findProperty, PROPERTY_FLAGS } from "../wire/properties.ts";
import { AckWriter } from "./ack-writer.ts";
import type { PerfConnection } from "./connection.ts";
import type { Traffic } from "./frame-scanner.ts";
import { ReplyWriter, SHORT_STRING_BYTES_MAX } from "./reply-writer.ts";

/** Answers every request at once, with the stamp that came with it. */
export class Responder implements Traffic {
  answered = 0;
  readonly #replies: ReplyWriter;
  readonly #acks: AckWriter | undefined;
  readonly #ackBatch: number;
  /** Where the current request wants its reply: a short string. */
  readonly #replyTo = Buffer.alloc(SHORT_STRING_BYTES_MAX);
  /** Latest request, and how many are not acknowledged. */
  #deliveryTag = 0;
  #unacked = 0;

  /** @param ackBatch requests that one acknowledgement covers; 0: automatic acknowledgement */
  constructor(connection: PerfConnection, bodyBytes: number, ackBatch: number) {
    this.#replies = new ReplyWriter(connection, bodyBytes);
    this.#ackBatch = ackBatch;
    if (ackBatch > 0) this.#acks = new AckWriter(connection, ackBatch > 1);
  }

  properties(octets: Buffer, start: number, end: number): void {
    const at = findProperty(octets, start, end, PROPERTY_FLAGS.replyTo);
    this.#replyTo[0] = 0;
    if (at >= 0) copyBytes(octets, at, at + 1 + (octets[at] as number), this.#replyTo, 0);
  }

  message(deliveryTag: number, stamp: number): void {
    if (this.#replyTo[0] !== 0) {
      this.#replies.reply(this.#replyTo, stamp);
      this.answered++;
    }
    if (this.#ackBatch === 0) return;
    this.#deliveryTag = deliveryTag;
    if (++this.#unacked >= this.#ackBatch) this.#ack();
  }

  nothing(): void {}
  confirm(): void {}

  readEnd(): void {
    this.#replies.flush();
    this.#acks?.flush();
  }

  /** Acknowledges what the last batch has left over. */
  finish(): void {
    if (this.#unacked > 0) this.#ack();
    this.readEnd();
  }

  #ack(): void {
    this.#unacked = 0;
    (this.#acks as AckWriter).ack(this.#deliveryTag);
  }
}
