import type { Typed } from "./types.ts";

/** What a value is, whatever its encoding. Source: AMQP 1.0, part 1.6. */
export type TypeName =
  | "null"
  | "boolean"
  | "ubyte"
  | "ushort"
  | "uint"
  | "ulong"
  | "byte"
  | "short"
  | "int"
  | "long"
  | "float"
  | "double"
  | "decimal"
  | "char"
  | "timestamp"
  | "uuid"
  | "binary"
  | "string"
  | "symbol"
  | "list"
  | "map"
  | "array"
  | "described";

const NAMES: ReadonlyMap<number, TypeName> = new Map([
  [0x40, "null"],
  [0x56, "boolean"],
  [0x41, "boolean"],
  [0x42, "boolean"],
  [0x50, "ubyte"],
  [0x60, "ushort"],
  [0x70, "uint"],
  [0x52, "uint"],
  [0x43, "uint"],
  [0x80, "ulong"],
  [0x53, "ulong"],
  [0x44, "ulong"],
  [0x51, "byte"],
  [0x61, "short"],
  [0x71, "int"],
  [0x54, "int"],
  [0x81, "long"],
  [0x55, "long"],
  [0x72, "float"],
  [0x82, "double"],
  [0x74, "decimal"],
  [0x84, "decimal"],
  [0x94, "decimal"],
  [0x73, "char"],
  [0x83, "timestamp"],
  [0x98, "uuid"],
  [0xa0, "binary"],
  [0xb0, "binary"],
  [0xa1, "string"],
  [0xb1, "string"],
  [0xa3, "symbol"],
  [0xb3, "symbol"],
  [0x45, "list"],
  [0xc0, "list"],
  [0xd0, "list"],
  [0xc1, "map"],
  [0xd1, "map"],
  [0xe0, "array"],
  [0xf0, "array"],
]);

/** True for a type code of AMQP 1.0. */
export function isTypeCode(code: number): boolean {
  return NAMES.has(code);
}

/** True for a list, described or not. */
export function isList({ type }: Typed): boolean {
  return NAMES.get(type.typecode) === "list";
}

export function typeName(value: Typed): TypeName {
  if (value.descriptor !== undefined) return "described";
  return NAMES.get(value.type.typecode) as TypeName;
}

/** The text of a string or symbol; undefined for any other value. */
export function textOf(value: Typed | undefined): string | undefined {
  if (value === undefined) return undefined;
  const name = typeName(value);
  return name === "string" || name === "symbol" ? (value.value as string) : undefined;
}

/** A signed or unsigned integer of any width; undefined for any other value. */
export function integerOf(value: Typed | undefined): bigint | undefined {
  if (value === undefined) return undefined;
  switch (typeName(value)) {
    case "ubyte":
    case "ushort":
    case "uint":
    case "byte":
    case "short":
    case "int":
      return BigInt(Number(value.value));
    case "ulong":
      return Buffer.isBuffer(value.value) ? value.value.readBigUInt64BE() : BigInt(Number(value.value));
    case "long":
      return signed(value);
    default:
      return undefined;
  }
}

/** rhea reads a long of one octet as if it were unsigned. */
function signed({ type, value }: Typed): bigint {
  if (Buffer.isBuffer(value)) return value.readBigInt64BE();
  const number = Number(value);
  return BigInt(type.typecode === 0x55 && number > 127 ? number - 256 : number);
}

/** Keys and values of a map; undefined for any other value. */
export function entriesOf(value: Typed | undefined): [Typed, Typed][] | undefined {
  if (value === undefined || typeName(value) !== "map") return undefined;
  const items = value.value as readonly Typed[];
  const entries: [Typed, Typed][] = [];
  for (let index = 0; index + 1 < items.length; index += 2) {
    entries.push([items[index] as Typed, items[index + 1] as Typed]);
  }
  return entries;
}

/** The values of a map by the text of their keys; entries with other keys are left out. Undefined for any other value. */
export function recordOf(value: Typed | undefined): Map<string, Typed> | undefined {
  const entries = entriesOf(value);
  if (entries === undefined) return undefined;
  const record = new Map<string, Typed>();
  for (const [key, entry] of entries) {
    const text = textOf(key);
    if (text !== undefined) record.set(text, entry);
  }
  return record;
}
