// Hot file: isDuplicate and remember run for every message that has a key.

import type { Clock } from "../../lib/clock.ts";
import type { CommitBarrier, CommitParticipant } from "../commit-barrier.ts";
import type { Store } from "../ports.ts";
import { KeyWindow } from "./key-window.ts";
import { isWindowNote } from "./window-note.ts";
import { WindowNotes } from "./window-notes.ts";

/** What the windows of a broker share. */
export interface DeduplicationEnvironment {
  readonly store: Store;
  readonly barrier: CommitBarrier;
  readonly clock: Clock;
}

/**
 * Remembers the latest keys, at most as many as its size and each for a time. Those of persistent messages are noted
 * in the store, in the commit that holds what was routed in the same turn: a key survives a crash if and only if its
 * message does.
 */
export class DeduplicationWindow implements CommitParticipant {
  readonly #ownerId: number | undefined;
  readonly #environment: DeduplicationEnvironment;
  readonly #keys: KeyWindow;
  /** Undefined when nothing is stored. */
  readonly #notes: WindowNotes | undefined;
  /** Notes found at the start, until a message needs to know: they do not come in the order of their keys. */
  #recovered: Uint8Array[] | undefined;
  #enlisted = false;
  #dropped = false;

  /**
   * @param size most keys
   * @param ownerId the store's name for the durable exchange or queue whose window it is; undefined: nothing is stored
   */
  constructor(size: number, ownerId: number | undefined, environment: DeduplicationEnvironment) {
    this.#ownerId = ownerId;
    this.#environment = environment;
    this.#keys = new KeyWindow(size);
    this.#notes = ownerId === undefined ? undefined : new WindowNotes(ownerId, size);
  }

  /** Keys in memory; some of them may have expired. */
  get count(): number {
    if (this.#recovered !== undefined) this.#takeRecovered(this.#recovered);
    return this.#keys.count;
  }

  isDuplicate(key: string): boolean {
    if (this.#recovered !== undefined) this.#takeRecovered(this.#recovered);
    return this.#keys.has(key, this.#environment.clock.now());
  }

  /**
   * Remembers a key that is no duplicate.
   * @param ttlMilliseconds undefined: until later keys displace it
   * @param persistent whether its message is
   */
  remember(key: string, ttlMilliseconds: number | undefined, persistent: boolean): void {
    if (this.#recovered !== undefined) this.#takeRecovered(this.#recovered);
    const now = this.#environment.clock.now();
    const expiresAt = ttlMilliseconds === undefined ? Number.POSITIVE_INFINITY : now + ttlMilliseconds;
    this.#keys.add(key, expiresAt, now);
    if (!persistent || this.#notes === undefined) return;
    this.#notes.add(key, expiresAt);
    if (this.#enlisted) return;
    this.#enlisted = true;
    this.#environment.barrier.enlist(this);
  }

  /** Takes over what recovery found; false for a note that is not a window's. */
  recoverNote(noteKey: Uint8Array, value: Uint8Array): boolean {
    if (!isWindowNote(noteKey)) return false;
    this.#recovered ??= [];
    this.#recovered.push(value);
    return true;
  }

  /** Forgets everything, in the store too. */
  drop(): void {
    this.#dropped = true;
    if (this.#ownerId !== undefined) this.#environment.store.dropQueue(this.#ownerId);
  }

  prepare(store: Store): void {
    this.#enlisted = false;
    if (!this.#dropped) this.#notes?.write(store);
  }

  committed(): void {}

  /** The store keeps what it was given, and so do the queues what they were: once it succeeds, both are there. */
  failed(): void {}

  #takeRecovered(values: readonly Uint8Array[]): void {
    this.#recovered = undefined;
    const now = this.#environment.clock.now();
    // Expired ones too: in the store as well they have their place until later ones take it.
    for (const { key, expiresAt } of this.#notes?.recover(values) ?? []) this.#keys.add(key, expiresAt, now);
  }
}
