/** Steps that one text may take: as many as RabbitMQ lets PCRE take, though PCRE counts fewer things. About 2 ms. */
const STEPS_MAX = 50_000;

/** Steps inside each other, which are what the stack has to hold. */
const DEPTH_MAX = 2_000;

/** One search in one text. */
export class Run {
  /** The text, a string for each code point. */
  readonly characters: readonly string[];
  /** What each group has captured: its start and its end, or -1. */
  readonly captures: Int32Array;
  /** True when the search has been given up: what it says since then means nothing. */
  exhausted = false;
  #steps = 0;
  #depth = 0;

  constructor(characters: readonly string[], groupCount: number) {
    this.characters = characters;
    this.captures = new Int32Array(2 * groupCount).fill(-1);
  }

  /** Takes a step, within which `action` takes others; false when there have been too many. */
  step(action: () => boolean): boolean {
    if (++this.#steps > STEPS_MAX || this.#depth === DEPTH_MAX) this.exhausted = true;
    if (this.exhausted) return false;
    this.#depth++;
    const result = action();
    this.#depth--;
    return result;
  }
}
