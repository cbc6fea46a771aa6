// Hot file: runs for every frame received; allocates only for frames that a chunk cuts.

import { assert } from "../lib/assert.ts";
import {
  CONTENT_HEADER_BYTES,
  FRAME_BODY,
  FRAME_END,
  FRAME_HEAD_BYTES,
  FRAME_HEADER,
  FRAME_HEARTBEAT,
  FRAME_METHOD,
  FRAME_OVERHEAD_BYTES,
} from "./frame.ts";
import { frameTooLarge, invalidFrameEnd, unexpectedFrame, unknownFrame } from "./frame-errors.ts";

const EMPTY = Buffer.alloc(0);

/** Octets of a method frame's payload that every method has: class id and method id. */
const METHOD_ID_BYTES = 4;

/** First allocation for a cut frame, made before its size may be known. */
const PARTIAL_BYTES_MIN = 256;

/** A peer's mere announcement of a large frame costs no more memory than this; beyond it, memory follows what arrives. */
const PARTIAL_BYTES_AT_ONCE = 1024 * 1024;

/** Octets of a payload that are kept for errors: those that are quoted, and one that tells whether there are more. */
const QUOTED_BYTES = 17;

/**
 * Cuts the octets of a connection into frames.
 *
 * After `push(chunk)` call `next()` until it returns false. Each time it returns true the other fields describe one
 * complete frame, until the following call; the octets in `buffer` never change, but are those of the socket's chunk,
 * so that whoever keeps them for long should copy them.
 *
 * Asked to, it hands out a body frame that a chunk cuts piece by piece, as it comes, so that a body need not be put
 * together twice. `frameComplete` is false for every piece but the last, which may be empty.
 *
 * `next()` throws WireError for a frame that is too large or that RabbitMQ would not take either; the reader must not
 * be used after that.
 */
export class FrameReader {
  /**
   * Largest payload accepted, in octets; 0: no limit. The same number as the negotiated frame-max, which by the letter
   * limits the whole frame: RabbitMQ tolerates the 8 octets.
   */
  frameBytesMax: number;
  buffer: Buffer = EMPTY;
  /** Frame type: method, header, body or heartbeat. */
  type = 0;
  channel = 0;
  payloadStart = 0;
  payloadEnd = 0;
  /** False for a piece of a frame that is not the last. */
  frameComplete = true;

  #chunk: Buffer = EMPTY;
  #offset = 0;
  /** The beginning of a frame whose rest is yet to come; our own memory. */
  #partial: Buffer = EMPTY;
  #partialBytes = 0;
  readonly #bodiesInPieces: boolean;
  /** Octets of the payload of the cut frame that have been handed out. */
  #handedOutBytes = 0;

  /** @param bodiesInPieces whether body frames that a chunk cuts are handed out in pieces */
  constructor(frameBytesMax: number, bodiesInPieces = false) {
    this.frameBytesMax = frameBytesMax;
    this.#bodiesInPieces = bodiesInPieces;
  }

  /** Octets kept of a frame whose end has not come yet. */
  get pendingBytes(): number {
    return this.#partialBytes;
  }

