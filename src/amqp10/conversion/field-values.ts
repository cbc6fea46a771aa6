/** Values of AMQP 1.0 as values of a 0-9-1 field table and back, as RabbitMQ's message containers convert them. */

import type { FieldTable, FieldValue } from "../../wire/field-table.ts";
import { holdsRawOctets, octetsFromString } from "../../wire/octet-string.ts";
import { entriesOf, integerOf, textOf, typeName } from "../codec/type-names.ts";
import {
  binary,
  bool,
  byte,
  double,
  float,
  int,
  list,
  long,
  NULL,
  short,
  string,
  symbolMap,
  type Typed,
  timestamp,
  ubyte,
  uint,
  ushort,
} from "../codec/types.ts";

const LONG_MAX = 2n ** 63n - 1n;
const DECIMAL_DIGIT_BASE = 10;
/** The largest distance of a Date from the epoch. */
const MILLISECONDS_MAX = 8_640_000_000_000_000;
const KEY_BYTES_MAX = 255;

/** The field that stands for a value of AMQP 1.0; undefined for those that 0-9-1 cannot express. */
export function fieldFrom(value: Typed): FieldValue | undefined {
  switch (typeName(value)) {
    case "null":
      return { type: "void", value: null };
    case "boolean":
      return { type: "bool", value: Boolean(value.value) };
    case "ubyte":
      return { type: "unsignedbyte", value: value.value as number };
    case "ushort":
      return { type: "unsignedshort", value: value.value as number };
    case "uint":
      return { type: "unsignedint", value: value.value as number };
    case "byte":
      return { type: "byte", value: value.value as number };
    case "short":
      return { type: "short", value: value.value as number };
    case "int":
      return { type: "signedint", value: value.value as number };
    case "ulong":
    case "long":
      return longField(integerOf(value) as bigint);
    case "float":
      return { type: "float", value: value.value as number };
    case "double":
      return { type: "double", value: value.value as number };
    case "timestamp":
      return timestampField(value.value as Date);
    case "binary":
    case "uuid":
      return { type: "binary", value: value.value as Buffer };
    case "char":
      return { type: "unsignedint", value: value.value as number };
    case "string":
    case "symbol":
      return { type: "longstr", value: value.value as string };
    case "list":
      return { type: "array", value: (value.value as readonly Typed[]).flatMap((item) => fieldFrom(item) ?? []) };
    case "array":
      return { type: "array", value: (value.value as readonly Typed[]).flatMap((item) => fieldFrom(item) ?? []) };
    case "map":
      return { type: "table", value: tableOf(value) };
    case "decimal":
    case "described":
      return undefined;
  }
}

/** Whether a key can be one of a field table. */
export function isFieldName(key: string): boolean {
  return Buffer.byteLength(key) <= KEY_BYTES_MAX;
}

/** A map as a field table. Entries whose key is no text, or whose value cannot be expressed, are left out. */
export function tableOf(map: Typed): FieldTable {
  const table = new Map<string, FieldValue>();
  for (const [key, value] of entriesOf(map) ?? []) {
    const name = textOf(key);
    const field = fieldFrom(value);
    if (name !== undefined && field !== undefined && isFieldName(name)) table.set(name, field);
  }
  return table;
}

/** The value of AMQP 1.0 for a field. A decimal becomes a double. */
export function valueFrom(field: FieldValue): Typed {
  switch (field.type) {
    case "longstr":
      return holdsRawOctets(field.value) ? binary(octetsFromString(field.value)) : string(field.value);
    case "signedint":
      return int(field.value);
    case "unsignedint":
      return uint(field.value);
    case "short":
      return short(field.value);
    case "unsignedshort":
      return ushort(field.value);
    case "byte":
      return byte(field.value);
    case "unsignedbyte":
      return ubyte(field.value);
    case "float":
      return float(field.value);
    case "double":
      return double(field.value);
    case "bool":
      return bool(field.value);
    case "long":
      return long(field.value);
    case "timestamp":
      return timestamp(Math.min(Number(field.value) * 1000, MILLISECONDS_MAX));
    case "decimal":
      return double(field.value.unscaled / DECIMAL_DIGIT_BASE ** field.value.scale);
    case "table":
      return symbolMap([...field.value].map(([key, value]) => [key, valueFrom(value)]));
    case "array":
      return list(field.value.map(valueFrom));
    case "binary":
      return binary(field.value);
    case "void":
      return NULL;
  }
}

/** RabbitMQ makes a long of it and leaves the rest to chance: an unsigned one that does not fit is passed on as text. */
function longField(value: bigint): FieldValue {
  return value > LONG_MAX ? { type: "longstr", value: value.toString() } : { type: "long", value };
}

/** 0-9-1 counts seconds, from the epoch on. */
function timestampField(value: Date): FieldValue | undefined {
  const milliseconds = value.getTime();
  if (Number.isNaN(milliseconds) || milliseconds < 0) return undefined;
  return { type: "timestamp", value: BigInt(Math.floor(milliseconds / 1000)) };
}
