// Hot file: runs for every message of an exchange or queue that looks for duplicates, or of a queue with groups.

import { hash } from "node:crypto";
import { contentPropertiesEnd, contentPropertiesStart } from "../wire/content.ts";
import {
  decodeTable,
  encodeTable,
  type FieldTable,
  type FieldValue,
  integerValue,
  type TableLimits,
} from "../wire/field-table.ts";
import { findField, isOctets } from "../wire/find-field.ts";
import { octetsFromString } from "../wire/octet-string.ts";
import { findProperty, PROPERTY_FLAGS } from "../wire/properties.ts";
import type { Message } from "./message.ts";

/** Where in a message its key is: what says which messages are copies of each other, or belong together. */
export interface KeySource {
  /** The key, one octet per character and never long; undefined for a message without one. */
  keyOf(message: Message): string | undefined;
}

/** Longer keys are replaced by their SHA-256: that two of those are equal by accident is not to be expected, ever. */
const WHOLE_KEY_BYTES_MAX = 32;

/** The longest key there is: a digest behind the letter that tells it from a whole key. */
export const KEY_BYTES_MAX = WHOLE_KEY_BYTES_MAX + 1;

/** The key of a header that holds no octets. */
export const EMPTY_TEXT_KEY = "s";

/** Headers were held against the broker's limits when they came. */
const NO_TABLE_LIMITS: TableLimits = { bytesMax: Number.POSITIVE_INFINITY, depthMax: Number.POSITIVE_INFINITY };

/** Octets of a type code and of the length of a string behind it. */
const TYPE_BYTES = 1;
const LENGTH_BYTES = 4;

/** The name of a header, as text and in octets. */
export class HeaderName {
  readonly text: string;
  readonly octets: Buffer;

  constructor(text: string) {
    this.text = text;
    this.octets = octetsFromString(text);
  }
}

/** The value of a header. */
export class HeaderKey implements KeySource {
  readonly #name: HeaderName;

  constructor(name: string) {
    this.#name = new HeaderName(name);
  }

  keyOf(message: Message): string | undefined {
    const { buffer } = message;
    const end = contentPropertiesEnd(buffer, message.contentStart);
    const headersAt = headersOffset(message, end);
    const typeAt = headersAt < 0 ? -1 : findField(buffer, headersAt, end, this.#name.octets);
    if (typeAt < 0) return undefined;
    if (!isOctets(buffer[typeAt] as number)) return keyOfField(fieldOf(buffer, headersAt, end, this.#name));
    const start = typeAt + TYPE_BYTES + LENGTH_BYTES;
    return keyOfOctets(buffer, start, start + buffer.readUInt32BE(typeAt + TYPE_BYTES));
  }
}

/** The value of a property that is a shortstr; an empty one is none. */
class PropertyKey implements KeySource {
  readonly #flag: number;

  constructor(flag: number) {
    this.#flag = flag;
  }

  keyOf({ buffer, contentStart }: Message): string | undefined {
    const end = contentPropertiesEnd(buffer, contentStart);
    const offset = findProperty(buffer, contentPropertiesStart(contentStart), end, this.#flag);
    if (offset < 0 || buffer[offset] === 0) return undefined;
    return keyOfOctets(buffer, offset + 1, offset + 1 + (buffer[offset] as number));
  }
}

export const MESSAGE_ID_KEY: KeySource = new PropertyKey(PROPERTY_FLAGS.messageId);

export const APP_ID_KEY: KeySource = new PropertyKey(PROPERTY_FLAGS.appId);

/** The value of header `name`; undefined when there is none. */
export function headerOf(message: Message, name: HeaderName): FieldValue | undefined {
  const end = contentPropertiesEnd(message.buffer, message.contentStart);
  const headersAt = headersOffset(message, end);
  if (headersAt < 0 || findField(message.buffer, headersAt, end, name.octets) < 0) return undefined;
  return fieldOf(message.buffer, headersAt, end, name);
}

function headersOffset({ buffer, contentStart }: Message, end: number): number {
  return findProperty(buffer, contentPropertiesStart(contentStart), end, PROPERTY_FLAGS.headers);
}

/** The field that {@link findField} has found. */
function fieldOf(buffer: Buffer, headersAt: number, end: number, name: HeaderName): FieldValue {
  return decodeTable(buffer, headersAt, end, NO_TABLE_LIMITS).get(name.text) as FieldValue;
}

function keyOfOctets(buffer: Buffer, start: number, end: number): string {
  return shortened(`s${buffer.toString("latin1", start, end)}`);
}

/**
 * Values are equal when their class and their value are: an integer equals the same integer in another width, and no
 * string. As the RabbitMQ plugin, but that void is no key and a table or an array is one, octet by octet.
 */
function keyOfField(value: FieldValue): string | undefined {
  const integer = integerValue(value);
  if (integer !== undefined) return `i${integer}`;
  switch (value.type) {
    case "void":
      return undefined;
    case "float":
    case "double":
      return `f${value.value}`;
    case "bool":
      return value.value ? "b1" : "b0";
    case "timestamp":
      return `t${value.value}`;
    default: {
      const only: FieldTable = new Map([["", value]]);
      return shortened(`o${encodeTable(only).toString("latin1")}`);
    }
  }
}

function shortened(key: string): string {
  return key.length <= WHOLE_KEY_BYTES_MAX ? key : `h${hash("sha256", Buffer.from(key, "latin1"), "binary")}`;
}
