import type { FieldTable, FieldValue } from "../../wire/field-table.ts";
import { BrokerError } from "../errors.ts";
import { keysToOctets } from "../routing-keys.ts";

/** Further routing keys that the publisher asks for in the headers. RabbitMQ: sender-selected distribution. */
export interface SenderSelected {
  /** The values of CC, then of BCC. */
  readonly routingKeys: readonly string[];
  /** The headers as receivers get them, when BCC had to be taken out. */
  readonly headers: FieldTable | undefined;
  /** The values of BCC, as a {@link Message} keeps them. */
  readonly bcc: Buffer;
}

const NO_OCTETS = Buffer.alloc(0);
const NONE: SenderSelected = { routingKeys: [], headers: undefined, bcc: NO_OCTETS };

/** @throws BrokerError PRECONDITION_FAILED when CC or BCC is not an array; elements that are no strings are ignored */
export function senderSelected(headers: FieldTable): SenderSelected {
  const cc = headers.get("CC");
  const bcc = headers.get("BCC");
  if (cc === undefined && bcc === undefined) return NONE;
  const hiddenKeys = keysOf("BCC", bcc);
  const routingKeys = [...keysOf("CC", cc), ...hiddenKeys];
  if (bcc === undefined) return { routingKeys, headers: undefined, bcc: NO_OCTETS };
  const visible = new Map(headers);
  visible.delete("BCC");
  return { routingKeys, headers: visible, bcc: keysToOctets(hiddenKeys) };
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
