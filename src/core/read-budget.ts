// Hot file: take runs for every read of a socket.

import type { Flushable, Turn } from "./turn.ts";

/** Frames tell how long a client keeps the broker busy, octets how much it wears out the caches. */
const BYTES_PER_TURN = 512 * 1024;

/** A connection as far as it is read from. */
export interface BudgetedInput {
  /** The most frames to be taken from it in a turn; how many that should be depends on what one costs. */
  readonly framesPerTurn: number;
  /** The share of this turn is used up. */
  pauseInput(): void;
  /** There is a new share. */
  renewInput(): void;
}

/**
 * Keeps one busy client from having all of a turn: what it sends beyond its share is read in the next. A busy socket
 * would be read up to 32 times, 64 KiB each, before the event loop looks at the next one.
 */
export class ReadBudget implements Flushable {
  readonly #turn: Turn;
  readonly #input: BudgetedInput;
  #turnCount = 0;
  #leftFrames = 0;
  #leftBytes = 0;
  /** True from when the share of this turn is used up until the turn ends. */
  spent = false;

  constructor(turn: Turn, input: BudgetedInput) {
    this.#turn = turn;
    this.#input = input;
    this.#renew();
  }

  /** So much has been read. */
  take(frames: number, bytes: number): void {
    if (this.#turnCount !== this.#turn.count) this.#renew();
    this.#leftFrames -= frames;
    this.#leftBytes -= bytes;
    if ((this.#leftFrames > 0 && this.#leftBytes > 0) || this.spent) return;
    this.spent = true;
    this.#input.pauseInput();
    this.#turn.requestReading(this);
  }

  flush(): void {
    this.spent = false;
    this.#input.renewInput();
  }

  #renew(): void {
    this.#turnCount = this.#turn.count;
    this.#leftFrames = this.#input.framesPerTurn;
    this.#leftBytes = BYTES_PER_TURN;
  }
}
