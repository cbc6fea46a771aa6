// Hot file: header and body run for every publish.

import { BrokerError } from "../core/errors.ts";
import { Message } from "../core/message.ts";
import { WireError } from "../wire/errors.ts";
import {
  CONTENT_HEADER_BYTES,
  FRAME_BODY,
  FRAME_HEAD_BYTES,
  FRAME_HEADER,
  FRAME_OVERHEAD_BYTES,
} from "../wire/frame.ts";
import type { FrameReader } from "../wire/frame-reader.ts";
import { METHODS } from "../wire/methods.ts";
import { checkProperties } from "../wire/properties.ts";
import type { MessageBuilder } from "./message-builder.ts";

const { classId: BASIC, methodId: PUBLISH } = METHODS["basic.publish"];

/** RabbitMQ takes no declared body size above this, whatever the configuration says. */
const BODY_BYTES_LIMIT = 536_870_912;

const NOTHING = Buffer.alloc(0);

/**
 * Puts the frames of one publish together. A message whose frames arrive side by side in one read, as nearly all
 * do, is used where it lies; any other is copied as it comes, to where it stays.
 */
export class ContentAssembler {
  readonly message = new Message();
  /** True between basic.publish and the end of its content. */
  active = false;
  readonly #bodyBytesMax: number;
  readonly #frameBytesMax: number;
  readonly #builder: MessageBuilder;
  /** Exchange name and routing key, in the buffer they came in. */
  #addressBuffer: Buffer = NOTHING;
  #addressStart = 0;
  #addressEnd = 0;
  #headerBuffer: Buffer = NOTHING;
  /** Offset of the content header frame. */
  #headerStart = 0;
  #headerEnd = 0;
  #awaitingHeader = false;
  #bodyBytes = 0;

  /**
   * @param bodyBytesMax largest body taken
   * @param frameBytesMax frame size in which content is kept
   * @param builder of the channel's own
   */
  constructor(bodyBytesMax: number, frameBytesMax: number, builder: MessageBuilder) {
    this.#bodyBytesMax = bodyBytesMax;
    this.#frameBytesMax = frameBytesMax;
    this.#builder = builder;
  }

  /** A basic.publish has come; `start` to `end` of `buffer` are exchange name and routing key, as shortstrs. */
  begin(buffer: Buffer, start: number, end: number): void {
    this.active = true;
    this.#awaitingHeader = true;
    this.#addressBuffer = buffer;
    this.#addressStart = start;
    this.#addressEnd = end;
  }

