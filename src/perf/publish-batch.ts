import { encodeMethodFrame } from "../wire/method-codec.ts";
import { CHANNEL } from "./connection.ts";
import { writeLonglong } from "./longlong.ts";
import { type ContentShape, encodeMessageContent } from "./message-content.ts";

/** About this many octets are written at once. */
const BATCH_BYTES = 64 * 1024;

/** What the messages of a publisher are like. */
export interface MessageShape extends ContentShape {
  readonly exchange: string;
  /** Taken in turn. */
  readonly routingKeys: readonly string[];
}

/** Messages encoded once and sent over and over: as many as fit one write, and at least one per routing key. */
export class PublishBatch {
  readonly octets: Buffer;
  readonly count: number;
  /** Where each message starts; one more for the end of the last. */
  readonly #starts: Float64Array;
  /** Where each body starts. */
  readonly #bodies: Float64Array;

  /** @param frameBytesMax octets of a frame that the broker takes; 0: any */
  constructor(shape: MessageShape, frameBytesMax: number) {
    const { exchange, routingKeys } = shape;
    const { octets: content, bodyAt } = encodeMessageContent(shape, frameBytesMax);
    const methods = routingKeys.map((routingKey) => {
      const args = { exchange, routingKey, mandatory: false, immediate: false };
      return encodeMethodFrame(CHANNEL, "basic.publish", args);
    });
    const roundBytes = methods.reduce((sum, method) => sum + method.length + content.length, 0);
    const rounds = Math.max(1, Math.floor(BATCH_BYTES / roundBytes));
    this.count = rounds * methods.length;
    this.octets = Buffer.allocUnsafeSlow(rounds * roundBytes);
    this.#starts = new Float64Array(this.count + 1);
    this.#bodies = new Float64Array(this.count);
    let at = 0;
    for (let index = 0; index < this.count; index++) {
      at += (methods[index % methods.length] as Buffer).copy(this.octets, at);
      this.#bodies[index] = at + bodyAt;
      at += content.copy(this.octets, at);
      this.#starts[index + 1] = at;
    }
  }

  /** The octets of `count` messages from the one at `index`. */
  slice(index: number, count: number): Buffer {
    if (count === this.count) return this.octets;
    return this.octets.subarray(this.#starts[index], this.#starts[index + count]);
  }

  /** Writes the time, in nanoseconds, into the bodies of `count` messages from the one at `index`. */
  stamp(index: number, count: number, nanoseconds: number): void {
    for (let message = index; message < index + count; message++) {
      writeLonglong(this.octets, this.#bodies[message] as number, nanoseconds);
    }
  }
}
