// Hot file: below runs for every message of an exchange that picks at random.
import type { Random } from "../../lib/random.ts";

/** Random numbers fetched at once: asking the operating system for each would cost more than routing the message. */
const POOL_NUMBERS = 256;

const NUMBERS = 0x1_0000_0000;

/** Draws whole numbers, each as likely as the others. */
export class RandomIndex {
  readonly #random: Random;
  readonly #pool = new Uint32Array(POOL_NUMBERS);
  #used = POOL_NUMBERS;

  constructor(random: Random) {
    this.#random = random;
  }

  /** A number from 0 to `count - 1`. */
  below(count: number): number {
    if (this.#used === POOL_NUMBERS) {
      this.#random.fill(new Uint8Array(this.#pool.buffer));
      this.#used = 0;
    }
    const number = this.#pool[this.#used++] as number;
    return Math.floor((number / NUMBERS) * count);
  }
}
