import { encodeContent } from "../wire/content.ts";
import { FRAME_OVERHEAD_BYTES } from "../wire/frame.ts";
import { encodeMethodFrame } from "../wire/method-codec.ts";
import { encodeProperties } from "../wire/properties.ts";
import { CHANNEL } from "./connection.ts";

/** About this many octets are written at once. */
const BATCH_BYTES = 64 * 1024;

/** `A` to `Z` and `@`, over and over. */
const FILLING = Buffer.from(Array.from({ length: 27 }, (_, index) => 0x40 + index));

/** What the messages of a publisher are like. */
export interface MessageShape {
  readonly exchange: string;
  /** Taken in turn. */
  readonly routingKeys: readonly string[];
  /** Octets of the body. */
  readonly bodyBytes: number;
  readonly persistent: boolean;
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
    const content = encodeMessageContent(shape, frameBytesMax);
    const headerBytes = FRAME_OVERHEAD_BYTES + content.readUInt32BE(3);
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
      this.#bodies[index] = at + headerBytes + FRAME_OVERHEAD_BYTES - 1;
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
    const { octets } = this;
    const high = Math.floor(nanoseconds / 0x100000000);
    const low = nanoseconds % 0x100000000;
    for (let message = index; message < index + count; message++) {
      const at = this.#bodies[message] as number;
      octets.writeUInt32BE(high, at);
      octets.writeUInt32BE(low, at + 4);
    }
  }
}

function encodeMessageContent({ bodyBytes, persistent }: MessageShape, frameBytesMax: number): Buffer {
  const properties = encodeProperties(persistent ? { deliveryMode: 2 } : {});
  const body = Buffer.alloc(bodyBytes, FILLING);
  const content = encodeContent(properties, body, frameBytesMax);
  for (let frame = 0; frame < content.length; frame += FRAME_OVERHEAD_BYTES + content.readUInt32BE(frame + 3)) {
    content.writeUInt16BE(CHANNEL, frame + 1);
  }
  return content;
}
