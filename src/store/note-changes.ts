/**
 * What a commit will do to the notes of one owner: the last word on each of them. Keys are strings with one code unit
 * for each octet.
 */
export class NoteChanges {
  /** The value put, or undefined for a note that is deleted. */
  readonly byKey = new Map<string, Buffer | undefined>();
  /** Notes that were put and deleted again in here. Most of them never reached the disk. */
  readonly #shortLived = new Set<string>();

  put(key: string, value: Buffer): void {
    this.byKey.set(key, value);
  }

  delete(key: string): void {
    if (this.byKey.get(key) !== undefined) this.#shortLived.add(key);
    this.byKey.set(key, undefined);
  }

  /** Adds what was called after everything in here. */
  absorb(later: NoteChanges): void {
    for (const [key, value] of later.byKey) {
      if (value === undefined) this.delete(key);
      else this.put(key, value);
    }
    for (const key of later.#shortLived) this.#shortLived.add(key);
  }

  /**
   * Leaves out the deletion of notes that were put and deleted again and are not on disk. A put does not tell whether it
   * replaces anything, so this asks the store, when no commit is in flight and its answer holds.
   */
  forgetShortLived(isStored: (key: string) => boolean): void {
    for (const key of this.#shortLived) {
      if (this.byKey.get(key) === undefined && !isStored(key)) this.byKey.delete(key);
    }
    this.#shortLived.clear();
  }
}
