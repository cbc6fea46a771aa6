// Hot file: mayBeSenderSelected runs for every message that has headers.

import type { FieldTable, FieldValue, TableLimits } from "../../wire/field-table.ts";
import { soundFieldEnd } from "../../wire/find-field.ts";
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

const LETTER_B = 0x42;
const LETTER_C = 0x43;

/**
 * Whether the headers, whose long length is at `start`, have to be decoded to see what they ask for: they name CC or
 * BCC. Also true when they are malformed or beyond `limits`: to decode them tells how.
 */
export function mayBeSenderSelected(buffer: Buffer, start: number, limits: TableLimits): boolean {
  const entriesBytes = buffer.readUInt32BE(start);
  if (entriesBytes > limits.bytesMax) return true;
  const end = start + 4 + entriesBytes;
  for (let offset = start + 4; offset < end; ) {
    const nameBytes = buffer[offset] as number;
    const typeAt = offset + 1 + nameBytes;
    if (typeAt >= end || isSelecting(buffer, offset + 1, nameBytes)) return true;
    offset = soundFieldEnd(buffer, typeAt, end, limits.depthMax - 1);
    if (offset < 0) return true;
  }
  return false;
}

function isSelecting(buffer: Buffer, nameStart: number, nameBytes: number): boolean {
  const end = nameStart + nameBytes;
  return (
    (nameBytes === 2 || (nameBytes === 3 && buffer[nameStart] === LETTER_B)) &&
    buffer[end - 2] === LETTER_C &&
    buffer[end - 1] === LETTER_C
  );
}

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
