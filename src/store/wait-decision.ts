/** A disk that takes longer is not waited for. */
const QUICK_MILLISECONDS = 0.5;
/** Nor is it when it has more to write than this. */
const BYTES_MAX = 32 * 1024;
/** The share of a write by a thread that the event loop must have had nothing to do. */
const IDLE_SHARE_MIN = 0.5;
/** Writes that are waited for before a thread does one, which shows whether there is anything else to do by now. */
const WAITS = 15;
/** Quick writes in a row after which a disk that was waited for too long is waited for again. */
const QUICK_AGAIN = 256;

/**
 * Which writes the event loop waits for. To wait for a quick disk takes little more than half as long as to hand the write
 * to a thread and be woken when it is done; but while the event loop waits nobody is served.
 */
export class WaitDecision {
  #waits = 0;
  #quickAgain = 0;

  /** Whether the event loop is to wait for the next write. */
  waitsFor(bytes: number): boolean {
    if (this.#waits === 0 || bytes > BYTES_MAX) return false;
    this.#waits--;
    return true;
  }

  /** The event loop has waited. */
  waited(milliseconds: number): void {
    if (milliseconds <= QUICK_MILLISECONDS) return;
    this.#waits = 0;
    this.#quickAgain = QUICK_AGAIN;
  }

  /** A thread has written; for `idleMilliseconds` of that the event loop had nothing to do. */
  handedOver(bytes: number, milliseconds: number, idleMilliseconds: number): void {
    if (bytes > BYTES_MAX) return;
    const isQuick = milliseconds <= QUICK_MILLISECONDS;
    if (this.#quickAgain > 0) this.#quickAgain = isQuick ? this.#quickAgain - 1 : QUICK_AGAIN;
    else if (isQuick && idleMilliseconds >= milliseconds * IDLE_SHARE_MIN) this.#waits = WAITS;
  }
}
