import type { Clock, Timer } from "../../lib/clock.ts";

/** Wakes a queue when the message at its head expires. */
export class ExpiryTimer {
  readonly #clock: Clock;
  readonly #expire: () => void;
  #timer: Timer | undefined;
  #at = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, expire: () => void) {
    this.#clock = clock;
    this.#expire = expire;
  }

  /** The head expires at `at`, in milliseconds since the Unix epoch. */
  arm(at: number): void {
    if (this.#at <= at) return;
    this.#timer?.cancel();
    this.#at = at;
    this.#timer = this.#clock.after(Math.max(0, at - this.#clock.now()), () => {
      this.#at = Number.POSITIVE_INFINITY;
      this.#expire();
    });
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#at = Number.POSITIVE_INFINITY;
  }
}
