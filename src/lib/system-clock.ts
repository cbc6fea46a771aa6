import type { Clock, Timer } from "./clock.ts";

/** setTimeout overflows beyond this many milliseconds (2^31 - 1). */
const TIMEOUT_MILLISECONDS_MAX = 2_147_483_647;

/** The machine's own clock and timers. */
export class SystemClock implements Clock {
  now(): number {
    return Date.now();
  }

  after(delayMilliseconds: number, callback: () => void): Timer {
    let handle: NodeJS.Timeout;
    const wait = (remaining: number): void => {
      const step = Math.min(remaining, TIMEOUT_MILLISECONDS_MAX);
      handle = setTimeout(() => (remaining > step ? wait(remaining - step) : callback()), step);
      handle.unref();
    };
    wait(Math.max(0, delayMilliseconds));
    return { cancel: () => clearTimeout(handle) };
  }
}
