/** The routing keys a message has beside its own: those of a CC header, and of a BCC header that receivers do not see. */

import type { FieldTable } from "../wire/field-table.ts";
import { octetsFromString, stringFromOctets } from "../wire/octet-string.ts";
import type { Message } from "./message.ts";

const LENGTH_BYTES = 4;

/** `keys` as adjacent longstrs, the way {@link Message.bcc} keeps them. */
export function keysToOctets(keys: readonly string[]): Buffer {
  const parts: Buffer[] = [];
  for (const key of keys) {
    const octets = octetsFromString(key);
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32BE(octets.length);
    parts.push(length, octets);
  }
  return Buffer.concat(parts);
}

/** The keys of a message's BCC header. */
export function bccKeys({ bcc }: Message): string[] {
  const keys: string[] = [];
  for (let offset = 0; offset < bcc.length; ) {
    const start = offset + LENGTH_BYTES;
    offset = start + bcc.readUInt32BE(offset);
    keys.push(stringFromOctets(bcc, start, offset));
  }
  return keys;
}

/** The keys of the CC header in `headers`; elements that are no strings are none. */
export function ccKeys(headers: FieldTable | undefined): string[] {
  const value = headers?.get("CC");
  if (value?.type !== "array") return [];
  const keys: string[] = [];
  for (const item of value.value) if (item.type === "longstr") keys.push(item.value);
  return keys;
}
