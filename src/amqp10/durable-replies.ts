import type { CommitBarrier } from "../core/commit-barrier.ts";

/**
 * What one connection has to say when the store has written what it tells of. It is forgotten when the connection is
 * gone: a store may fail for hours, and clients come and go meanwhile.
 */
export class DurableReplies {
  readonly #barrier: CommitBarrier;
  readonly #waiting = new Set<() => void>();

  constructor(barrier: CommitBarrier) {
    this.#barrier = barrier;
  }

  /** Calls `reply` once every change so far is durable, be it at once. */
  whenDurable(reply: () => void): void {
    this.#barrier.whenDurable(this.#noted(reply));
  }

  /** The same for changes of definitions alone. */
  whenDefinitionsDurable(reply: () => void): void {
    this.#barrier.whenDefinitionsDurable(this.#noted(reply));
  }

  /** Nobody is there any more to be told. */
  forget(): void {
    for (const waiting of this.#waiting) this.#barrier.forget(waiting);
    this.#waiting.clear();
  }

  #noted(reply: () => void): () => void {
    const waiting = (): void => {
      this.#waiting.delete(waiting);
      reply();
    };
    this.#waiting.add(waiting);
    return waiting;
  }
}
