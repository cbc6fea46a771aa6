/**
 * Field tables on the wire, with the type codes that RabbitMQ reads and writes. They differ from those printed in
 * AMQP 0-9-1 section 4.2.1: `s` is a 16-bit integer, and both `l` and `L` are a signed 64-bit integer.
 * Source: https://www.rabbitmq.com/amqp-0-9-1-errata (section 3, field types).
 */

import { BinaryReader } from "./binary-reader.ts";
import { BinaryWriter } from "./binary-writer.ts";
import { WireError } from "./errors.ts";
import type { FieldTable, FieldType, FieldValue } from "./field-value.ts";
import { octetsFromString } from "./octet-string.ts";

export interface TableLimits {
  /** How deep tables and arrays may be nested, the outermost table included. */
  readonly depthMax: number;
  /** Octets of the outermost table. */
  readonly bytesMax: number;
}

export const DEFAULT_TABLE_LIMITS: TableLimits = { depthMax: 128, bytesMax: 0xffff_ffff };

const TYPE_CODES: Readonly<Record<FieldType, number>> = {
  longstr: codeOf("S"),
  signedint: codeOf("I"),
  unsignedint: codeOf("i"),
  long: codeOf("l"),
  short: codeOf("s"),
  unsignedshort: codeOf("u"),
  byte: codeOf("b"),
  unsignedbyte: codeOf("B"),
  float: codeOf("f"),
  double: codeOf("d"),
  bool: codeOf("t"),
  timestamp: codeOf("T"),
  decimal: codeOf("D"),
  table: codeOf("F"),
  array: codeOf("A"),
  binary: codeOf("x"),
  void: codeOf("V"),
};

const TYPES_BY_CODE: ReadonlyMap<number, FieldType> = new Map([
  ...Object.entries(TYPE_CODES).map(([type, code]): [number, FieldType] => [code, type as FieldType]),
  [codeOf("L"), "long"],
]);

const VOID: FieldValue = { type: "void", value: null };

/**
 * Decodes the table whose long length is at `start`. Of entries with the same key the first counts.
 *
 * @throws WireError FRAME_ERROR when the octets end too early, SYNTAX_ERROR for an unknown type code or too deep nesting
 */
export function decodeTable(buffer: Buffer, start: number, end: number, limits = DEFAULT_TABLE_LIMITS): FieldTable {
  return readTable(new BinaryReader(buffer, start, end, "field table"), limits);
}

/** Decodes a table that fills `start` to `end` and has no length in front, as in an AMQPLAIN response. */
export function decodeTableBody(buffer: Buffer, start: number, end: number, limits = DEFAULT_TABLE_LIMITS): FieldTable {
  checkBytes(end - start, limits);
  return readEntries(new BinaryReader(buffer, start, end, "field table"), limits.depthMax);
}

/** Like {@link decodeTable}, at a reader's position. */
export function readTable(reader: BinaryReader, limits = DEFAULT_TABLE_LIMITS): FieldTable {
  const section = reader.section();
  checkBytes(section.remaining, limits);
  return readEntries(section, limits.depthMax);
}

function checkBytes(bytes: number, { bytesMax }: TableLimits): void {
  if (bytes > bytesMax) {
    throw new WireError("SYNTAX_ERROR", `field table of ${bytes} octets is larger than the limit of ${bytesMax}`);
  }
}

/**
 * Encodes a table with its long length. `l` and `L` are both written as `l`.
 *
 * @throws RangeError for a key of more than 255 octets or a value beyond its type
 */
export function encodeTable(table: FieldTable): Buffer {
  const writer = new BinaryWriter();
  writeTable(writer, table);
  return writer.finish();
}

/** Encodes a table without the length in front. */
export function encodeTableBody(table: FieldTable): Buffer {
  const writer = new BinaryWriter();
  writeEntries(writer, table);
  return writer.finish();
}

/** Like {@link encodeTable}, at a writer's position. */
export function writeTable(writer: BinaryWriter, table: FieldTable): void {
  const section = writer.beginSection();
  writeEntries(writer, table);
  writer.endSection(section);
}

