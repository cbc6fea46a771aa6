// Hot file: runs for every message that a client is sent.

import type { Message } from "../../core/message.ts";
import { contentBody, contentPropertiesEnd, contentPropertiesStart } from "../../wire/content.ts";
import { EMPTY_TABLE, type FieldTable, type TableLimits } from "../../wire/field-table.ts";
import { octetsFromString } from "../../wire/octet-string.ts";
import { decodeProperties, type Properties } from "../../wire/properties.ts";
import { encodeRawMap, rawEntries } from "../codec/raw-map.ts";
import { recordOf } from "../codec/type-names.ts";
import {
  bool,
  composite,
  described,
  encodeValue,
  encodeValues,
  readValue,
  string,
  symbol,
  type Typed,
  ubyte,
  uint,
  ulong,
} from "../codec/types.ts";
import { Amqp10Error } from "../error-condition.ts";
import {
  addressAnnotations,
  annotationsFromHeaders,
  applicationPropertiesFromHeaders,
  isOwnAnnotation,
} from "./annotations.ts";
import { deathsAnnotation } from "./deaths.ts";
import { fingerprint } from "./fingerprint.ts";
import { AMQP10_BODY_TYPE } from "./incoming-message.ts";
import { exactAnnotations, isChanged } from "./modified-annotations.ts";
import { ORIGINAL_SECTIONS_HEADER, type OriginalSections, unpackOriginalSections } from "./original-sections.ts";
import { propertiesValue, readProperties, userIdRange } from "./properties-section.ts";
import { readSections, SECTIONS, type Section } from "./sections.ts";

const PERSISTENT = 2;
const ANNOTATIONS_HEAD = Buffer.of(0x00, 0x53, SECTIONS.messageAnnotations);
/** What is said of every delivery, or converted in another way, whatever a header of that name says. */
const CONVERTED_ANNOTATIONS = ["x-exchange", "x-routing-key", "x-opt-deaths"];
const UINT_MAX = 0xffff_ffff;
/** What is queued was within the broker's limits when it came. */
const NO_TABLE_LIMITS: TableLimits = { bytesMax: Number.POSITIVE_INFINITY, depthMax: Number.POSITIVE_INFINITY };

/** A message as a receiver of AMQP 1.0 gets it: header, message annotations, properties and so on, encoded. */
export function encodeOutgoing(message: Message, redelivered: boolean): Buffer {
  const { buffer, contentStart, contentEnd } = message;
  const propertiesEnd = contentPropertiesEnd(buffer, contentStart);
  const properties = decodeProperties(buffer, contentPropertiesStart(contentStart), propertiesEnd, NO_TABLE_LIMITS);
  const headers = properties.headers ?? EMPTY_TABLE;
  const body = contentBody(buffer, contentStart, contentEnd);
  const original = originalSections(properties, headers);
  const parts = [encodeValue(headerValue(message, properties, headers, redelivered))];
  parts.push(encodeAnnotations(message, properties, headers, original));
  if (original === undefined) addConverted(parts, properties, headers, body);
  else addOriginal(parts, original, properties, body);
  return Buffer.concat(parts);
}

/** What of a message cannot be changed on its way, and filters go by. */
export interface BareSections {
  /** The fields of the properties section, in their order. */
  readonly properties: readonly Typed[];
  readonly applicationProperties: ReadonlyMap<string, Typed>;
}

/** The sections of a message as {@link encodeOutgoing} sends them. */
export function bareSections({ buffer, contentStart }: Message): BareSections {
  const start = contentPropertiesStart(contentStart);
  const properties = decodeProperties(buffer, start, contentPropertiesEnd(buffer, contentStart), NO_TABLE_LIMITS);
  const headers = properties.headers ?? EMPTY_TABLE;
  const original = originalSections(properties, headers);
  const kept = (section: Section | undefined): Typed | undefined =>
    original === undefined || section === undefined ? undefined : readValue(original.buffer, section.valueStart);
  const [list, map] =
    original === undefined
      ? [propertiesValue(properties), applicationPropertiesFromHeaders(headers)]
      : [kept(original.sections.properties), kept(original.sections.applicationProperties)];
  return { properties: (list?.value ?? []) as readonly Typed[], applicationProperties: recordOf(map) ?? new Map() };
}

/** The subject that the sender of a message gave it through AMQP 1.0. */
export function subjectOf(properties: Properties): string | undefined {
  const original = originalSections(properties, properties.headers ?? EMPTY_TABLE);
  const section = original?.sections.properties;
  if (original === undefined || section === undefined) return undefined;
  try {
    return readProperties(original.buffer, section).subject;
  } catch (error) {
    // A 0-9-1 client has made it up.
    if (error instanceof Amqp10Error) return undefined;
    throw error;
  }
}

