import type { Store } from "../ports.ts";
import { NOTE_KEYS_MAX, type RememberedKey, readWindowNote, WindowNoteWriter } from "./window-note.ts";

/** The notes of one window: what of it is in the store, and what is on its way there. */
export class WindowNotes {
  readonly #ownerId: number;
  readonly #slotCount: number;
  readonly #note: WindowNoteWriter;
  /** The keys from the beginning of the first note on that is not full, or not written as full. */
  #keys: string[] = [];
  #expiresAt: number[] = [];
  /** Ordinal number of the first of them. */
  #firstOrdinal = 0;

  /** @param size most keys that a restart must find */
  constructor(ownerId: number, size: number) {
    this.#ownerId = ownerId;
    // The latest note may hold a single key.
    this.#slotCount = Math.ceil(size / NOTE_KEYS_MAX) + 1;
    this.#note = new WindowNoteWriter(this.#slotCount);
  }

  add(key: string, expiresAt: number): void {
    this.#keys.push(key);
    this.#expiresAt.push(expiresAt);
  }

  /** Buffers what has been added in the store. */
  write(store: Store): void {
    const keyCount = this.#keys.length;
    const noteCount = Math.ceil(keyCount / NOTE_KEYS_MAX);
    // More notes than slots at once: the later ones would take the place of the earlier ones.
    for (let index = Math.max(0, noteCount - this.#slotCount); index < noteCount; index++) {
      const first = index * NOTE_KEYS_MAX;
      this.#note.begin(this.#firstOrdinal + first);
      const end = Math.min(first + NOTE_KEYS_MAX, keyCount);
      for (let at = first; at < end; at++) this.#note.add(this.#keys[at] as string, this.#expiresAt[at] as number);
      store.putNote(this.#ownerId, this.#note.key, this.#note.value);
    }
    this.#dropFullNotes();
  }

  /** Takes over the values of all notes that recovery found, in any order; returns their keys in order. */
  recover(values: readonly Uint8Array[]): RememberedKey[] {
    const found: RememberedKey[] = [];
    for (const value of values) readWindowNote(value, found);
    found.sort((one, other) => one.ordinal - other.ordinal);
    const last = found.at(-1);
    if (last === undefined) return found;
    this.#firstOrdinal = last.ordinal - (last.ordinal % NOTE_KEYS_MAX);
    for (const { ordinal, key, expiresAt } of found) if (ordinal >= this.#firstOrdinal) this.add(key, expiresAt);
    return found;
  }

  #dropFullNotes(): void {
    const full = this.#keys.length - (this.#keys.length % NOTE_KEYS_MAX);
    this.#keys = this.#keys.slice(full);
    this.#expiresAt = this.#expiresAt.slice(full);
    this.#firstOrdinal += full;
  }
}
