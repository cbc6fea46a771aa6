/** So many turns that bring nothing take some 60 µs, which is less than a commit costs. */
const TURNS_MAX = 50;
const SKIPPED_MAX = 64;

/**
 * How long a commit waits when all that it is wanted for are messages which consumers hold: what they settle in time is
 * confirmed without it. Where consumers prove slower than that, it is tried more and more seldom.
 */
export class CommitGrace {
  #turns = 0;
  /** Commits that begin without waiting before the next one waits again. */
  #toSkip = 0;
  /** How many those are to be when it is in vain again. */
  #toSkipNext = 1;

  /** Whether the commit waits for one more turn. */
  takeTurn(): boolean {
    if (this.#toSkip > 0) {
      this.#toSkip--;
      return false;
    }
    if (this.#turns++ < TURNS_MAX) return true;
    this.#toSkip = this.#toSkipNext;
    this.#toSkipNext = Math.min(2 * this.#toSkipNext, SKIPPED_MAX);
    return false;
  }

  /** The commit is not wanted any more: if it has waited, that was worth it. */
  paidOff(): void {
    if (this.#turns > 0) this.#toSkipNext = 1;
    this.end();
  }

  /** The commit begins. */
  end(): void {
    this.#turns = 0;
  }
}
