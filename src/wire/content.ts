/**
 * Content in the canonical form that the broker keeps and sends: one content header frame, then the body frames, on
 * channel 0. Every body frame but the last is as large as `frameBytesMax` allows; none is empty; an empty body has
 * none. The functions trust the octets to be of this form.
 */

import {
  CONTENT_HEADER_BYTES,
  FRAME_BODY,
  FRAME_END,
  FRAME_HEAD_BYTES,
  FRAME_HEADER,
  FRAME_OVERHEAD_BYTES,
} from "./frame.ts";

const BASIC_CLASS_ID = 60;
const NO_OCTETS = Buffer.alloc(0);

/** Where something is in a buffer; `end` is exclusive. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * Content of class basic.
 *
 * @param properties property flags and properties, as `encodeProperties` makes them
 * @param frameBytesMax the size of a whole frame that the body frames may not exceed; 0: no limit. A content header
 *   frame cannot be split and may exceed it.
 */
export function encodeContent(properties: Buffer, body: Buffer, frameBytesMax: number): Buffer {
  const chunkBytes = frameBytesMax === 0 ? body.length : frameBytesMax - FRAME_OVERHEAD_BYTES;
  const frameCount = body.length === 0 ? 0 : Math.ceil(body.length / chunkBytes);
  const content = Buffer.allocUnsafe(
    headerFrameBytes(properties.length) + body.length + frameCount * FRAME_OVERHEAD_BYTES,
  );
  let offset = writeHeaderFrame(content, properties, body.length);
  for (let start = 0; start < body.length; start += chunkBytes) {
    const end = Math.min(start + chunkBytes, body.length);
    offset = writeFrameHead(content, offset, FRAME_BODY, end - start);
    offset += body.copy(content, offset, start, end);
    offset = content.writeUInt8(FRAME_END, offset);
  }
  return content;
}

/** Where the property flags and properties are. */
export function contentProperties(buffer: Buffer, contentStart: number): Range {
  return { start: contentPropertiesStart(contentStart), end: contentPropertiesEnd(buffer, contentStart) };
}

/** Offset of the property flags. */
export function contentPropertiesStart(contentStart: number): number {
  return contentStart + FRAME_HEAD_BYTES + CONTENT_HEADER_BYTES;
}

/** Offset behind the last property. */
export function contentPropertiesEnd(buffer: Buffer, contentStart: number): number {
  return contentStart + FRAME_HEAD_BYTES + payloadBytes(buffer, contentStart);
}

/** Octets of the body, as the content header says. */
export function contentBodyBytes(buffer: Buffer, contentStart: number): number {
  const at = contentStart + FRAME_HEAD_BYTES + 4;
  return buffer.readUInt32BE(at) * 0x100000000 + buffer.readUInt32BE(at + 4);
}

/** The body. It shares memory with `buffer` when it is in a single frame; more frames are joined in a new buffer. */
export function contentBody(buffer: Buffer, contentStart: number, contentEnd: number): Buffer {
  const bodyStart = contentPropertiesEnd(buffer, contentStart) + 1;
  if (bodyStart === contentEnd) return NO_OCTETS;
  if (bodyStart + FRAME_OVERHEAD_BYTES + payloadBytes(buffer, bodyStart) === contentEnd) {
    return buffer.subarray(bodyStart + FRAME_HEAD_BYTES, contentEnd - 1);
  }
  const body = Buffer.allocUnsafe(contentBodyBytes(buffer, contentStart));
  let bodyOffset = 0;
  let frame = bodyStart;
  while (frame < contentEnd) {
    const start = frame + FRAME_HEAD_BYTES;
    const end = start + payloadBytes(buffer, frame);
    bodyOffset += buffer.copy(body, bodyOffset, start, end);
    frame = end + 1;
  }
  return body;
}

/** The same content for a receiver with another maximum frame size. */
export function reframeContent(
  buffer: Buffer,
  contentStart: number,
  contentEnd: number,
  frameBytesMax: number,
): Buffer {
  const properties = buffer.subarray(contentPropertiesStart(contentStart), contentPropertiesEnd(buffer, contentStart));
  return encodeContent(properties, contentBody(buffer, contentStart, contentEnd), frameBytesMax);
}

/** The same body, in the same frames, with other properties. */
export function withProperties(buffer: Buffer, contentStart: number, contentEnd: number, properties: Buffer): Buffer {
  const bodyStart = contentPropertiesEnd(buffer, contentStart) + 1;
  const content = Buffer.allocUnsafe(headerFrameBytes(properties.length) + contentEnd - bodyStart);
  const offset = writeHeaderFrame(content, properties, contentBodyBytes(buffer, contentStart));
  buffer.copy(content, offset, bodyStart, contentEnd);
  return content;
}

function headerFrameBytes(propertiesBytes: number): number {
  return FRAME_OVERHEAD_BYTES + CONTENT_HEADER_BYTES + propertiesBytes;
}

function writeHeaderFrame(content: Buffer, properties: Buffer, bodyBytes: number): number {
  let offset = writeFrameHead(content, 0, FRAME_HEADER, CONTENT_HEADER_BYTES + properties.length);
  offset = content.writeUInt16BE(BASIC_CLASS_ID, offset);
  offset = content.writeUInt16BE(0, offset);
  offset = content.writeBigUInt64BE(BigInt(bodyBytes), offset);
  offset += properties.copy(content, offset);
  return content.writeUInt8(FRAME_END, offset);
}

function writeFrameHead(content: Buffer, start: number, type: number, bytes: number): number {
  const offset = content.writeUInt8(type, start);
  return content.writeUInt32BE(bytes, content.writeUInt16BE(0, offset));
}

function payloadBytes(buffer: Buffer, frameStart: number): number {
  return buffer.readUInt32BE(frameStart + 3);
}
