import { octetsPrinted } from "../../wire/erlang-text.ts";
import type { FieldTable, FieldValue } from "../../wire/field-table.ts";
import { octetsFromString } from "../../wire/octet-string.ts";

/**
 * A value as RabbitMQ's texts about inequivalent arguments print it: strings and binaries as they are, anything else
 * as an Erlang term. Source: `rabbit_misc:equivalence_fail`.
 */
export function fieldValueText(field: FieldValue): string {
  if (field.type === "longstr") return field.value;
  if (field.type === "binary") return field.value.toString("utf8");
  return erlangTerm(field);
}

/** A value as an Erlang term, the way `~p` prints it: strings and binaries as `<<"text">>` too. */
export function erlangTerm(field: FieldValue): string {
  switch (field.type) {
    case "longstr":
      return printed(octetsFromString(field.value));
    case "binary":
      return printed(field.value);
    case "float":
    case "double":
      return Number.isInteger(field.value) ? `${field.value}.0` : String(field.value);
    case "decimal":
      return `{${field.value.scale},${field.value.unscaled}}`;
    case "table":
      return tableTerm(field.value);
    case "array":
      return `[${field.value.map((element) => `{${element.type},${erlangTerm(element)}}`).join(",")}]`;
    case "void":
      return "undefined";
    default:
      return String(field.value);
  }
}

function tableTerm(table: FieldTable): string {
  const rows = Array.from(
    table,
    ([key, field]) => `{${printed(octetsFromString(key))},${field.type},${erlangTerm(field)}}`,
  );
  return `[${rows.join(",")}]`;
}

function printed(octets: Buffer): string {
  return octetsPrinted(octets, 0, octets.length);
}
