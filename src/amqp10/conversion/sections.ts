// Hot file: every message that comes in is cut into its sections here.

import { descriptorCode } from "../codec/performatives.ts";
import { readValue } from "../codec/types.ts";
import { checkValue } from "../codec/value-check.ts";
import { Amqp10Error } from "../error-condition.ts";

/** Where something is in a buffer; `end` is exclusive. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** The descriptors of the sections of a message. Source: AMQP 1.0, part 3.2. */
export const SECTIONS = {
  header: 0x70,
  deliveryAnnotations: 0x71,
  messageAnnotations: 0x72,
  properties: 0x73,
  applicationProperties: 0x74,
  data: 0x75,
  sequence: 0x76,
  value: 0x77,
  footer: 0x78,
} as const;

const SYMBOLIC: ReadonlyMap<string, number> = new Map([
  ["amqp:header:list", SECTIONS.header],
  ["amqp:delivery-annotations:map", SECTIONS.deliveryAnnotations],
  ["amqp:message-annotations:map", SECTIONS.messageAnnotations],
  ["amqp:properties:list", SECTIONS.properties],
  ["amqp:application-properties:map", SECTIONS.applicationProperties],
  ["amqp:data:binary", SECTIONS.data],
  ["amqp:amqp-sequence:list", SECTIONS.sequence],
  ["amqp:amqp-value:*", SECTIONS.value],
  ["amqp:footer:map", SECTIONS.footer],
]);

const SMALL_ULONG = 0x53;
const BINARY8 = 0xa0;
const BINARY32 = 0xb0;
const EMPTY_LIST = 0x45;
const LIST8 = 0xc0;
const MAP8 = 0xc1;
const LISTS: readonly number[] = [EMPTY_LIST, LIST8, 0xd0];
const MAPS: readonly number[] = [MAP8, 0xd1];

/** One section: all of it, descriptor included, and where the constructor of its value is. */
export interface Section extends Range {
  readonly code: number;
  readonly valueStart: number;
}

/** A message in its sections. */
export interface Sections {
  readonly header: Section | undefined;
  readonly messageAnnotations: Section | undefined;
  readonly properties: Section | undefined;
  readonly applicationProperties: Section | undefined;
  /** One or more data or amqp-sequence sections, or one amqp-value; empty when there is none. */
  readonly body: readonly Section[];
  readonly footer: Section | undefined;
}

/**
 * Cuts an encoded message, `start` to `end` of `buffer`, into sections. All values in them have been checked then. Their
 * order is not: rhea, for one, writes the footer before the body.
 *
 * @throws Amqp10Error amqp:decode-error for anything but sections, at most one of each, and bodies of different kinds
 */
export function readSections(buffer: Buffer, start: number, end: number): Sections {
  const found: (Section | undefined)[] = [];
  const body: Section[] = [];
  for (let at = start; at < end; ) {
    const section = readSection(buffer, at, end);
    const { code } = section;
    if (code >= SECTIONS.data && code <= SECTIONS.value) {
      if (body.length > 0 && (body[0]?.code !== code || code === SECTIONS.value)) throw unexpected(code);
      body.push(section);
    } else {
      if (found[code - SECTIONS.header] !== undefined) throw unexpected(code);
      found[code - SECTIONS.header] = section;
    }
    at = section.end;
  }
  const at = (code: number): Section | undefined => found[code - SECTIONS.header];
  return {
    header: at(SECTIONS.header),
    messageAnnotations: at(SECTIONS.messageAnnotations),
    properties: at(SECTIONS.properties),
    applicationProperties: at(SECTIONS.applicationProperties),
    body,
    footer: at(SECTIONS.footer),
  };
}

/** Whether a section is a list or map of nothing. */
export function isEmptySection(buffer: Buffer, { valueStart }: Section): boolean {
  const code = buffer[valueStart] as number;
  if (code === EMPTY_LIST) return true;
  if (code === LIST8 || code === MAP8) return buffer[valueStart + 2] === 0;
  return buffer.readUInt32BE(valueStart + 5) === 0;
}

/** Where the octets of a data section are. */
export function dataRange(buffer: Buffer, { valueStart, end }: Section): Range {
  return { start: valueStart + (buffer[valueStart] === BINARY8 ? 2 : 5), end };
}

function readSection(buffer: Buffer, start: number, messageEnd: number): Section {
  const end = checkValue(buffer, start, messageEnd);
  if (buffer[start] !== 0) throw new Amqp10Error("amqp:decode-error", "a message section is not described");
  let code = buffer[start + 2] as number;
  let valueStart = start + 3;
  if (buffer[start + 1] !== SMALL_ULONG) {
    code = descriptorCode(readValue(buffer, start), SYMBOLIC) ?? 0;
    valueStart = checkValue(buffer, start + 1, end);
  }
  if (!hasValueOf(code, buffer[valueStart] as number)) {
    throw new Amqp10Error(
      "amqp:decode-error",
      `section 0x${code.toString(16)} is unknown or has a value of the wrong type`,
    );
  }
  return { code, start, valueStart, end };
}

function hasValueOf(code: number, typeCode: number): boolean {
  switch (code) {
    case SECTIONS.header:
    case SECTIONS.properties:
    case SECTIONS.sequence:
      return LISTS.includes(typeCode);
    case SECTIONS.deliveryAnnotations:
    case SECTIONS.messageAnnotations:
    case SECTIONS.applicationProperties:
    case SECTIONS.footer:
      return MAPS.includes(typeCode);
    case SECTIONS.data:
      return typeCode === BINARY8 || typeCode === BINARY32;
    default:
      return code === SECTIONS.value;
  }
}

function unexpected(code: number): Amqp10Error {
  return new Amqp10Error("amqp:decode-error", `unexpected section 0x${code.toString(16)} in message`);
}
