// Hot file: writes every delivery. One copy of the content, no allocation; large bodies are sent from where they are.

import type { HeldBuffer, Message } from "../core/message.ts";
import { copyBytes } from "../lib/bytes.ts";
import { contentBodyBytes, contentPropertiesEnd, reframeContent } from "../wire/content.ts";
import { FRAME_BODY, FRAME_END, FRAME_HEAD_BYTES, FRAME_METHOD, FRAME_OVERHEAD_BYTES } from "../wire/frame.ts";
import { METHODS } from "../wire/methods.ts";
import type { Outbox } from "./outbox.ts";

const HIGH = 2 ** 32;
const { classId: BASIC, methodId: DELIVER } = METHODS["basic.deliver"];
/** Octets of class id and method id. */
const METHOD_ID_BYTES = 4;
/** Octets of delivery tag and redelivered bit. */
const TAG_BYTES = 9;

/** Larger content is sent from where it is, but to clients that take small frames only. */
const SHARED_BYTES_MIN = 64 * 1024;
/** Below this a copy costs less than a piece for each frame. */
const SHARED_FRAME_BYTES_MIN = 16 * 1024;

/** The start of every basic.deliver to one consumer: frame head without size, method ids, consumer tag. */
export function prepareDeliver(channelNumber: number, consumerTag: string): Buffer {
  const tag = Buffer.from(consumerTag);
  const prepared = Buffer.alloc(FRAME_HEAD_BYTES + METHOD_ID_BYTES + 1 + tag.length);
  prepared[0] = FRAME_METHOD;
  prepared.writeUInt16BE(channelNumber, 1);
  prepared.writeUInt16BE(BASIC, FRAME_HEAD_BYTES);
  prepared.writeUInt16BE(DELIVER, FRAME_HEAD_BYTES + 2);
  prepared[FRAME_HEAD_BYTES + METHOD_ID_BYTES] = tag.length;
  tag.copy(prepared, FRAME_HEAD_BYTES + METHOD_ID_BYTES + 1);
  return prepared;
}

/**
 * Writes a basic.deliver frame and the content of `message`.
 *
 * @param prepared what {@link prepareDeliver} made
 * @param frameBytesMax the largest frame the client takes; 0: any
 */
export function writeDeliver(
  outbox: Outbox,
  prepared: Buffer,
  channelNumber: number,
  deliveryTag: number,
  redelivered: boolean,
  message: Message,
  frameBytesMax: number,
): void {
  const addressBytes = message.addressEnd - message.addressStart;
  const preparedBytes = prepared.length;
  const methodBytes = preparedBytes + TAG_BYTES + addressBytes + 1;
  const payloadBytes = methodBytes - FRAME_HEAD_BYTES - 1;
  const owner = sharingOwner(message, frameBytesMax);
  const content = owner === undefined ? contentFor(message, frameBytesMax) : message.buffer;
  const contentStart = content === message.buffer ? message.contentStart : 0;
  const contentEnd = content === message.buffer ? message.contentEnd : content.length;
  const start = outbox.reserve(owner === undefined ? methodBytes + contentEnd - contentStart : methodBytes);
  const { buffer } = outbox;
  copyBytes(prepared, 0, preparedBytes, buffer, start);
  buffer[start + 5] = payloadBytes >>> 8;
  buffer[start + 6] = payloadBytes;
  let offset = start + preparedBytes;
  const high = deliveryTag < HIGH ? 0 : Math.floor(deliveryTag / HIGH);
  buffer[offset] = high >>> 24;
  buffer[offset + 1] = high >>> 16;
  buffer[offset + 2] = high >>> 8;
  buffer[offset + 3] = high;
  buffer[offset + 4] = deliveryTag >>> 24;
  buffer[offset + 5] = deliveryTag >>> 16;
  buffer[offset + 6] = deliveryTag >>> 8;
  buffer[offset + 7] = deliveryTag;
  buffer[offset + 8] = redelivered ? 1 : 0;
  offset += TAG_BYTES;
  copyBytes(message.buffer, message.addressStart, message.addressEnd, buffer, offset);
  offset += addressBytes;
  buffer[offset] = FRAME_END;
  if (owner === undefined) writeContent(buffer, offset + 1, content, contentStart, contentEnd, channelNumber);
  else shareContent(outbox, owner, contentStart, channelNumber, frameBytesMax);
}

