// Hot file: delayOf runs for every message of an exchange or queue that delays. It decodes one header and no other.

/** The x-delay header: how long a message waits. RabbitMQ: delayed message exchange plugin. */

import { contentPropertiesEnd, contentPropertiesStart } from "../wire/content.ts";
import { findField } from "../wire/find-field.ts";
import { HeaderSplice } from "../wire/header-splice.ts";
import { findProperty, PROPERTY_FLAGS } from "../wire/properties.ts";
import type { ContentSplice, Message } from "./message.ts";

const DELAY = "x-delay";
const DELAY_OCTETS = Buffer.from(DELAY);

/** The longest delay, a little less than 50 days; a message that asks for more is not delayed at all. Both as the plugin. */
export const DELAY_MILLISECONDS_MAX = 0xffff_ffff;

/** Whole numbers of more digits are out of range. */
const DIGITS_MAX = 20;

const HIGH = 2 ** 32;

/** Type codes of numbers, and of text that may be one; see field-table-codec.ts. */
const BYTE = 0x62;
const UNSIGNED_BYTE = 0x42;
const SHORT = 0x73;
const UNSIGNED_SHORT = 0x75;
const SIGNED_INT = 0x49;
const UNSIGNED_INT = 0x69;
const LONG = 0x6c;
const LONG_TOO = 0x4c;
const FLOAT = 0x66;
const DOUBLE = 0x64;
const LONGSTR = 0x53;

/** Milliseconds that `message` asks to wait; 0: none, which includes a value that is no number or out of range. */
export function delayOf(message: Message): number {
  const { buffer, contentStart } = message;
  const end = contentPropertiesEnd(buffer, contentStart);
  const headersAt = findProperty(buffer, contentPropertiesStart(contentStart), end, PROPERTY_FLAGS.headers);
  if (headersAt < 0) return 0;
  const typeAt = findField(buffer, headersAt, end, DELAY_OCTETS);
  return typeAt < 0 ? 0 : readDelay(buffer, typeAt);
}

/**
 * Makes a message that is kept one that waits: x-delay is negative, so that it waits nowhere again and receivers can tell
 * that it has waited. An instance is used again for every message: {@link read}, then {@link set}.
 */
export class DelayMark implements ContentSplice {
  /** By how much the content of the message grows that has just been set. */
  grownBytes = 0;
  readonly #splice = new HeaderSplice(DELAY);
  #value = 0;

  /** As {@link delayOf}. */
  read({ buffer, contentStart }: Message): number {
    const typeAt = this.#splice.find(buffer, contentStart);
    return typeAt < 0 ? 0 : readDelay(buffer, typeAt);
  }

  /** From now on this is what marks the message that has just been read, which waits `milliseconds`. */
  set({ buffer }: Message, milliseconds: number): void {
    this.grownBytes = this.#splice.measureFound(buffer);
    this.#value = -milliseconds;
  }

  write(buffer: Buffer, contentStart: number, contentEnd: number, target: Buffer, offset: number): void {
    this.#splice.write(buffer, contentStart, contentEnd, this.#value, target, offset);
  }
}

/** Milliseconds that the value asks for whose type code is at `typeAt`; 0: none. */
function readDelay(buffer: Buffer, typeAt: number): number {
  const milliseconds = Math.trunc(readNumber(buffer, typeAt));
  return milliseconds > 0 && milliseconds <= DELAY_MILLISECONDS_MAX ? milliseconds : 0;
}

/** The plugin takes integers, the integer part of floating point numbers, and integers as text; 0 for anything else. */
function readNumber(buffer: Buffer, typeAt: number): number {
  const at = typeAt + 1;
  switch (buffer[typeAt]) {
    case BYTE:
      return buffer.readInt8(at);
    case UNSIGNED_BYTE:
      return buffer.readUInt8(at);
    case SHORT:
      return buffer.readInt16BE(at);
    case UNSIGNED_SHORT:
      return buffer.readUInt16BE(at);
    case SIGNED_INT:
      return buffer.readInt32BE(at);
    case UNSIGNED_INT:
      return buffer.readUInt32BE(at);
    case LONG:
    case LONG_TOO:
      return buffer.readInt32BE(at) * HIGH + buffer.readUInt32BE(at + 4);
    case FLOAT:
      return buffer.readFloatBE(at);
    case DOUBLE:
      return buffer.readDoubleBE(at);
    case LONGSTR:
      return numberInText(buffer, at + 4, buffer.readUInt32BE(at));
    default:
      return 0;
  }
}

function numberInText(buffer: Buffer, start: number, bytes: number): number {
  if (bytes > DIGITS_MAX) return 0;
  const text = buffer.toString("latin1", start, start + bytes);
  return /^[+-]?[0-9]+$/.test(text) ? Number(text) : 0;
}
