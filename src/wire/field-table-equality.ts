import { type FieldTable, type FieldValue, integerValue } from "./field-value.ts";
import { octetsFromString } from "./octet-string.ts";

/**
 * True when RabbitMQ 4.3 takes the two for the same argument: it compares what is left of them in Erlang, without their
 * types. Integers of any width are equal when their values are, timestamps among them; so are float and double; and
 * strings and binaries. What is inside tables and arrays must also have the same type; a table and an array are equal
 * when there is nothing in either.
 */
export function fieldValuesEqual(a: FieldValue, b: FieldValue): boolean {
  // === for 0 and -0, Object.is for NaN.
  if (isFloat(a) && isFloat(b)) return a.value === b.value || Object.is(a.value, b.value);
  if (a.type === b.type) return fieldValuesIdentical(a, b);
  const [integer, other] = [numberOf(a), numberOf(b)];
  if (integer !== undefined && other !== undefined) return BigInt(integer) === BigInt(other);
  const [octets, others] = [octetsOf(a), octetsOf(b)];
  if (octets !== undefined && others !== undefined) return octets.equals(others);
  return isEmptyList(a) && isEmptyList(b);
}

/** True when both hold the same keys with values of the same types, in any order. The identity of a binding's arguments. */
export function tablesEqual(a: FieldTable, b: FieldTable): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) {
    const other = b.get(key);
    if (other === undefined || !fieldValuesIdentical(value, other)) return false;
  }
  return true;
}

function fieldValuesIdentical(a: FieldValue, b: FieldValue): boolean {
  if (a.type === "table" && b.type === "table") return tablesEqual(a.value, b.value);
  if (a.type === "array" && b.type === "array") return arraysIdentical(a.value, b.value);
  if (a.type === "binary" && b.type === "binary") return a.value.equals(b.value);
  if (a.type === "decimal" && b.type === "decimal") {
    return a.value.scale === b.value.scale && a.value.unscaled === b.value.unscaled;
  }
  return a.type === b.type && Object.is(a.value, b.value);
}

function arraysIdentical(a: readonly FieldValue[], b: readonly FieldValue[]): boolean {
  return a.length === b.length && a.every((value, index) => fieldValuesIdentical(value, b[index] as FieldValue));
}

function numberOf(field: FieldValue): number | bigint | undefined {
  return field.type === "timestamp" ? field.value : integerValue(field);
}

function octetsOf(field: FieldValue): Buffer | undefined {
  if (field.type === "binary") return field.value;
  return field.type === "longstr" ? octetsFromString(field.value) : undefined;
}

function isEmptyList(field: FieldValue): boolean {
  return (field.type === "table" && field.value.size === 0) || (field.type === "array" && field.value.length === 0);
}

function isFloat(field: FieldValue): field is Extract<FieldValue, { type: "float" | "double" }> {
  return field.type === "float" || field.type === "double";
}