/** Writes the content of `message` behind a method frame that has been written already. */
export function writeMessageContent(
  outbox: Outbox,
  channelNumber: number,
  message: Message,
  frameBytesMax: number,
): void {
  const owner = sharingOwner(message, frameBytesMax);
  if (owner !== undefined) {
    shareContent(outbox, owner, message.contentStart, channelNumber, frameBytesMax);
    return;
  }
  const content = contentFor(message, frameBytesMax);
  const contentStart = content === message.buffer ? message.contentStart : 0;
  const contentEnd = content === message.buffer ? message.contentEnd : content.length;
  const offset = outbox.reserve(contentEnd - contentStart);
  writeContent(outbox.buffer, offset, content, contentStart, contentEnd, channelNumber);
}

/** The buffer with the content in frames that the client takes: that of the message, or a new one. */
function contentFor(message: Message, frameBytesMax: number): Buffer {
  if (frameBytesMax === 0 || message.contentEnd - message.contentStart <= frameBytesMax) return message.buffer;
  // Canonical content: no frame is larger than the first body frame, behind the content header.
  const bodyFrame = contentPropertiesEnd(message.buffer, message.contentStart) + 1;
  if (bodyFrame + FRAME_OVERHEAD_BYTES > message.contentEnd) return message.buffer;
  if (message.buffer.readUInt32BE(bodyFrame + 3) + FRAME_OVERHEAD_BYTES <= frameBytesMax) return message.buffer;
  return reframeContent(message.buffer, message.contentStart, message.contentEnd, frameBytesMax);
}

/** Who keeps the octets of `message` until they are sent; undefined when they are to be copied. */
function sharingOwner(message: Message, frameBytesMax: number): HeldBuffer | undefined {
  if (message.contentEnd - message.contentStart <= SHARED_BYTES_MIN) return undefined;
  if (frameBytesMax !== 0 && frameBytesMax < SHARED_FRAME_BYTES_MIN) return undefined;
  const { owner } = message;
  return owner?.buffer === message.buffer ? owner : undefined;
}

/** Writes the content header frame, and of the body frames what is not payload, which is sent from where it is. */
function shareContent(
  outbox: Outbox,
  owner: HeldBuffer,
  contentStart: number,
  channelNumber: number,
  frameBytesMax: number,
): void {
  const content = owner.buffer;
  const headerEnd = contentPropertiesEnd(content, contentStart) + 1;
  const header = outbox.reserve(headerEnd - contentStart);
  writeContent(outbox.buffer, header, content, contentStart, headerEnd, channelNumber);
  let bodyLeft = contentBodyBytes(content, contentStart);
  const payloadBytesMax = frameBytesMax === 0 ? bodyLeft : frameBytesMax - FRAME_OVERHEAD_BYTES;
  // What is left of the frame that is being sent, and of the one that is kept: they need not be of the same size.
  let frameLeft = 0;
  let kept = headerEnd;
  let from = 0;
  let keptEnd = 0;
  while (bodyLeft > 0) {
    if (from === keptEnd) {
      from = kept + FRAME_HEAD_BYTES;
      keptEnd = from + content.readUInt32BE(from - 4);
      kept = keptEnd + 1;
    }
    if (frameLeft === 0) {
      frameLeft = Math.min(bodyLeft, payloadBytesMax);
      writeBodyHead(outbox, channelNumber, frameLeft);
    }
    const to = Math.min(keptEnd, from + frameLeft);
    outbox.share(owner, from, to);
    frameLeft -= to - from;
    bodyLeft -= to - from;
    from = to;
    if (frameLeft > 0) continue;
    const end = outbox.reserve(1);
    outbox.buffer[end] = FRAME_END;
  }
}

function writeBodyHead(outbox: Outbox, channelNumber: number, payloadBytes: number): void {
  const head = outbox.reserve(FRAME_HEAD_BYTES);
  const { buffer } = outbox;
  buffer[head] = FRAME_BODY;
  buffer.writeUInt16BE(channelNumber, head + 1);
  buffer.writeUInt32BE(payloadBytes, head + 3);
}

function writeContent(
  target: Buffer,
  offset: number,
  content: Buffer,
  contentStart: number,
  contentEnd: number,
  channelNumber: number,
): void {
  copyBytes(content, contentStart, contentEnd, target, offset);
  const end = offset + contentEnd - contentStart;
  let frame = offset;
  while (frame < end) {
    target[frame + 1] = channelNumber >>> 8;
    target[frame + 2] = channelNumber;
    const frameBytes =
      (((target[frame + 3] as number) << 24) |
        ((target[frame + 4] as number) << 16) |
        ((target[frame + 5] as number) << 8) |
        (target[frame + 6] as number)) +
      FRAME_HEAD_BYTES +
      1;
    frame += frameBytes;
  }
}
