import { encodeContent } from "../wire/content.ts";
import { FRAME_OVERHEAD_BYTES } from "../wire/frame.ts";
import { encodeProperties } from "../wire/properties.ts";
import { CHANNEL } from "./connection.ts";

/** `A` to `Z` and `@`, over and over. */
const FILLING = Buffer.from(Array.from({ length: 27 }, (_, index) => 0x40 + index));

/** What the content of a message is like. */
export interface ContentShape {
  /** Octets of the body. */
  readonly bodyBytes: number;
  readonly persistent: boolean;
  /** The queue that a reply is to be sent to; undefined: none is asked for. */
  readonly replyTo?: string;
}

/** The content header frame and the body frames of a message. */
export interface MessageContent {
  readonly octets: Buffer;
  /** Where the body starts, in its first frame. */
  readonly bodyAt: number;
}

/** @param frameBytesMax octets of a frame that the broker takes; 0: any */
export function encodeMessageContent(shape: ContentShape, frameBytesMax: number): MessageContent {
  const { bodyBytes, persistent, replyTo } = shape;
  const properties = encodeProperties({ ...(persistent ? { deliveryMode: 2 } : {}), replyTo });
  const octets = encodeContent(properties, Buffer.alloc(bodyBytes, FILLING), frameBytesMax);
  for (let frame = 0; frame < octets.length; frame += FRAME_OVERHEAD_BYTES + octets.readUInt32BE(frame + 3)) {
    octets.writeUInt16BE(CHANNEL, frame + 1);
  }
  const headerBytes = FRAME_OVERHEAD_BYTES + octets.readUInt32BE(3);
  return { octets, bodyAt: headerBytes + FRAME_OVERHEAD_BYTES - 1 };
}
