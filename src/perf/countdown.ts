// Hot file: runs for every message.

/** The messages that all consumers of a run are still to take. */
export class Countdown {
  #left: number;
  #onZero: (() => void) | undefined;

  /** @param count Infinity: no end. @param onZero called once, by the first {@link check} after the last was taken */
  constructor(count: number, onZero: () => void) {
    this.#left = count;
    this.#onZero = onZero;
  }

  /** Takes one; false when none is left. */
  take(): boolean {
    if (this.#left === 0) return false;
    this.#left--;
    return true;
  }

  check(): void {
    if (this.#left > 0 || this.#onZero === undefined) return;
    const onZero = this.#onZero;
    this.#onZero = undefined;
    onZero();
  }
}