function readEntries(reader: BinaryReader, depthLeft: number): FieldTable {
  checkDepth(depthLeft);
  const table = new Map<string, FieldValue>();
  while (!reader.atEnd) {
    const key = reader.shortstr();
    const value = readValue(reader, depthLeft);
    if (!table.has(key)) table.set(key, value);
  }
  return table;
}

function readElements(reader: BinaryReader, depthLeft: number): readonly FieldValue[] {
  checkDepth(depthLeft);
  const elements: FieldValue[] = [];
  while (!reader.atEnd) elements.push(readValue(reader, depthLeft));
  return elements;
}

function checkDepth(depthLeft: number): void {
  if (depthLeft <= 0) throw new WireError("SYNTAX_ERROR", "field table is nested too deep");
}

function readValue(reader: BinaryReader, depthLeft: number): FieldValue {
  const code = reader.octet();
  const type = TYPES_BY_CODE.get(code);
  switch (type) {
    case "longstr":
      return { type, value: reader.string(reader.long()) };
    case "signedint":
      return { type, value: reader.signedLong() };
    case "unsignedint":
      return { type, value: reader.long() };
    case "long":
      return { type, value: reader.signedLonglong() };
    case "short":
      return { type, value: reader.signedShort() };
    case "unsignedshort":
      return { type, value: reader.short() };
    case "byte":
      return { type, value: reader.signedOctet() };
    case "unsignedbyte":
      return { type, value: reader.octet() };
    case "float":
      return { type, value: reader.float() };
    case "double":
      return { type, value: reader.double() };
    case "bool":
      return { type, value: reader.octet() !== 0 };
    case "timestamp":
      return { type, value: reader.longlong() };
    case "decimal":
      return { type, value: { scale: reader.octet(), unscaled: reader.long() } };
    case "table":
      return { type, value: readEntries(reader.section(), depthLeft - 1) };
    case "array":
      return { type, value: readElements(reader.section(), depthLeft - 1) };
    case "binary":
      return { type, value: reader.longstr() };
    case "void":
      return VOID;
    case undefined:
      throw new WireError("SYNTAX_ERROR", `field table holds a value of unknown type code ${code}`);
  }
}

function writeEntries(writer: BinaryWriter, table: FieldTable): void {
  for (const [key, value] of table) {
    writer.shortstr(key);
    writeValue(writer, value);
  }
}

function writeValue(writer: BinaryWriter, field: FieldValue): void {
  writer.octet(TYPE_CODES[field.type]);
  switch (field.type) {
    case "longstr":
      writer.longstr(octetsFromString(field.value));
      break;
    case "signedint":
      writer.signedLong(field.value);
      break;
    case "unsignedint":
      writer.long(field.value);
      break;
    case "long":
      writer.signedLonglong(field.value);
      break;
    case "short":
      writer.signedShort(field.value);
      break;
    case "unsignedshort":
      writer.short(field.value);
      break;
    case "byte":
      writer.signedOctet(field.value);
      break;
    case "unsignedbyte":
      writer.octet(field.value);
      break;
    case "float":
      writer.float(field.value);
      break;
    case "double":
      writer.double(field.value);
      break;
    case "bool":
      writer.octet(field.value ? 1 : 0);
      break;
    case "timestamp":
      writer.longlong(field.value);
      break;
    case "decimal":
      writer.octet(field.value.scale);
      writer.long(field.value.unscaled);
      break;
    case "table":
      writeTable(writer, field.value);
      break;
    case "array":
      writeElements(writer, field.value);
      break;
    case "binary":
      writer.longstr(field.value);
      break;
    case "void":
      break;
  }
}

function writeElements(writer: BinaryWriter, elements: readonly FieldValue[]): void {
  const section = writer.beginSection();
  for (const element of elements) writeValue(writer, element);
  writer.endSection(section);
}

function codeOf(letter: string): number {
  return letter.charCodeAt(0);
}
