import type { CommitBarrier } from "../../src/core/commit-barrier.ts";

/** Ends a turn in which somebody waits for all that has changed: a commit begins, unless one is in flight. */
export function endTurnWithCommit(barrier: CommitBarrier): void {
  barrier.whenDurable(() => undefined);
  barrier.endOfTurn();
}
