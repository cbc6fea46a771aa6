import { BinaryReader } from "./binary-reader.ts";
import { BinaryWriter } from "./binary-writer.ts";
import { octetsAsNumbers } from "./erlang-text.ts";
import { TruncatedError, WireError } from "./errors.ts";
import { DEFAULT_TABLE_LIMITS, readTable, type TableLimits, writeTable } from "./field-table-codec.ts";
import { EMPTY_TABLE, type FieldTable } from "./field-value.ts";
import { FRAME_END, FRAME_METHOD } from "./frame.ts";
import type { ArgumentType } from "./method-table.ts";
import { METHODS, type MethodArguments, type MethodName, type MethodSpec } from "./methods.ts";
import { holdsRawOctets } from "./octet-string.ts";

const BITS_PER_OCTET = 8;
const NO_OCTETS = Buffer.alloc(0);

type ArgumentValue = boolean | number | string | Buffer | FieldTable;

/**
 * Decodes the arguments of a method, which fill `start` (behind the method id) to `end`.
 *
 * @throws WireError with the ids of the method: FRAME_ERROR when the arguments do not fill the range exactly or a
 *   delivery tag is 2^53 or more, SYNTAX_ERROR for a malformed table. Without ids, as in RabbitMQ: FRAME_ERROR for a
 *   shortstr that is not UTF-8, in methods that carry no content
 */
export function decodeArguments<N extends MethodName>(
  spec: MethodSpec<N>,
  buffer: Buffer,
  start: number,
  end: number,
  limits = DEFAULT_TABLE_LIMITS,
): MethodArguments<N> {
  const reader = new BinaryReader(buffer, start, end, "method arguments");
  let values: Readonly<Record<string, ArgumentValue>>;
  try {
    values = readArguments(spec, reader, limits);
  } catch (error) {
    if (error instanceof TruncatedError) throw cannotDecode(spec, buffer, start, end);
    if (error instanceof WireError) throw new WireError(error.replyName, error.message, spec.classId, spec.methodId);
    throw error;
  }
  if (!reader.atEnd) throw cannotDecode(spec, buffer, start, end);
  checkStrings(spec, values);
  return values as MethodArguments<N>;
}

/**
 * A complete method frame.
 *
 * @throws RangeError for a shortstr of more than 255 octets or a number that its wire type cannot hold
 */
export function encodeMethodFrame<N extends MethodName>(channel: number, name: N, args: MethodArguments<N>): Buffer {
  const spec: MethodSpec = METHODS[name];
  const writer = new BinaryWriter();
  writer.octet(FRAME_METHOD);
  writer.short(channel);
  const payload = writer.beginSection();
  writer.short(spec.classId);
  writer.short(spec.methodId);
  writeArguments(writer, spec, args as Readonly<Record<string, ArgumentValue>>);
  writer.endSection(payload);
  writer.octet(FRAME_END);
  return writer.finish();
}

function readArguments(spec: MethodSpec, reader: BinaryReader, limits: TableLimits): Record<string, ArgumentValue> {
  const values: Record<string, ArgumentValue> = {};
  let bits = 0;
  let bitIndex = 0;
  for (const { name, type, reserved } of spec.arguments) {
    let value: ArgumentValue;
    if (type === "bit") {
      if (bitIndex % BITS_PER_OCTET === 0) bits = reader.octet();
      value = ((bits >> (bitIndex % BITS_PER_OCTET)) & 1) === 1;
      bitIndex++;
    } else {
      value = readArgument(type, reader, limits);
      bitIndex = 0;
    }
    if (!reserved) values[name] = value;
  }
  return values;
}

function readArgument(type: Exclude<ArgumentType, "bit">, reader: BinaryReader, limits: TableLimits): ArgumentValue {
  switch (type) {
    case "octet":
      return reader.octet();
    case "short":
      return reader.short();
    case "long":
      return reader.long();
    case "longlong":
      return Number(reader.longlong());
    case "shortstr":
      return reader.shortstr();
    case "longstr":
      return reader.longstr();
    case "table":
      return readTable(reader, limits);
  }
}

/** Names are text. RabbitMQ spares methods with content the check, for speed. */
function checkStrings(spec: MethodSpec, values: Readonly<Record<string, ArgumentValue>>): void {
  if (spec.hasContent) return;
  for (const { name, type } of spec.arguments) {
    const value = values[name];
    if (type === "shortstr" && typeof value === "string" && holdsRawOctets(value)) {
      throw new WireError("FRAME_ERROR", "Malformed UTF-8 in shortstr");
    }
  }
}

function writeArguments(writer: BinaryWriter, spec: MethodSpec, args: Readonly<Record<string, ArgumentValue>>): void {
  let bits = 0;
  let bitCount = 0;
  for (const { name, type, reserved } of spec.arguments) {
    if (bitCount === BITS_PER_OCTET || (bitCount > 0 && type !== "bit")) {
      writer.octet(bits);
      bits = bitCount = 0;
    }
    if (type === "bit") {
      if (args[name] === true) bits |= 1 << bitCount;
      bitCount++;
    } else {
      writeArgument(writer, type, reserved ? RESERVED_VALUES[type] : (args[name] as ArgumentValue));
    }
  }
  if (bitCount > 0) writer.octet(bits);
}

const RESERVED_VALUES: Readonly<Record<Exclude<ArgumentType, "bit">, ArgumentValue>> = {
  octet: 0,
  short: 0,
  long: 0,
  longlong: 0,
  shortstr: "",
  longstr: NO_OCTETS,
  table: EMPTY_TABLE,
};

function writeArgument(writer: BinaryWriter, type: Exclude<ArgumentType, "bit">, value: ArgumentValue): void {
  switch (type) {
    case "octet":
      writer.octet(value as number);
      break;
    case "short":
      writer.short(value as number);
      break;
    case "long":
      writer.long(value as number);
      break;
    case "longlong":
      if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not an integer below 2^53`);
      writer.longlong(BigInt(value as number));
      break;
    case "shortstr":
      writer.shortstr(value as string);
      break;
    case "longstr":
      writer.longstr(value as Buffer);
      break;
    case "table":
      writeTable(writer, value as FieldTable);
      break;
  }
}

function cannotDecode(spec: MethodSpec, buffer: Buffer, start: number, end: number): WireError {
  const octets = octetsAsNumbers(buffer, start, end);
  return new WireError("FRAME_ERROR", `cannot decode ${octets}`, spec.classId, spec.methodId);
}
