// Hot file: rowFor runs for every message that is delayed.

import type { LogEnvironment } from "../chunk-storage.ts";
import { type DelayLogId, firstOf, GENERATIONS_MAX, ROWS_MAX, SORTED_RUNS_MAX } from "./delay-lanes.ts";
import { DueRun } from "./due-run.ts";

/** The rank of the first of the messages that are in no run; runs have lower ones. */
export const UNORDERED_RANK = 2 ** 44;

export interface DueRunsOptions {
  readonly queueId: number;
  readonly durable: boolean;
  /** The first sequence number of the delayed log. */
  readonly firstSequence: number;
}

/**
 * The runs of a delayed log: rows, to which messages are added that are due no earlier than those before them, as all
 * of one fixed delay are; and runs that were sorted, to which none is added. Both are of this generation, or of those
 * before the last start of the broker, to which nothing is added either.
 *
 * Messages that are due at the same time are in runs of ascending rank as they came. Among rows that is so because a
 * message goes to the first that can take it, which all before it could not. What is sorted could go to no row; and no
 * row opens for a time until which there is anything of that kind.
 */
export class DueRuns {
  readonly #options: DueRunsOptions;
  readonly #environment: LogEnvironment;
  /** By rank. */
  readonly #runs = new Map<number, DueRun>();
  readonly #rows: DueRun[] = [];
  /** Runs that recovery has found; they get their ranks when it has found all. */
  #recovered: DueRun[] = [];
  #recoveredCount = 0;
  #generation = 0;
  #sortedCount = 0;
  /** The latest time at which a message is due that could go to no row. */
  #unorderedUntil = Number.NEGATIVE_INFINITY;

  constructor(options: DueRunsOptions, environment: LogEnvironment) {
    this.#options = options;
    this.#environment = environment;
  }

  /** Messages in all runs. */
  get count(): number {
    let count = 0;
    for (const { log } of this.#runs.values()) count += log.readyCount + log.unsettledCount;
    for (const { log } of this.#recovered) count += log.readyCount;
    return count;
  }

  get(rank: number): DueRun {
    return this.#runs.get(rank) as DueRun;
  }

  /** The row to which a message that is due at `dueAt` is added; undefined when none can take it. */
  rowFor(dueAt: number): DueRun | undefined {
    const rows = this.#rows;
    for (let index = 0; index < rows.length; index++) {
      const row = rows[index] as DueRun;
      if (row.openFrom > dueAt) continue;
      row.openFrom = dueAt;
      return row;
    }
    return this.#openRow(dueAt);
  }

  /** A message has come that is due at `dueAt` and is in no row. */
  noteUnordered(dueAt: number): void {
    if (dueAt > this.#unorderedUntil) this.#unorderedUntil = dueAt;
    // One that a row could have taken: nothing that comes later and is due at the same time may be there.
    for (const row of this.#rows) if (row.openFrom <= dueAt) row.openFrom = dueAt + 1;
  }

  /** A run for messages that have been sorted; undefined when there cannot be one more. */
  addSorted(): DueRun | undefined {
    if (this.#sortedCount === SORTED_RUNS_MAX || this.#generation >= GENERATIONS_MAX) return undefined;
    const number = this.#sortedCount++;
    return this.#add({ kind: "sorted", generation: this.#generation, number }, ROWS_MAX + number);
  }

  /** The run that recovery has found a chunk of. Chunks of one run come one after another. */
  recovered(id: DelayLogId): DueRun {
    const last = this.#recovered.at(-1);
    if (last !== undefined && isSame(last.id, id)) return last;
    const run = this.#create(id);
    this.#recovered.push(run);
    return run;
  }

  /** Recovery has found all; returns what it has found, to be looked at before anything leaves. */
  begin(): readonly DueRun[] {
    const found = this.#recovered.sort((one, other) => compareIds(one.id, other.id));
    this.#recovered = [];
    for (const run of found) {
      run.rank = this.#recoveredCount++;
      this.#runs.set(run.rank, run);
      this.#generation = run.id.generation + 1;
    }
    return found;
  }

  /** Nothing is left in a run. */
  emptied(run: DueRun): void {
    if (run.openFrom === Number.POSITIVE_INFINITY) this.#runs.delete(run.rank);
  }

  drop(): void {
    for (const { log } of [...this.#runs.values(), ...this.#recovered]) log.drop();
    this.#runs.clear();
    this.#rows.length = 0;
    this.#recovered = [];
  }

  #openRow(dueAt: number): DueRun | undefined {
    const number = this.#rows.length;
    if (number === ROWS_MAX || this.#generation >= GENERATIONS_MAX || dueAt <= this.#unorderedUntil) return undefined;
    const row = this.#add({ kind: "row", generation: this.#generation, number }, number);
    row.openFrom = dueAt;
    this.#rows.push(row);
    return row;
  }

  /** @param rank among the runs of this generation */
  #add(id: DelayLogId, rank: number): DueRun {
    const run = this.#create(id);
    run.rank = this.#recoveredCount + rank;
    this.#runs.set(run.rank, run);
    return run;
  }

  #create(id: DelayLogId): DueRun {
    const { queueId, durable, firstSequence } = this.#options;
    return new DueRun({ queueId, durable, firstSequence: firstSequence + firstOf(id), id }, this.#environment);
  }
}

function isSame(one: DelayLogId, other: DelayLogId): boolean {
  return one.kind === other.kind && one.generation === other.generation && one.number === other.number;
}

function compareIds(one: DelayLogId, other: DelayLogId): number {
  if (one.generation !== other.generation) return one.generation - other.generation;
  if (one.kind !== other.kind) return one.kind === "row" ? -1 : 1;
  return one.number - other.number;
}
