import { EMPTY_TABLE, type FieldTable } from "../../wire/field-table.ts";
import type { CommitBarrier, CommitParticipant } from "../commit-barrier.ts";
import type { Store } from "../ports.ts";
import { DEATH_REASONS, type DeathReason } from "./dead-letter/death.ts";
import { HeaderNotes } from "./header-notes.ts";
import { attemptsKey } from "./notes.ts";

/** What a queue knows of a message that has been delivered and come back. */
export interface Attempt {
  /** How often it was delivered and not acknowledged: x-acquired-count. */
  readonly acquiredCount: number;
  /** How often a consumer failed on it: x-delivery-count. */
  readonly failedCount: number;
  /** Milliseconds since the Unix epoch before which it is not delivered again; 0: at once. */
  readonly dueAt: number;
  /** Why it has died, while it waits for a dead letter exchange that takes it. */
  readonly deathReason: DeathReason | undefined;
  /** What those who gave it back want it to say: they take the place of its own headers. */
  readonly headers: FieldTable;
}

const NONE: Attempt = {
  acquiredCount: 0,
  failedCount: 0,
  dueAt: 0,
  deathReason: undefined,
  headers: EMPTY_TABLE,
};

/** u32 acquired count, u32 failed count, u48 due at, u8 death reason: 0 none, else its place in the list and one. */
const VALUE_BYTES = 15;

/**
 * What a queue knows of messages that were delivered and came back, by sequence number; it survives a restart if the
 * queue does. Kept for returned messages only, until they are settled: a note each, and more for headers.
 */
export class Attempts implements CommitParticipant {
  readonly #queueId: number;
  readonly #durable: boolean;
  readonly #barrier: CommitBarrier;
  readonly #attempts = new Map<number, Attempt>();
  readonly #headerNotes: HeaderNotes;
  /** Sequence numbers whose note is out of date. */
  readonly #changed = new Set<number>();
  #enlisted = false;

  constructor(queueId: number, durable: boolean, barrier: CommitBarrier) {
    this.#queueId = queueId;
    this.#headerNotes = new HeaderNotes(queueId);
    this.#durable = durable;
    this.#barrier = barrier;
  }

  /** False while nothing has come back. */
  get any(): boolean {
    return this.#attempts.size > 0;
  }

  get(sequence: number): Attempt {
    return this.#attempts.get(sequence) ?? NONE;
  }

  /** Notes what has become of a message. `persistent`: a restart must know it too. */
  set(sequence: number, attempt: Attempt, persistent: boolean): void {
    this.#attempts.set(sequence, attempt);
    if (persistent) this.#change(sequence);
  }

  /** The message is settled. */
  forget(sequence: number): void {
    if (this.#attempts.delete(sequence)) this.#change(sequence);
  }

  /** Forgets the messages that are not to be kept. */
  keepOnly(isKept: (sequence: number) => boolean): void {
    for (const sequence of this.#attempts.keys()) if (!isKept(sequence)) this.forget(sequence);
  }

  clear(): void {
    this.#attempts.clear();
    this.#headerNotes.clear();
    this.#changed.clear();
  }

  /** Takes over what recovery found. */
  recover(sequence: number, value: Uint8Array): void {
    const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
    this.#attempts.set(sequence, {
      acquiredCount: view.getUint32(0),
      failedCount: view.getUint32(4),
      dueAt: view.getUint16(8) * 2 ** 32 + view.getUint32(10),
      deathReason: DEATH_REASONS[view.getUint8(14) - 1],
      headers: EMPTY_TABLE,
    });
  }

  /** Takes over a part of the headers of a message; what was known of it otherwise has come before. */
  recoverHeaders(sequence: number, part: number, value: Uint8Array): void {
    const headers = this.#headerNotes.recover(sequence, part, value);
    if (headers !== undefined) this.#attempts.set(sequence, { ...this.get(sequence), headers });
  }

  prepare(store: Store): void {
    for (const sequence of this.#changed) {
      const attempt = this.#attempts.get(sequence);
      if (attempt === undefined) store.deleteNote(this.#queueId, attemptsKey(sequence));
      else store.putNote(this.#queueId, attemptsKey(sequence), attemptValue(attempt));
      this.#headerNotes.write(store, sequence, attempt?.headers ?? EMPTY_TABLE);
    }
    this.#changed.clear();
    this.#enlisted = false;
  }

  committed(): void {}

  /** The store keeps what it was given. */
  failed(): void {}

  #change(sequence: number): void {
    if (!this.#durable) return;
    this.#changed.add(sequence);
    if (this.#enlisted) return;
    this.#enlisted = true;
    this.#barrier.enlist(this);
  }
}

function attemptValue({ acquiredCount, failedCount, dueAt, deathReason }: Attempt): Uint8Array {
  const view = new DataView(new ArrayBuffer(VALUE_BYTES));
  view.setUint32(0, acquiredCount);
  view.setUint32(4, failedCount);
  view.setUint16(8, Math.floor(dueAt / 2 ** 32));
  view.setUint32(10, dueAt % 2 ** 32);
  view.setUint8(14, deathReason === undefined ? 0 : DEATH_REASONS.indexOf(deathReason) + 1);
  return new Uint8Array(view.buffer);
}
