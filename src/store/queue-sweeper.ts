import type { ChangeSet } from "./change-set.ts";
import { queueKey, readQueueId } from "./key-layout.ts";
import type { BinaryDatabase } from "./lmdb-environment.ts";

/** Keys deleted, and queues looked at, in one commit. Deleting a chunk may have to read its first page from disk. */
const STEPS_MAX = 256;

/** What one commit does to get rid of dropped queues. */
export interface SweepPlan {
  readonly chunkKeys: Buffer[];
  readonly settlementKeys: Buffer[];
  readonly noteKeys: Buffer[];
  /** Queues of which nothing is left once this is committed. */
  readonly finished: number[];
  /** Queues newly dropped that are left to later commits. */
  readonly postponed: number[];
}

/** For a commit that leaves dropped queues to later ones. */
export const NO_SWEEP: SweepPlan = { chunkKeys: [], settlementKeys: [], noteKeys: [], finished: [], postponed: [] };

/** The databases to delete from, looked up anew for every commit: they change when an environment is opened again. */
export interface SweptDatabases {
  readonly chunks: () => BinaryDatabase;
  readonly settlements: () => BinaryDatabase;
  readonly notes: () => BinaryDatabase;
}

/**
 * Deletes what is stored of dropped queues: a small queue in the commit that drops it, a large one piece by piece in
 * the commits that follow, so that dropping a million messages holds up nobody else's confirms.
 */
export class QueueSweeper {
  readonly #databases: SweptDatabases;
  readonly #pending = new Set<number>();

  constructor(databases: SweptDatabases) {
    this.#databases = databases;
  }

  get isIdle(): boolean {
    return this.#pending.size === 0;
  }

  isPending(queueId: number): boolean {
    return this.#pending.has(queueId);
  }

  /** Adds a queue that an earlier run has dropped. */
  resume(queueId: number): void {
    this.#pending.add(queueId);
  }

  /** Reads the committed state, so no commit may be in flight. */
  plan(changes: ChangeSet): SweepPlan {
    const plan: SweepPlan = { chunkKeys: [], settlementKeys: [], noteKeys: [], finished: [], postponed: [] };
    let stepsLeft = STEPS_MAX;
    for (const [queueId, queue] of changes.queues) {
      if (!queue.isDropped && !this.#pending.has(queueId)) continue;
      // What is written to the queue in this very commit must find it empty.
      const limit = queue.writesEntries ? Number.POSITIVE_INFINITY : stepsLeft;
      stepsLeft -= this.#sweep(queueId, limit, plan);
    }
    for (const queueId of this.#pending) {
      if (stepsLeft <= 0) break;
      if (!changes.queues.has(queueId)) stepsLeft -= this.#sweep(queueId, stepsLeft, plan);
    }
    return plan;
  }

  committed(plan: SweepPlan): void {
    for (const queueId of plan.postponed) this.#pending.add(queueId);
    for (const queueId of plan.finished) this.#pending.delete(queueId);
  }

  /** Returns the number of steps taken. */
  #sweep(queueId: number, limit: number, plan: SweepPlan): number {
    const { chunks, settlements, notes } = this.#databases;
    let count = 0;
    if (count < limit) count += keysOf(chunks(), queueId, limit - count, plan.chunkKeys);
    if (count < limit) count += keysOf(settlements(), queueId, limit - count, plan.settlementKeys);
    if (count < limit) count += keysOf(notes(), queueId, limit - count, plan.noteKeys);
    if (count < limit) plan.finished.push(queueId);
    else if (!this.#pending.has(queueId)) plan.postponed.push(queueId);
    return 1 + count;
  }
}

/** Collects up to `limit` keys of a queue; returns how many. */
function keysOf(database: BinaryDatabase, queueId: number, limit: number, keys: Buffer[]): number {
  let count = 0;
  for (const key of database.getKeys({ start: queueKey(queueId) })) {
    if (count === limit || readQueueId(key) !== queueId) break;
    keys.push(key);
    count += 1;
  }
  return count;
}
