import type { CommitBarrier } from "./commit-barrier.ts";

/** Why publishers are held back with a connection.blocked; RabbitMQ's word for it. */
const DISK_REASON = "low on disk";

/** Holds publishers back while the store fails, or cannot keep up with what they send. */
export class FlowControl {
  readonly #barrier: CommitBarrier;
  readonly #unwrittenBytesMax: number;
  #waiting = new Set<() => void>();

  constructor(barrier: CommitBarrier, unwrittenBytesMax: number) {
    this.#barrier = barrier;
    this.#unwrittenBytesMax = unwrittenBytesMax;
  }

  /** True while a connection that publishes should not be read from. */
  get mustWait(): boolean {
    return this.#barrier.failing || this.#barrier.pendingBytes > this.#unwrittenBytesMax;
  }

  /** What to tell a blocked client; undefined when it is only held back for a moment. */
  get blockedReason(): string | undefined {
    return this.#barrier.failing ? DISK_REASON : undefined;
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
