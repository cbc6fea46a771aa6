/** Field tables: the values, their form on the wire, how they compare, and their forms as JSON. */

export {
  DEFAULT_TABLE_LIMITS,
  decodeTable,
  decodeTableBody,
  encodeTable,
  encodeTableBody,
  type TableLimits,
} from "./field-table-codec.ts";
export { fieldValuesEqual, tablesEqual } from "./field-table-equality.ts";
export {
  type OctetStringJson,
  type PlainJson,
  type TableJson,
  tableFromJson,
  tableToJson,
  tableToRecord,
} from "./field-table-json.ts";
export {
  array,
  bool,
  type Decimal,
  EMPTY_TABLE,
  type FieldTable,
  type FieldType,
  type FieldValue,
  integerValue,
  long,
  longstr,
  type PlainFieldValue,
  table,
  tableFrom,
} from "./field-value.ts";
