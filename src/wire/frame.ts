/**
 * Constants of the frame format: an octet type, a short channel, a long payload size, the payload, a frame-end octet.
 * Source: AMQP 0-9-1 sections 2.3.5, 4.2.2 and 4.2.3.
 */

export const FRAME_METHOD = 1;
export const FRAME_HEADER = 2;
export const FRAME_BODY = 3;
export const FRAME_HEARTBEAT = 8;

/** The last octet of every frame. */
export const FRAME_END = 0xce;

/** Octets before the payload: type, channel, payload size. */
export const FRAME_HEAD_BYTES = 7;

/** Octets of a frame that are not payload: its head and its end. */
export const FRAME_OVERHEAD_BYTES = 8;

/** The smallest frame-max a peer may ask for (`frame-min-size`). */
export const FRAME_MIN_BYTES = 4096;

/** Octets at the start of a content header's payload: class id, weight, body size. The property flags follow. */
export const CONTENT_HEADER_BYTES = 12;

/** A whole heartbeat frame. Shared: write it, never change it. */
export const HEARTBEAT_FRAME: Buffer = Buffer.of(FRAME_HEARTBEAT, 0, 0, 0, 0, 0, 0, FRAME_END);

/** The eight octets with which a client opens the conversation: "AMQP", 0, 0, 9, 1. */
export const PROTOCOL_HEADER: Buffer = Buffer.from("AMQP\x00\x00\x09\x01", "latin1");
