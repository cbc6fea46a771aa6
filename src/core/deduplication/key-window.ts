// Hot file: has runs for every message that has a key, add for every one that is no duplicate.

const CAPACITY_MIN = 16;

/**
 * The latest keys, as many as its size, each until its time is over. They leave in the order in which they came. A
 * ring beside the map, because a map is slow to find its oldest entry when many before it have been deleted.
 */
export class KeyWindow {
  readonly #size: number;
  /** Ordinal number of each key. */
  readonly #ordinals = new Map<string, number>();
  /** By ordinal number modulo their length, which is a power of two. */
  #keys: string[] = new Array(CAPACITY_MIN).fill("");
  #expiresAt = new Float64Array(CAPACITY_MIN);
  #oldest = 0;
  #next = 0;

  /** @param size most keys */
  constructor(size: number) {
    this.#size = size;
  }

  /** Keys that take memory; some of them may have expired. */
  get count(): number {
    return this.#ordinals.size;
  }

  has(key: string, now: number): boolean {
    const ordinal = this.#ordinals.get(key);
    return ordinal !== undefined && (this.#expiresAt[ordinal & (this.#keys.length - 1)] as number) > now;
  }

  /**
   * Adds a key that it does not have, or no longer.
   * @param expiresAt milliseconds since the Unix epoch; infinite: never
   */
  add(key: string, expiresAt: number, now: number): void {
    this.#forgetOldest(now);
    if (this.#next - this.#oldest === this.#keys.length) this.#grow();
    const slot = this.#next & (this.#keys.length - 1);
    this.#keys[slot] = key;
    this.#expiresAt[slot] = expiresAt;
    this.#ordinals.set(key, this.#next);
    this.#next++;
  }

  /** Makes room for one, and lets go of what has expired in front. */
  #forgetOldest(now: number): void {
    const mask = this.#keys.length - 1;
    while (this.#oldest < this.#next) {
      const slot = this.#oldest & mask;
      if (this.#next - this.#oldest < this.#size && (this.#expiresAt[slot] as number) > now) return;
      const key = this.#keys[slot] as string;
      // It may have come again since it expired.
      if (this.#ordinals.get(key) === this.#oldest) this.#ordinals.delete(key);
      this.#keys[slot] = "";
      this.#oldest++;
    }
  }

  #grow(): void {
    const keys: string[] = new Array(this.#keys.length * 2).fill("");
    const expiresAt = new Float64Array(keys.length);
    for (let ordinal = this.#oldest; ordinal < this.#next; ordinal++) {
      const from = ordinal & (this.#keys.length - 1);
      const to = ordinal & (keys.length - 1);
      keys[to] = this.#keys[from] as string;
      expiresAt[to] = this.#expiresAt[from] as number;
    }
    this.#keys = keys;
    this.#expiresAt = expiresAt;
  }
}