/** Undefined when there are none, or they do not belong to what the message says now. */
function originalSections(properties: Properties, headers: FieldTable): OriginalSections | undefined {
  const field = headers.get(ORIGINAL_SECTIONS_HEADER);
  if (field?.type !== "binary") return undefined;
  try {
    const original = unpackOriginalSections(field.value);
    if (original.fingerprint !== fingerprint(properties)) return undefined;
    return namesUser(original, properties.userId) ? original : undefined;
  } catch (error) {
    // A 0-9-1 client has made it up.
    if (error instanceof Amqp10Error || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** The user-id of the sections is checked anew: a client that makes them up can make up the fingerprint too. */
function namesUser({ buffer, sections }: OriginalSections, userId: string | undefined): boolean {
  const range = sections.properties === undefined ? undefined : userIdRange(buffer, sections.properties);
  if (range === undefined) return userId === undefined;
  return userId !== undefined && octetsFromString(userId).equals(buffer.subarray(range.start, range.end));
}

function headerValue(
  { failedCount }: Message,
  { deliveryMode, priority, expiration }: Properties,
  headers: FieldTable,
  redelivered: boolean,
): Typed {
  const failed = headers.get("x-delivery-count");
  // It may be a client's, who can make it anything.
  const deliveryCount =
    failed?.type === "long" ? Math.max(failedCount, Math.min(Number(failed.value), UINT_MAX)) : failedCount;
  const firstAcquirer = !redelivered && deliveryCount === 0 && !headers.has("x-death");
  return composite(SECTIONS.header, [
    bool(deliveryMode === PERSISTENT),
    priority === undefined ? undefined : ubyte(priority),
    expiration === undefined ? undefined : uint(Math.min(Number(expiration), UINT_MAX)),
    bool(firstAcquirer),
    uint(deliveryCount),
  ]);
}

/** What the sender has annotated, but what the broker itself has to say of. */
function encodeAnnotations(
  message: Message,
  { type }: Properties,
  headers: FieldTable,
  original: OriginalSections | undefined,
): Buffer {
  const keys = new Set(CONVERTED_ANNOTATIONS);
  const items: Buffer[] = [];
  // Whoever gave the message back may have changed what its sender had annotated.
  const isReturned = headers.has("x-acquired-count") || headers.has("x-death");
  if (isReturned) {
    for (const { key, octets } of exactAnnotations(headers)) {
      keys.add(key);
      items.push(octets);
    }
  }
  const sent = original?.sections.messageAnnotations;
  if (original !== undefined && sent !== undefined) {
    for (const { key, start, valueStart, end } of rawEntries(original.buffer, sent.valueStart)) {
      if (isOwnAnnotation(key) || keys.has(key)) continue;
      if (isReturned && isChanged(headers, key, readValue(original.buffer, valueStart))) continue;
      keys.add(key);
      items.push(original.buffer.subarray(start, end));
    }
  }
  const added = annotationsFromHeaders(headers, (key) => keys.has(key));
  if (type !== undefined && type !== AMQP10_BODY_TYPE && !keys.has("x-basic-type")) {
    added.push(symbol("x-basic-type"), string(type));
  }
  added.push(...deathsAnnotation(headers.get("x-death")));
  added.push(...addressAnnotations(message.exchangeName, message.routingKey));
  const count = 2 * items.length + added.length;
  return Buffer.concat([ANNOTATIONS_HEAD, encodeRawMap(count, [...items, encodeValues(added)])]);
}

function addOriginal(parts: Buffer[], original: OriginalSections, { type }: Properties, body: Buffer): void {
  const { buffer, sections, dataLengths } = original;
  const add = (section: Section | undefined): void => {
    if (section !== undefined) parts.push(buffer.subarray(section.start, section.end));
  };
  add(sections.properties);
  add(sections.applicationProperties);
  addBody(parts, type, body, dataLengths);
  add(sections.footer);
}

function addConverted(parts: Buffer[], properties: Properties, headers: FieldTable, body: Buffer): void {
  const section = propertiesValue(properties);
  if (section !== undefined) parts.push(encodeValue(section));
  const application = applicationPropertiesFromHeaders(headers);
  if (application !== undefined) parts.push(encodeValue(described(ulong(SECTIONS.applicationProperties), application)));
  addBody(parts, properties.type, body, undefined);
}

function addBody(
  parts: Buffer[],
  type: string | undefined,
  body: Buffer,
  dataLengths: readonly number[] | undefined,
): void {
  if (type === AMQP10_BODY_TYPE && holdsBodySections(body)) {
    parts.push(body);
    return;
  }
  const total = dataLengths?.reduce((sum, length) => sum + length, 0);
  const lengths = dataLengths !== undefined && total === body.length ? dataLengths : [body.length];
  let start = 0;
  for (const length of lengths) {
    parts.push(dataHead(length), body.subarray(start, start + length));
    start += length;
  }
}

/** Whether the body is what its type says: a 0-9-1 client may say so of anything. */
function holdsBodySections(body: Buffer): boolean {
  try {
    const {
      header,
      messageAnnotations,
      properties,
      applicationProperties,
      body: sections,
    } = readSections(body, 0, body.length);
    const others = header ?? messageAnnotations ?? properties ?? applicationProperties;
    return others === undefined && sections.length > 0;
  } catch (error) {
    if (error instanceof Amqp10Error) return false;
    throw error;
  }
}

/** The start of a data section of `length` octets. */
function dataHead(length: number): Buffer {
  if (length <= 0xff) return Buffer.of(0x00, 0x53, SECTIONS.data, 0xa0, length);
  const head = Buffer.of(0x00, 0x53, SECTIONS.data, 0xb0, 0, 0, 0, 0);
  head.writeUInt32BE(length, 4);
  return head;
}
