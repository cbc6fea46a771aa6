/** Message ids and correlation ids: four types in AMQP 1.0, a short string in 0-9-1. */

import type { FieldValue } from "../../wire/field-table.ts";
import { integerOf, typeName } from "../codec/type-names.ts";
import { string, type Typed, uuid } from "../codec/types.ts";

const URN_PREFIX = "urn:uuid:";
const URN = /^urn:uuid:([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$/i;
const SHORTSTR_BYTES_MAX = 255;

/** An id for 0-9-1: the property, or, when it cannot be one, a header in its place. */
export interface PropertyOrHeader {
  readonly property: string | undefined;
  readonly header: FieldValue | undefined;
}

export function idFrom(value: Typed | undefined): PropertyOrHeader {
  if (value === undefined) return { property: undefined, header: undefined };
  switch (typeName(value)) {
    case "uuid":
      return { property: urnOf(value.value as Buffer), header: undefined };
    case "ulong":
      return { property: String(integerOf(value)), header: undefined };
    case "binary":
      return { property: undefined, header: { type: "binary", value: value.value as Buffer } };
    default: {
      const text = String(value.value);
      if (Buffer.byteLength(text) <= SHORTSTR_BYTES_MAX) return { property: text, header: undefined };
      return { property: undefined, header: { type: "longstr", value: text } };
    }
  }
}

export function idValue(property: string | undefined): Typed | undefined {
  if (property === undefined) return undefined;
  const groups = URN.exec(property);
  return groups === null ? string(property) : uuid(Buffer.from(groups.slice(1).join(""), "hex"));
}

function urnOf(octets: Buffer): string {
  const hex = octets.toString("hex");
  const groups = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)];
  return URN_PREFIX + groups.join("-");
}