  /** Takes the connection's next octets. `chunk` must not change afterwards. */
  push(chunk: Buffer): void {
    assert(this.#offset === this.#chunk.length, "the previous chunk has been read to its end");
    this.#chunk = chunk;
    this.#offset = 0;
  }

  /** Moves to the next complete frame; false when there is none yet. */
  next(): boolean {
    const chunk = this.#chunk;
    const start = this.#offset;
    const available = chunk.length - start;
    if (this.#partialBytes !== 0 || available < FRAME_HEAD_BYTES) return this.#nextOfPartial();
    const payloadBytes = this.#payloadBytes(chunk, start);
    if (available < payloadBytes + FRAME_OVERHEAD_BYTES) return this.#nextOfPartial();
    this.#offset = start + payloadBytes + FRAME_OVERHEAD_BYTES;
    this.#expose(chunk, start, payloadBytes);
    return true;
  }

  /** Completes the cut frame from the chunk, or keeps what there is of it. */
  #nextOfPartial(): boolean {
    this.#take(FRAME_HEAD_BYTES);
    if (this.#partialBytes < FRAME_HEAD_BYTES) return this.#none();
    const payloadBytes = this.#payloadBytes(this.#partial, 0);
    const channel = channelAt(this.#partial, 0);
    if (this.#bodiesInPieces && this.#partial[0] === FRAME_BODY && channel !== 0) {
      return this.#nextPiece(channel, payloadBytes);
    }
    this.#take(payloadBytes + FRAME_OVERHEAD_BYTES);
    if (this.#partialBytes < payloadBytes + FRAME_OVERHEAD_BYTES) return this.#none();
    const frame = this.#partial;
    this.#partial = EMPTY;
    this.#partialBytes = 0;
    this.#expose(frame, 0, payloadBytes);
    return true;
  }

  /** Hands out what the chunk has of a body frame, of which only the head and what errors quote are kept. */
  #nextPiece(channel: number, payloadBytes: number): boolean {
    const chunk = this.#chunk;
    const start = this.#offset;
    const availableBytes = chunk.length - start;
    if (availableBytes === 0) return this.#none();
    const handedOutBytes = this.#handedOutBytes;
    const end = start + Math.min(payloadBytes - handedOutBytes, availableBytes);
    if (handedOutBytes < QUOTED_BYTES) {
      const quotedEnd = Math.min(end, start + QUOTED_BYTES - handedOutBytes);
      chunk.copy(this.#partial, FRAME_HEAD_BYTES + handedOutBytes, start, quotedEnd);
    }
    this.buffer = chunk;
    this.type = FRAME_BODY;
    this.channel = channel;
    this.payloadStart = start;
    this.payloadEnd = end;
    this.frameComplete = end < chunk.length;
    if (this.frameComplete) this.#endPieces(end, payloadBytes);
    else this.#handedOutBytes = handedOutBytes + end - start;
    this.#offset = this.frameComplete ? end + 1 : end;
    return true;
  }

  /** The cut frame ends at `end` of the chunk. */
  #endPieces(end: number, payloadBytes: number): void {
    if (this.#chunk[end] !== FRAME_END) {
      const quotedEnd = FRAME_HEAD_BYTES + Math.min(payloadBytes, QUOTED_BYTES);
      this.#partial[quotedEnd] = this.#chunk[end] as number;
      throw invalidFrameEnd(FRAME_BODY, this.#partial, FRAME_HEAD_BYTES, quotedEnd);
    }
    this.#partial = EMPTY;
    this.#partialBytes = 0;
    this.#handedOutBytes = 0;
  }

  /** The whole chunk is used up: lets go of it, as the connection may now be idle for long. */
  #none(): false {
    this.buffer = EMPTY;
    this.#chunk = EMPTY;
    this.#offset = 0;
    return false;
  }

  /** Moves octets from the chunk until the partial frame has `wanted` of them or the chunk is used up. */
  #take(wanted: number): void {
    const bytes = Math.min(wanted - this.#partialBytes, this.#chunk.length - this.#offset);
    if (bytes <= 0) return;
    const kept = this.#partialBytes + bytes;
    if (kept > this.#partial.length) this.#grow(wanted, kept);
    this.#chunk.copy(this.#partial, this.#partialBytes, this.#offset, this.#offset + bytes);
    this.#partialBytes = kept;
    this.#offset += bytes;
  }

  #grow(wanted: number, kept: number): void {
    const atOnce = Math.max(PARTIAL_BYTES_AT_ONCE, kept * 2);
    const grown = Buffer.allocUnsafe(Math.max(Math.min(wanted, atOnce), PARTIAL_BYTES_MIN));
    this.#partial.copy(grown, 0, 0, this.#partialBytes);
    this.#partial = grown;
  }

  #payloadBytes(buffer: Buffer, start: number): number {
    const payloadBytes =
      (((buffer[start + 3] as number) << 24) |
        ((buffer[start + 4] as number) << 16) |
        ((buffer[start + 5] as number) << 8) |
        (buffer[start + 6] as number)) >>>
      0;
    if (payloadBytes > this.frameBytesMax && this.frameBytesMax !== 0) {
      throw frameTooLarge(buffer[start] as number, payloadBytes, this.frameBytesMax);
    }
    return payloadBytes;
  }

  #expose(buffer: Buffer, start: number, payloadBytes: number): void {
    const type = buffer[start] as number;
    const channel = channelAt(buffer, start);
    const payloadStart = start + FRAME_HEAD_BYTES;
    const payloadEnd = payloadStart + payloadBytes;
    if (buffer[payloadEnd] !== FRAME_END) throw invalidFrameEnd(type, buffer, payloadStart, payloadEnd);
    if (!isKnownFrame(type, payloadBytes)) throw unknownFrame(type, buffer, payloadStart, payloadEnd);
    if (!belongsOnChannel(type, channel)) throw unexpectedFrame(type, buffer, payloadStart, payloadEnd);
    this.buffer = buffer;
    this.type = type;
    this.channel = channel;
    this.payloadStart = payloadStart;
    this.payloadEnd = payloadEnd;
  }
}

function channelAt(buffer: Buffer, start: number): number {
  return ((buffer[start + 1] as number) << 8) | (buffer[start + 2] as number);
}

function isKnownFrame(type: number, payloadBytes: number): boolean {
  switch (type) {
    case FRAME_METHOD:
      return payloadBytes >= METHOD_ID_BYTES;
    case FRAME_HEADER:
      return payloadBytes >= CONTENT_HEADER_BYTES;
    case FRAME_BODY:
      return true;
    case FRAME_HEARTBEAT:
      return payloadBytes === 0;
    default:
      return false;
  }
}

/** Heartbeats are the connection's; content is a channel's; methods are either's. */
function belongsOnChannel(type: number, channel: number): boolean {
  if (type === FRAME_METHOD) return true;
  return (type === FRAME_HEARTBEAT) === (channel === 0);
}
