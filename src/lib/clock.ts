/** A pending timer; `cancel` may be called at any time, any number of times. */
export interface Timer {
  cancel(): void;
}

/** The broker's only source of time, so that a test can step it. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Runs `callback` once, `delayMilliseconds` from now. The timer keeps no process alive. */
  after(delayMilliseconds: number, callback: () => void): Timer;
}
