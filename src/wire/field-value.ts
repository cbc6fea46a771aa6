/** The types of a field value, under RabbitMQ's names for them. */
export type FieldType = FieldValue["type"];

/** `unscaled` divided by 10 to the power of `scale`. */
export interface Decimal {
  /** 0 to 255. */
  readonly scale: number;
  /** 0 to 2^32 - 1. */
  readonly unscaled: number;
}

/**
 * One value of a field table, with the type it has on the wire. A longstr whose octets are not UTF-8 is a string as
 * octet-string.ts describes, so that every value survives being decoded and encoded again. Timestamps are seconds
 * since the Unix epoch.
 */
export type FieldValue =
  | { readonly type: "longstr"; readonly value: string }
  | { readonly type: "signedint" | "unsignedint" | "short" | "unsignedshort"; readonly value: number }
  | { readonly type: "byte" | "unsignedbyte"; readonly value: number }
  | { readonly type: "float" | "double"; readonly value: number }
  | { readonly type: "bool"; readonly value: boolean }
  | { readonly type: "long" | "timestamp"; readonly value: bigint }
  | { readonly type: "decimal"; readonly value: Decimal }
  | { readonly type: "table"; readonly value: FieldTable }
  | { readonly type: "array"; readonly value: readonly FieldValue[] }
  | { readonly type: "binary"; readonly value: Buffer }
  | { readonly type: "void"; readonly value: null };

/** A field table in wire order. Keys are short strings as octet-string.ts describes. */
export type FieldTable = ReadonlyMap<string, FieldValue>;

export const EMPTY_TABLE: FieldTable = new Map();

/** What {@link tableFrom} takes. Uint8Array stands for binary, null for void, a Map for a table that is ready. */
export type PlainFieldValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | Uint8Array
  | FieldTable
  | readonly PlainFieldValue[]
  | { readonly [key: string]: PlainFieldValue };

export function longstr(value: string): FieldValue {
  return { type: "longstr", value };
}

export function bool(value: boolean): FieldValue {
  return { type: "bool", value };
}

/** A 64-bit signed integer. */
export function long(value: number | bigint): FieldValue {
  return { type: "long", value: BigInt(value) };
}

export function array(values: readonly PlainFieldValue[]): FieldValue {
  return { type: "array", value: values.map(fieldValueFrom) };
}

export function table(record: Readonly<Record<string, PlainFieldValue>>): FieldValue {
  return { type: "table", value: tableFrom(record) };
}

/**
 * A field table of plain values. Integers become long and other numbers double, the way RabbitMQ turns the JSON of its
 * HTTP API into arguments.
 */
export function tableFrom(record: Readonly<Record<string, PlainFieldValue>>): FieldTable {
  return new Map(Object.entries(record).map(([key, value]) => [key, fieldValueFrom(value)]));
}

function fieldValueFrom(value: PlainFieldValue): FieldValue {
  if (value === null) return { type: "void", value };
  if (typeof value === "string") return longstr(value);
  if (typeof value === "boolean") return bool(value);
  if (typeof value === "bigint") return long(value);
  if (typeof value === "number") return Number.isSafeInteger(value) ? long(value) : { type: "double", value };
  if (value instanceof Uint8Array) return { type: "binary", value: Buffer.from(value) };
  if (value instanceof Map) return { type: "table", value };
  if (Array.isArray(value)) return array(value);
  return table(value as Readonly<Record<string, PlainFieldValue>>);
}

/** The value of a field of any integer type; undefined for other types. */
export function integerValue(field: FieldValue | undefined): number | bigint | undefined {
  switch (field?.type) {
    case "byte":
    case "unsignedbyte":
    case "short":
    case "unsignedshort":
    case "signedint":
    case "unsignedint":
    case "long":
      return field.value;
    default:
      return undefined;
  }
}
