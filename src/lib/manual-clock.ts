import type { Clock, Timer } from "./clock.ts";

interface Pending extends Timer {
  readonly dueAt: number;
  readonly order: number;
  readonly callback: () => void;
}

/** @throws RangeError for a time by which a clock cannot be moved: a negative one, or one without end */
export function checkStep(milliseconds: number): void {
  if (!(milliseconds >= 0 && milliseconds < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`time goes forward: ${milliseconds} ms is not 0 or more, or has no end`);
  }
}

/** A clock that stands still until it is moved, for tests that must not wait. */
export class ManualClock implements Clock {
  #now: number;
  #order = 0;
  readonly #pending = new Set<Pending>();

  /** @param now milliseconds since the Unix epoch at which the clock starts; midnight of 2026-01-01 UTC unless told. */
  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  after(delayMilliseconds: number, callback: () => void): Timer {
    const timer: Pending = {
      dueAt: this.#now + Math.max(0, delayMilliseconds),
      order: this.#order++,
      callback,
      cancel: () => {
        this.#pending.delete(timer);
      },
    };
    this.#pending.add(timer);
    return timer;
  }

  /** How many timers are waiting; a component that has been closed should leave none. */
  get pendingCount(): number {
    return this.#pending.size;
  }

  /** When the next timer falls due, in milliseconds since the Unix epoch; undefined when none is waiting. */
  get nextDueAt(): number | undefined {
    return this.#earliest(Number.POSITIVE_INFINITY)?.dueAt;
  }

  /**
   * Moves time forward and runs every timer that falls due on the way, in order of time, those set meanwhile included.
   *
   * @throws RangeError for a time that is negative or has no end
   */
  advance(milliseconds: number): void {
    checkStep(milliseconds);
    const end = this.#now + milliseconds;
    for (let next = this.#earliest(end); next !== undefined; next = this.#earliest(end)) {
      this.#pending.delete(next);
      this.#now = next.dueAt;
      next.callback();
    }
    this.#now = end;
  }

  #earliest(end: number): Pending | undefined {
    let earliest: Pending | undefined;
    for (const timer of this.#pending) {
      if (timer.dueAt > end) continue;
      if (
        earliest === undefined ||
        timer.dueAt < earliest.dueAt ||
        (timer.dueAt === earliest.dueAt && timer.order < earliest.order)
      ) {
        earliest = timer;
      }
    }
    return earliest;
  }
}
