/** The properties section of AMQP 1.0 (part 3.2.4) and the properties of 0-9-1. */

import type { FieldValue } from "../../wire/field-table.ts";
import { octetsFromString, stringFromOctets } from "../../wire/octet-string.ts";
import type { Properties } from "../../wire/properties.ts";
import { parseQueueAddress, queueAddress } from "../address.ts";
import { Fields } from "../codec/fields.ts";
import { binary, composite, readValue, string, symbol, type Typed, timestamp } from "../codec/types.ts";
import { checkValue } from "../codec/value-check.ts";
import { Amqp10Error } from "../error-condition.ts";
import { idFrom, idValue } from "./message-ids.ts";
import { type Range, SECTIONS, type Section } from "./sections.ts";

const SHORTSTR_BYTES_MAX = 255;
const NULL_CODE = 0x40;
const EMPTY_LIST = 0x45;
const LIST32 = 0xd0;
const BINARY8 = 0xa0;
const BINARY32 = 0xb0;
const REPLY_ADDRESS = /^\/queues\//;
/** The largest distance of a Date from the epoch. */
const MILLISECONDS_MAX = 8_640_000_000_000_000;

/** The properties of 0-9-1 that come of a properties section, and headers for ids that are no short strings. */
export interface ConvertedProperties {
  readonly properties: Properties;
  readonly headers: readonly (readonly [string, FieldValue])[];
  /** Where the message is to go, when its link does not say. */
  readonly to: string | undefined;
  readonly subject: string | undefined;
}

export const NO_PROPERTIES: ConvertedProperties = { properties: {}, headers: [], to: undefined, subject: undefined };

/** @throws Amqp10Error amqp:decode-error for a field of the wrong type */
export function readProperties(buffer: Buffer, section: Section): ConvertedProperties {
  const fields = new Fields("properties", readValue(buffer, section.valueStart));
  const messageId = idFrom(fields.get(0));
  const correlationId = idFrom(fields.get(5));
  const headers: (readonly [string, FieldValue])[] = [];
  if (messageId.header !== undefined) headers.push(["x-message-id", messageId.header]);
  if (correlationId.header !== undefined) headers.push(["x-correlation-id", correlationId.header]);
  const properties: Properties = {
    messageId: messageId.property,
    userId: userIdFrom(fields.octets(1)),
    replyTo: replyToFrom(fields.text(4)),
    correlationId: correlationId.property,
    contentType: shortstr(fields.text(6)),
    contentEncoding: shortstr(fields.text(7)),
    timestamp: secondsFrom(fields.get(9)),
    appId: shortstr(fields.text(10)),
  };
  return { properties, headers, to: fields.text(2), subject: fields.text(3) };
}

/** Undefined when there is nothing to say. */
export function propertiesValue(properties: Properties): Typed | undefined {
  const { userId, replyTo, contentType, contentEncoding, timestamp: seconds, appId } = properties;
  const fields = [
    idValue(properties.messageId),
    userId === undefined ? undefined : binary(octetsFromString(userId)),
    undefined,
    undefined,
    replyTo === undefined ? undefined : string(queueAddress(replyTo)),
    idValue(properties.correlationId),
    contentType === undefined ? undefined : symbol(contentType),
    contentEncoding === undefined ? undefined : symbol(contentEncoding),
    undefined,
    seconds === undefined ? undefined : timestamp(Math.min(Number(seconds) * 1000, MILLISECONDS_MAX)),
    appId === undefined ? undefined : string(appId),
  ];
  return fields.some((field) => field !== undefined) ? composite(SECTIONS.properties, fields) : undefined;
}

/**
 * Where the value of the user-id is in a section that has been checked; undefined: there is none.
 *
 * @throws Amqp10Error amqp:decode-error when it is not binary
 */
export function userIdRange(buffer: Buffer, { valueStart, end }: Section): Range | undefined {
  const isWide = buffer[valueStart] === LIST32;
  const itemsStart = valueStart + (isWide ? 9 : 3);
  if (buffer[valueStart] === EMPTY_LIST || itemsStart >= end) return undefined;
  const start = checkValue(buffer, itemsStart, end);
  const code = buffer[start];
  if (start >= end || code === NULL_CODE) return undefined;
  if (code !== BINARY8 && code !== BINARY32) throw new Amqp10Error("amqp:decode-error", "user-id is not binary");
  return { start: start + (code === BINARY8 ? 2 : 5), end: checkValue(buffer, start, end) };
}

/** What is longer than a short string is left to {@link OriginalSections}. */
function shortstr(text: string | undefined): string | undefined {
  return text !== undefined && Buffer.byteLength(text) <= SHORTSTR_BYTES_MAX ? text : undefined;
}

function userIdFrom(octets: Buffer | undefined): string | undefined {
  if (octets === undefined) return undefined;
  // A longer one is nobody's, and is refused for that.
  return stringFromOctets(octets, 0, Math.min(octets.length, SHORTSTR_BYTES_MAX));
}

function replyToFrom(address: string | undefined): string | undefined {
  if (address === undefined || !REPLY_ADDRESS.test(address)) return shortstr(address);
  return shortstr(parseQueueAddress(address));
}

function secondsFrom(value: Typed | undefined): bigint | undefined {
  if (!(value?.value instanceof Date)) return undefined;
  const milliseconds = value.value.getTime();
  return Number.isNaN(milliseconds) || milliseconds < 0 ? undefined : BigInt(Math.floor(milliseconds / 1000));
}