  /**
   * Takes the next frame of the channel, or piece of one; true when the content is complete and `message` is it, until
   * `release` is called.
   *
   * @throws WireError for a frame that does not belong here
   * @throws BrokerError PRECONDITION_FAILED for a body larger than is taken
   */
  take(reader: FrameReader): boolean {
    if (this.#awaitingHeader) {
      this.#takeHeader(reader);
      if (this.#bodyBytes > 0) return false;
      this.#complete(this.#headerBuffer, this.#headerStart, this.#headerEnd);
      return true;
    }
    if (reader.type !== FRAME_BODY) {
      throw new WireError(
        "UNEXPECTED_FRAME",
        "expected content body, got non content body frame instead",
        BASIC,
        PUBLISH,
      );
    }
    return this.#takeBody(reader);
  }

  /** Lets go of the message that was complete. */
  release(): void {
    this.message.release();
    if (this.#builder.active) this.#builder.release();
  }

  /** Forgets what has come so far. */
  abandon(): void {
    this.active = false;
    this.release();
    this.#releaseBuffers();
  }

  #takeHeader(reader: FrameReader): void {
    const { buffer, payloadStart, payloadEnd } = reader;
    if (reader.type !== FRAME_HEADER) throw headerExpected();
    const classId = ((buffer[payloadStart] as number) << 8) | (buffer[payloadStart + 1] as number);
    if (classId !== BASIC) {
      throw new WireError(
        "UNEXPECTED_FRAME",
        `expected content header for class ${BASIC}, got one for class ${classId} instead`,
        BASIC,
        PUBLISH,
      );
    }
    if (buffer[payloadStart + 2] !== 0 || buffer[payloadStart + 3] !== 0) throw headerExpected();
    const bodyBytes = buffer.readUInt32BE(payloadStart + 4) * 2 ** 32 + buffer.readUInt32BE(payloadStart + 8);
    if (bodyBytes > BODY_BYTES_LIMIT) {
      throw new WireError(
        "FRAME_ERROR",
        `content body size ${bodyBytes} exceeds maximum allowed size ${BODY_BYTES_LIMIT}`,
        BASIC,
        PUBLISH,
      );
    }
    if (bodyBytes > this.#bodyBytesMax) {
      throw new BrokerError(
        "PRECONDITION_FAILED",
        `message size ${bodyBytes} is larger than configured max size ${this.#bodyBytesMax}`,
      );
    }
    checkPublishedProperties(buffer, payloadStart + CONTENT_HEADER_BYTES, payloadEnd);
    this.#awaitingHeader = false;
    this.#headerBuffer = buffer;
    this.#headerStart = payloadStart - FRAME_HEAD_BYTES;
    this.#headerEnd = payloadEnd + 1;
    this.#bodyBytes = bodyBytes;
  }

  #takeBody(reader: FrameReader): boolean {
    const { buffer, payloadStart, payloadEnd } = reader;
    const bytes = payloadEnd - payloadStart;
    const builder = this.#builder;
    if (
      bytes === this.#bodyBytes &&
      reader.frameComplete &&
      buffer === this.#headerBuffer &&
      payloadStart - FRAME_HEAD_BYTES === this.#headerEnd &&
      bytes + FRAME_OVERHEAD_BYTES <= this.#frameBytesMax
    ) {
      this.#complete(buffer, this.#headerStart, payloadEnd + 1);
      return true;
    }
    if (bytes > (builder.active ? builder.bodyLeft : this.#bodyBytes)) {
      throw new WireError("FRAME_ERROR", "content body frame exceeds remaining content size", BASIC, PUBLISH);
    }
    if (!builder.active) this.#beginBuilding();
    builder.add(buffer, payloadStart, payloadEnd);
    // The frame's end may be missing yet, or turn out not to be one.
    if (builder.bodyLeft > 0 || !reader.frameComplete) return false;
    const { message } = this;
    builder.view(message);
    message.bodyBytes = this.#bodyBytes;
    this.active = false;
    return true;
  }

  /** Copies what has come before the body, and lets go of the buffers it came in. */
  #beginBuilding(): void {
    const address = this.#addressBuffer.subarray(this.#addressStart, this.#addressEnd);
    this.#builder.begin(address, this.#headerBuffer.subarray(this.#headerStart, this.#headerEnd), this.#bodyBytes);
    this.#releaseBuffers();
  }

  #complete(buffer: Buffer, contentStart: number, contentEnd: number): void {
    const { message } = this;
    if (buffer === this.#addressBuffer) {
      message.buffer = buffer;
      message.addressStart = this.#addressStart;
      message.addressEnd = this.#addressEnd;
      message.contentStart = contentStart;
      message.contentEnd = contentEnd;
    } else {
      const address = this.#addressBuffer.subarray(this.#addressStart, this.#addressEnd);
      message.buffer = Buffer.concat([address, buffer.subarray(contentStart, contentEnd)]);
      message.addressStart = 0;
      message.addressEnd = address.length;
      message.contentStart = address.length;
      message.contentEnd = message.buffer.length;
    }
    message.bodyBytes = this.#bodyBytes;
    this.active = false;
    this.#releaseBuffers();
  }

  /** Lets go of socket buffers. */
  #releaseBuffers(): void {
    this.#addressBuffer = NOTHING;
    this.#headerBuffer = NOTHING;
  }
}

function checkPublishedProperties(buffer: Buffer, start: number, end: number): void {
  try {
    checkProperties(buffer, start, end);
  } catch (error) {
    if (error instanceof WireError) throw new WireError(error.replyName, error.message, BASIC, PUBLISH);
    throw error;
  }
}

function headerExpected(): WireError {
  return new WireError(
    "UNEXPECTED_FRAME",
    `expected content header for class ${BASIC}, got non content header frame instead`,
    BASIC,
    PUBLISH,
  );
}
