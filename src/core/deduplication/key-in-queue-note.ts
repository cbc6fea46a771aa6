/**
 * The key of a message that is in a queue as a note in the store.
 *
 * | note's key | value |
 * |---|---|
 * | 17, u64 sequence number of the message, big-endian | the key |
 */

/** First octet of these notes. */
const KEY_IN_QUEUE_NOTE = 17;

const NOTE_KEY_BYTES = 9;
const UINT32_RANGE = 2 ** 32;

export function keyInQueueNote(sequence: number): Uint8Array {
  const note = Buffer.alloc(NOTE_KEY_BYTES, KEY_IN_QUEUE_NOTE);
  note.writeUInt32BE(Math.floor(sequence / UINT32_RANGE), 1);
  note.writeUInt32BE(sequence % UINT32_RANGE, 5);
  return note;
}

/** True for what {@link keyInQueueNote} has made. */
export function isKeyInQueueNote(noteKey: Uint8Array): boolean {
  return noteKey.length === NOTE_KEY_BYTES && noteKey[0] === KEY_IN_QUEUE_NOTE;
}

/** The sequence number in the note's key. */
export function readSequence(noteKey: Uint8Array): number {
  const view = new DataView(noteKey.buffer, noteKey.byteOffset);
  return view.getUint32(1) * UINT32_RANGE + view.getUint32(5);
}

export function readKeyInQueue(value: Uint8Array): string {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("latin1");
}
