/**
 * What a queue keeps in the store beside its messages, as notes. docs/on-disk-format.md describes the layout: change
 * both together. All integers are big-endian.
 *
 * | key | value |
 * |---|---|
 * | 1, u8 lane | u64: every message of that log below this sequence number was delivered once |
 * | 2, u64 sequence number | what is known of a message's attempts, see attempts.ts |
 * | 4, u64 sequence number, u8 part | headers it has got by being returned, in parts, see header-notes.ts |
 *
 * Others have their own: 3 streams (stream/tracked-offsets.ts), 16 and 17 deduplication.
 */

import { assert } from "../../lib/assert.ts";

const DELIVERED = 1;
const ATTEMPTS = 2;
const HEADERS = 4;

const UINT32_RANGE = 2 ** 32;

/** The kinds of note, by what their key says. */
export type NoteKey =
  | { readonly kind: "delivered"; readonly lane: number }
  | { readonly kind: "attempts"; readonly sequence: number }
  | { readonly kind: "headers"; readonly sequence: number; readonly part: number };

/** What a note is about; undefined for a key that no queue of this version writes. */
export function readNoteKey(key: Uint8Array): NoteKey | undefined {
  if (key.length === 2 && key[0] === DELIVERED) return { kind: "delivered", lane: key[1] as number };
  if (key.length === 9 && key[0] === ATTEMPTS) return { kind: "attempts", sequence: readSequence(key, 1) };
  if (key.length === 10 && key[0] === HEADERS) {
    return { kind: "headers", sequence: readSequence(key, 1), part: key[9] as number };
  }
  return undefined;
}

export function deliveredMarkKey(lane: number): Uint8Array {
  return Uint8Array.of(DELIVERED, lane);
}

export function deliveredMark(sequence: number): Uint8Array {
  const value = new Uint8Array(8);
  writeSequence(value, 0, sequence);
  return value;
}

export function readDeliveredMark(value: Uint8Array): number {
  assert(value.length === 8, "a mark of what was delivered has 8 octets");
  return readSequence(value, 0);
}

export function attemptsKey(sequence: number): Uint8Array {
  const key = new Uint8Array(9);
  key[0] = ATTEMPTS;
  writeSequence(key, 1, sequence);
  return key;
}

/** The longest table has far fewer parts than an octet can count: see Returns. */
export function headersKey(sequence: number, part: number): Uint8Array {
  const key = new Uint8Array(10);
  key[0] = HEADERS;
  writeSequence(key, 1, sequence);
  key[9] = part;
  return key;
}

function writeSequence(target: Uint8Array, offset: number, sequence: number): void {
  const view = new DataView(target.buffer, target.byteOffset);
  view.setUint32(offset, Math.floor(sequence / UINT32_RANGE));
  view.setUint32(offset + 4, sequence % UINT32_RANGE);
}

function readSequence(source: Uint8Array, offset: number): number {
  const view = new DataView(source.buffer, source.byteOffset);
  return view.getUint32(offset) * UINT32_RANGE + view.getUint32(offset + 4);
}
