/**
 * The keys of a window as notes in the store, up to 16 in each. All integers are big-endian.
 *
 * | note's key | value |
 * |---|---|
 * | 16, u32 slot | u48 ordinal number of the first key, then for each key: u48 milliseconds since the Unix epoch at which it expires (0: never), u8 length, the key |
 *
 * The ordinal number of a note's first key is a multiple of 16; divided by 16, modulo the number of slots, it gives the
 * slot. So the notes are a ring, and a new one takes the place of the oldest.
 */

import { KEY_BYTES_MAX } from "../message-key.ts";

/** First octet of the notes of a window. */
const WINDOW_NOTE = 16;

/** Keys in a note: one note for each would cost ten times as much when many come at once. */
export const NOTE_KEYS_MAX = 16;

const NOTE_KEY_BYTES = 5;
const UINT48_BYTES = 6;
const VALUE_BYTES_MAX = UINT48_BYTES + NOTE_KEYS_MAX * (UINT48_BYTES + 1 + KEY_BYTES_MAX);

/** A remembered key. */
export interface RememberedKey {
  /** Ordinal number among the keys that have been noted. */
  readonly ordinal: number;
  readonly key: string;
  /** Milliseconds since the Unix epoch; infinite: never. */
  readonly expiresAt: number;
}

/** True for a note that {@link WindowNoteWriter} has written. */
export function isWindowNote(noteKey: Uint8Array): boolean {
  return noteKey.length === NOTE_KEY_BYTES && noteKey[0] === WINDOW_NOTE;
}

/** Adds the keys in a note to `found`. */
export function readWindowNote(value: Uint8Array, found: RememberedKey[]): void {
  const octets = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const first = octets.readUIntBE(0, UINT48_BYTES);
  let ordinal = first;
  for (let offset = UINT48_BYTES; offset < octets.length; ordinal++) {
    const expiresAt = octets.readUIntBE(offset, UINT48_BYTES);
    const keyAt = offset + UINT48_BYTES + 1;
    offset = keyAt + octets.readUInt8(keyAt - 1);
    const key = octets.toString("latin1", keyAt, offset);
    found.push({ ordinal, key, expiresAt: expiresAt === 0 ? Number.POSITIVE_INFINITY : expiresAt });
  }
}

/** Writes notes into buffers of its own, each good until the next is begun. */
export class WindowNoteWriter {
  readonly key = Buffer.alloc(NOTE_KEY_BYTES, WINDOW_NOTE);
  readonly #slotCount: number;
  readonly #value = Buffer.alloc(VALUE_BYTES_MAX);
  #valueBytes = 0;

  /** @param slotCount most notes that there are */
  constructor(slotCount: number) {
    this.#slotCount = slotCount;
  }

  get value(): Uint8Array {
    return this.#value.subarray(0, this.#valueBytes);
  }

  /** Begins the note whose first key has this ordinal number. */
  begin(ordinal: number): void {
    this.key.writeUInt32BE((ordinal / NOTE_KEYS_MAX) % this.#slotCount, 1);
    this.#valueBytes = this.#value.writeUIntBE(ordinal, 0, UINT48_BYTES);
  }

  add(key: string, expiresAt: number): void {
    const at = this.#value.writeUIntBE(Number.isFinite(expiresAt) ? expiresAt : 0, this.#valueBytes, UINT48_BYTES);
    const keyAt = this.#value.writeUInt8(key.length, at);
    this.#valueBytes = keyAt + this.#value.write(key, keyAt, "latin1");
  }
}
