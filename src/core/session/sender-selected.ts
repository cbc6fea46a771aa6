import type { FieldTable, FieldValue } from "../../wire/field-table.ts";
import { BrokerError } from "../errors.ts";

/** Further routing keys that the publisher asks for in the headers. RabbitMQ: sender-selected distribution. */
export interface SenderSelected {
  /** The values of CC, then of BCC. */
  readonly routingKeys: readonly string[];
  /** The headers as receivers get them, when BCC had to be taken out. */
  readonly headers: FieldTable | undefined;
}

const NONE: SenderSelected = { routingKeys: [], headers: undefined };

/** @throws BrokerError PRECONDITION_FAILED when CC or BCC is not an array; elements that are no strings are ignored */
export function senderSelected(headers: FieldTable): SenderSelected {
  const cc = headers.get("CC");
  const bcc = headers.get("BCC");
  if (cc === undefined && bcc === undefined) return NONE;
  const routingKeys = [...keysOf("CC", cc), ...keysOf("BCC", bcc)];
  if (bcc === undefined) return { routingKeys, headers: undefined };
  const visible = new Map(headers);
  visible.delete("BCC");
  return { routingKeys, headers: visible };
}

function keysOf(header: string, value: FieldValue | undefined): string[] {
  if (value === undefined) return [];
  if (value.type !== "array") {
    throw new BrokerError(
      "PRECONDITION_FAILED",
      `invalid message: {unacceptable_type_in_header,"${header}",${value.type}}`,
    );
  }
  const keys: string[] = [];
  for (const item of value.value) if (item.type === "longstr") keys.push(String(item.value));
  return keys;
}
