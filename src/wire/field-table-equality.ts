import type { FieldTable, FieldType, FieldValue } from "./field-value.ts";

type IntegerType = "byte" | "unsignedbyte" | "short" | "unsignedshort" | "signedint" | "unsignedint" | "long";

const INTEGER_TYPES: ReadonlySet<FieldType> = new Set<IntegerType>([
  "byte",
  "unsignedbyte",
  "short",
  "unsignedshort",
  "signedint",
  "unsignedint",
  "long",
]);

/**
 * True when RabbitMQ takes the two for the same argument: integers of any width are equal when their values are, so
 * are float and double, and any other type only equals itself. What is inside tables and arrays must also have the
 * same type. Source: `rabbit_misc:assert_args_equivalence`.
 */
export function fieldValuesEqual(a: FieldValue, b: FieldValue): boolean {
  if (isInteger(a) && isInteger(b)) return BigInt(a.value) === BigInt(b.value);
  // === for 0 and -0, Object.is for NaN.
  if (isFloat(a) && isFloat(b)) return a.value === b.value || Object.is(a.value, b.value);
  return fieldValuesIdentical(a, b);
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

function isInteger(field: FieldValue): field is Extract<FieldValue, { value: number | bigint }> {
  return INTEGER_TYPES.has(field.type);
}

function isFloat(field: FieldValue): field is Extract<FieldValue, { type: "float" | "double" }> {
  return field.type === "float" || field.type === "double";
}
