import type { Alarms } from "./alarms.ts";
import type { CommitBarrier } from "./commit-barrier.ts";

/** Holds publishers back while an alarm is raised, or while the store cannot keep up with what they send. */
export class FlowControl {
  readonly #barrier: CommitBarrier;
  readonly #unwrittenBytesMax: number;
  readonly #alarms: Alarms;
  #waiting = new Set<() => void>();

  /** @param unwrittenBytesMax octets that may wait to be written before publishers have to */
  constructor(barrier: CommitBarrier, unwrittenBytesMax: number, alarms: Alarms) {
    this.#barrier = barrier;
    this.#unwrittenBytesMax = unwrittenBytesMax;
    this.#alarms = alarms;
  }

  /** True while a connection that publishes should not be read from. */
  get mustWait(): boolean {
    return this.#alarms.inEffect || this.#barrier.pendingBytes > this.#unwrittenBytesMax;
  }

  /** What to tell a blocked client, in RabbitMQ's words; undefined when it is only held back for a moment. */
  get blockedReason(): string | undefined {
    return this.#alarms.inEffect ? `low on ${this.#alarms.raised.join(" & ")}` : undefined;
  }

  /** Calls back, once, when `mustWait` has become false. */
  whenClear(callback: () => void): void {
    this.#waiting.add(callback);
  }

  /** Who waits with `callback` is gone: a store may fail for hours, and clients come and go meanwhile. */
  forget(callback: () => void): void {
    this.#waiting.delete(callback);
  }

  /** Lets those go that need not wait any longer. Called at the end of every turn. */
  endOfTurn(): void {
    if (this.#waiting.size === 0 || this.mustWait) return;
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const callback of waiting) callback();
  }
}
