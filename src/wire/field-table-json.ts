import type { FieldTable, FieldType, FieldValue } from "./field-value.ts";
import { holdsRawOctets, octetsFromString, stringFromOctets } from "./octet-string.ts";

/** A string, or the base64 of octets that are not UTF-8. */
export type OctetStringJson = string | { readonly base64: string };

/** A field value as JSON. 64-bit integers are decimal strings, binary is base64, a decimal is [scale, unscaled]. */
export type FieldValueJson = readonly [type: FieldType, value: unknown];

/** A field table as JSON that keeps wire types and order. An array, since an object would move keys like "1" to the front. */
export type TableJson = readonly (readonly [key: OctetStringJson, type: FieldType, value: unknown])[];

/** What {@link tableToRecord} makes of a field value. */
export type PlainJson = string | number | boolean | null | readonly PlainJson[] | { readonly [key: string]: PlainJson };

/** The lossless JSON form, for durable definitions. */
export function tableToJson(table: FieldTable): TableJson {
  return Array.from(table, ([key, value]) => [octetStringToJson(key), value.type, valueToJson(value)] as const);
}

/** The table that {@link tableToJson} turned into `json`, which is trusted to be such. @throws TypeError for an unknown type */
export function tableFromJson(json: TableJson): FieldTable {
  return new Map(json.map(([key, type, value]) => [octetStringFromJson(key), valueFromJson(type, value)]));
}

/**
 * The table as a plain object that JSON can hold, without the wire types, for people and HTTP. A 64-bit integer beyond
 * 2^53 becomes a decimal string; octets that are not UTF-8 become base64.
 */
export function tableToRecord(table: FieldTable): { readonly [key: string]: PlainJson } {
  return Object.fromEntries(Array.from(table, ([key, value]) => [plainString(key), plainValue(value)]));
}

function plainValue(field: FieldValue): PlainJson {
  switch (field.type) {
    case "longstr":
      return plainString(field.value);
    case "long":
    case "timestamp":
      return Number.isSafeInteger(Number(field.value)) ? Number(field.value) : String(field.value);
    case "float":
    case "double":
      return Number.isFinite(field.value) ? field.value : String(field.value);
    case "decimal":
      return field.value.unscaled / 10 ** field.value.scale;
    case "table":
      return tableToRecord(field.value);
    case "array":
      return field.value.map(plainValue);
    case "binary":
      return field.value.toString("base64");
    default:
      return field.value;
  }
}

function plainString(value: string): string {
  return holdsRawOctets(value) ? octetsFromString(value).toString("base64") : value;
}

function valueToJson(field: FieldValue): unknown {
  switch (field.type) {
    case "longstr":
      return octetStringToJson(field.value);
    case "long":
    case "timestamp":
      return String(field.value);
    case "float":
    case "double":
      // JSON has neither NaN nor the infinities, and prints -0 as 0.
      return Number.isFinite(field.value) && !Object.is(field.value, -0) ? field.value : nonJsonNumber(field.value);
    case "decimal":
      return [field.value.scale, field.value.unscaled];
    case "table":
      return tableToJson(field.value);
    case "array":
      return field.value.map((element): FieldValueJson => [element.type, valueToJson(element)]);
    case "binary":
      return field.value.toString("base64");
    default:
      return field.value;
  }
}

function valueFromJson(type: FieldType, json: unknown): FieldValue {
  switch (type) {
    case "longstr":
      return { type, value: octetStringFromJson(json as OctetStringJson) };
    case "long":
    case "timestamp":
      return { type, value: BigInt(json as string) };
    case "float":
    case "double":
      return { type, value: Number(json) };
    case "decimal": {
      const [scale, unscaled] = json as readonly [number, number];
      return { type, value: { scale, unscaled } };
    }
    case "table":
      return { type, value: tableFromJson(json as TableJson) };
    case "array":
      return { type, value: (json as FieldValueJson[]).map(([element, value]) => valueFromJson(element, value)) };
    case "binary":
      return { type, value: Buffer.from(json as string, "base64") };
    case "signedint":
    case "unsignedint":
    case "short":
    case "unsignedshort":
    case "byte":
    case "unsignedbyte":
      return { type, value: json as number };
    case "bool":
      return { type, value: json as boolean };
    case "void":
      return { type, value: null };
    default:
      throw new TypeError(`unknown field type ${JSON.stringify(type satisfies never)} in stored field table`);
  }
}

function nonJsonNumber(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

function octetStringToJson(value: string): OctetStringJson {
  return holdsRawOctets(value) ? { base64: octetsFromString(value).toString("base64") } : value;
}

function octetStringFromJson(json: OctetStringJson): string {
  if (typeof json === "string") return json;
  const octets = Buffer.from(json.base64, "base64");
  return stringFromOctets(octets, 0, octets.length);
}
