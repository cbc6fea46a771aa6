// Taken when the module is loaded, so that test frameworks that replace timers leave these alone.
const { setTimeout } = globalThis;
const now = performance.now.bind(performance);

const PAUSE_MILLISECONDS = 2;

/** How long a wait goes on unless told. */
export const WAIT_MILLISECONDS = 5_000;

export interface WaitOptions {
  /** Real time after which the wait fails, whatever clock the broker goes by; 5,000 unless told. */
  readonly timeoutMilliseconds?: number;
}

/** What was waited for has not come about in time; the message says what was seen instead. */
export class WaitTimeoutError extends Error {
  override readonly name = "WaitTimeoutError";
}

/**
 * Looks again and again until `look` gives something.
 *
 * @param describe what is said when it does not in time: what was expected, and what there is
 * @throws WaitTimeoutError
 */
export async function waitFor<T>(look: () => T | undefined, describe: () => string, options: WaitOptions): Promise<T> {
  const { timeoutMilliseconds = WAIT_MILLISECONDS } = options;
  const end = now() + timeoutMilliseconds;
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    if (now() >= end) throw new WaitTimeoutError(`${describe()} after ${timeoutMilliseconds} ms`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS));
  }
}
