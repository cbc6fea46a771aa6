// Hot file from findProperty on: those functions run for every published message and allocate nothing.

import { BinaryReader } from "./binary-reader.ts";
import { BinaryWriter } from "./binary-writer.ts";
import { WireError } from "./errors.ts";
import { DEFAULT_TABLE_LIMITS, readTable, type TableLimits, writeTable } from "./field-table-codec.ts";
import type { FieldTable } from "./field-value.ts";

/** The properties of a message (class basic). Absent ones are undefined. Source: AMQP 0-9-1 section 1.8. */
export interface Properties {
  readonly contentType?: string | undefined;
  readonly contentEncoding?: string | undefined;
  readonly headers?: FieldTable | undefined;
  /** 2: persistent. Any other octet is passed on and means transient. */
  readonly deliveryMode?: number | undefined;
  readonly priority?: number | undefined;
  readonly correlationId?: string | undefined;
  readonly replyTo?: string | undefined;
  /** Milliseconds, as decimal digits. */
  readonly expiration?: string | undefined;
  readonly messageId?: string | undefined;
  /** Seconds since the Unix epoch, as the publisher says. */
  readonly timestamp?: bigint | undefined;
  readonly type?: string | undefined;
  readonly userId?: string | undefined;
  readonly appId?: string | undefined;
  readonly clusterId?: string | undefined;
}

/**
 * The bit of each property in the property flags. The properties that are present follow the flags from the highest
 * bit to the lowest. Source: AMQP 0-9-1 section 4.2.6.1.
 */
export const PROPERTY_FLAGS = {
  contentType: 0x8000,
  contentEncoding: 0x4000,
  headers: 0x2000,
  deliveryMode: 0x1000,
  priority: 0x0800,
  correlationId: 0x0400,
  replyTo: 0x0200,
  expiration: 0x0100,
  messageId: 0x0080,
  timestamp: 0x0040,
  type: 0x0020,
  userId: 0x0010,
  appId: 0x0008,
  clusterId: 0x0004,
} as const satisfies Readonly<Record<keyof Properties, number>>;

type PropertyName = keyof Properties;
type PropertyValue = NonNullable<Properties[PropertyName]>;

/** From the highest flag to the lowest. */
const PROPERTY_NAMES = Object.keys(PROPERTY_FLAGS) as readonly PropertyName[];

/** Octets of the property flags. */
const FLAGS_BYTES = 2;

/** Bit 0 would announce more flags, which class basic does not have; bit 1 is unassigned. */
const UNASSIGNED_FLAGS = 0x0003;

/**
 * Decodes property flags and properties, which fill `start` to `end`.
 *
 * @throws WireError FRAME_ERROR when they do not, or unassigned flags are set; SYNTAX_ERROR for malformed headers
 */
export function decodeProperties(
  buffer: Buffer,
  start: number,
  end: number,
  limits = DEFAULT_TABLE_LIMITS,
): Properties {
  const flags = readFlags(buffer, start, end);
  const reader = new BinaryReader(buffer, start + FLAGS_BYTES, end, "properties");
  const properties: Partial<Record<PropertyName, PropertyValue>> = {};
  for (const name of PROPERTY_NAMES) {
    if ((flags & PROPERTY_FLAGS[name]) !== 0) properties[name] = readProperty(reader, name, limits);
  }
  if (!reader.atEnd) throw trailingOctets();
  return properties as Properties;
}

/** Encodes property flags and properties. @throws RangeError for a value that its wire type cannot hold */
export function encodeProperties(properties: Properties): Buffer {
  const writer = new BinaryWriter();
  let flags = 0;
  for (const name of PROPERTY_NAMES) {
    if (properties[name] !== undefined) flags |= PROPERTY_FLAGS[name];
  }
  writer.short(flags);
  for (const name of PROPERTY_NAMES) {
    const value = properties[name];
    if (value !== undefined) writeProperty(writer, name, value);
  }
  return writer.finish();
}

function readProperty(reader: BinaryReader, name: PropertyName, limits: TableLimits): PropertyValue {
  switch (name) {
    case "headers":
      return readTable(reader, limits);
    case "deliveryMode":
    case "priority":
      return reader.octet();
    case "timestamp":
      return reader.longlong();
    default:
      return reader.shortstr();
  }
}

function writeProperty(writer: BinaryWriter, name: PropertyName, value: PropertyValue): void {
  switch (name) {
    case "headers":
      writeTable(writer, value as FieldTable);
      break;
    case "deliveryMode":
    case "priority":
      writer.octet(value as number);
      break;
    case "timestamp":
      writer.longlong(value as bigint);
      break;
    default:
      writer.shortstr(value as string);
      break;
  }
}

/**
 * The offset of one property's first octet (the length, for a string or the headers); -1 when it is absent. `start` is
 * where the property flags are. Everything up to the end of that property is checked to lie before `end`.
 *
 * @param flag one of {@link PROPERTY_FLAGS}
 * @throws WireError FRAME_ERROR when the properties overrun `end` or unassigned flags are set
 */
export function findProperty(buffer: Buffer, start: number, end: number, flag: number): number {
  const flags = readFlags(buffer, start, end);
  if ((flags & flag) === 0) return -1;
  const earlier = flags & ~(flag | (flag - 1));
  const offset = skipProperties(buffer, start + FLAGS_BYTES, end, earlier);
  skipProperties(buffer, offset, end, flag);
  return offset;
}

/**
 * Checks that flags and properties fill `start` to `end` exactly. The headers are checked by their length alone.
 *
 * @throws WireError FRAME_ERROR when they do not, or unassigned flags are set
 */
export function checkProperties(buffer: Buffer, start: number, end: number): void {
  const flags = readFlags(buffer, start, end);
  if (skipProperties(buffer, start + FLAGS_BYTES, end, flags) !== end) throw trailingOctets();
}

function readFlags(buffer: Buffer, start: number, end: number): number {
  if (end - start < FLAGS_BYTES) throw overrun();
  const flags = ((buffer[start] as number) << 8) | (buffer[start + 1] as number);
  if ((flags & UNASSIGNED_FLAGS) !== 0) throw new WireError("FRAME_ERROR", "unassigned property flags are set");
  return flags;
}

/** The offset behind the properties whose flags are in `present`, the first of which is at `offset`. */
function skipProperties(buffer: Buffer, start: number, end: number, present: number): number {
  let offset = start;
  let left = present;
  while (left !== 0) {
    const flag = 0x80000000 >>> Math.clz32(left);
    left ^= flag;
    if (flag === PROPERTY_FLAGS.deliveryMode || flag === PROPERTY_FLAGS.priority) {
      offset += 1;
    } else if (flag === PROPERTY_FLAGS.timestamp) {
      offset += 8;
    } else if (flag === PROPERTY_FLAGS.headers) {
      if (offset + 4 > end) throw overrun();
      offset += 4 + readLong(buffer, offset);
    } else {
      if (offset + 1 > end) throw overrun();
      offset += 1 + (buffer[offset] as number);
    }
    if (offset > end) throw overrun();
  }
  return offset;
}

function readLong(buffer: Buffer, offset: number): number {
  return (
    (((buffer[offset] as number) << 24) |
      ((buffer[offset + 1] as number) << 16) |
      ((buffer[offset + 2] as number) << 8) |
      (buffer[offset + 3] as number)) >>>
    0
  );
}

function overrun(): WireError {
  return new WireError("FRAME_ERROR", "properties exceed the content header");
}

function trailingOctets(): WireError {
  return new WireError("FRAME_ERROR", "octets are left over after the properties");
}
