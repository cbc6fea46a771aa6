/** So many turns that bring nothing take some 100 µs. */
const TURNS_MAX = 100;
const SCORE_MAX = 16;
/** From this score on it is worth it: three of four times in which input came soon, and more. */
const SCORE_WORTH = 8;
const LOSS = 3;
/** Below that it is tried after so many turns that had something to do. */
const TRIED_EVERY = 32;

/**
 * How long the event loop turns without sleeping when a turn has had something to do. Clients that answer at once are then
 * heard at once: to be woken takes longer than most turns. Where they do not, it sleeps.
 */
export class Lingering {
  /** Turns made without sleeping; negative: none is being made. */
  #turns = -1;
  /** Rises when input comes meanwhile, falls when it does not. */
  #score = 0;
  #untilTried = TRIED_EVERY;

  /** Whether another turn is to be made without sleeping. Called once a turn, with whether that had anything to do. */
  goesOn(hadWork: boolean): boolean {
    if (hadWork) this.#begin();
    if (this.#turns < 0) return false;
    if (this.#turns++ < TURNS_MAX) return true;
    this.#turns = -1;
    this.#score = Math.max(0, this.#score - LOSS);
    return false;
  }

  /** The event loop may sleep, whatever comes. */
  stop(): void {
    this.#turns = -1;
  }

  #begin(): void {
    if (this.#turns > 0) this.#score = Math.min(SCORE_MAX, this.#score + 1);
    this.#turns = -1;
    this.#untilTried--;
    if (this.#score < SCORE_WORTH && this.#untilTried > 0) return;
    this.#untilTried = TRIED_EVERY;
    this.#turns = 0;
  }
}
