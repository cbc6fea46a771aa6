// Hot file: runs for every message that enters or leaves a queue without duplicates.

import type { CommitParticipant } from "../commit-barrier.ts";
import type { Message } from "../message.ts";
import type { Store } from "../ports.ts";
import type { Receipt } from "../receipt.ts";
import type { KeySource } from "../message-key.ts";
import type { DeduplicationOptions } from "./deduplication-options.ts";
import type { DeduplicationEnvironment } from "./deduplication-window.ts";
import { isKeyInQueueNote, keyInQueueNote, readKeyInQueue, readSequence } from "./key-in-queue-note.ts";
import type { DeduplicatedQueue, QueueDeduplication } from "./queue-deduplication.ts";
import { reportDuplicate } from "./report-duplicate.ts";

/**
 * Keeps a message out of a queue as long as one of the same key is in it, unacknowledged ones included. RabbitMQ
 * plugin: "Queue level deduplication". The keys of persistent messages are noted in the store until they leave, in the
 * very commits in which the messages come and go.
 */
export class KeysInQueue implements QueueDeduplication, CommitParticipant {
  readonly #queue: DeduplicatedQueue;
  readonly #keySource: KeySource;
  readonly #environment: DeduplicationEnvironment;
  readonly #storesKeys: boolean;
  readonly #sequences = new Map<string, number>();
  readonly #keys = new Map<number, string>();
  /** Messages whose note is to be written, with the key, or to be deleted. */
  #changes = new Map<number, string | undefined>();
  #enlisted = false;
  duplicateCount = 0;

  constructor(queue: DeduplicatedQueue, options: DeduplicationOptions, environment: DeduplicationEnvironment) {
    this.#queue = queue;
    this.#keySource = options.keySource;
    this.#storesKeys = queue.durable && options.persistent;
    this.#environment = environment;
  }

  get keyCount(): number {
    return this.#keys.size;
  }

  admits(message: Message, receipt: Receipt | undefined, publishSequence: number): boolean {
    const key = this.#keySource.keyOf(message);
    if (key === undefined || !this.#sequences.has(key)) return true;
    this.duplicateCount++;
    reportDuplicate(message, receipt, publishSequence, this.#environment.barrier);
    return false;
  }

  recorded(sequence: number, message: Message): void {
    const key = this.#keySource.keyOf(message);
    if (key === undefined) return;
    this.#sequences.set(key, sequence);
    this.#keys.set(sequence, key);
    if (this.#storesKeys && message.persistent) this.#change(sequence, key);
  }

  leaving(sequence: number): void {
    const key = this.#keys.get(sequence);
    if (key === undefined) return;
    this.#keys.delete(sequence);
    if (this.#sequences.get(key) === sequence) this.#sequences.delete(key);
    if (!this.#storesKeys) return;
    if (this.#changes.get(sequence) === undefined) this.#change(sequence, undefined);
    else this.#changes.delete(sequence);
  }

  /** Unacknowledged messages are forgotten as well, as by the plugin. */
  purged(waits: (sequence: number) => boolean): void {
    for (const sequence of [...this.#keys.keys()]) if (!waits(sequence)) this.leaving(sequence);
  }

  recoverNote(noteKey: Uint8Array, value: Uint8Array): boolean {
    if (!isKeyInQueueNote(noteKey)) return false;
    const sequence = readSequence(noteKey);
    const key = readKeyInQueue(value);
    this.#keys.set(sequence, key);
    this.#sequences.set(key, sequence);
    return true;
  }

  drop(): void {
    this.#changes.clear();
    this.#keys.clear();
    this.#sequences.clear();
    if (this.#storesKeys) this.#environment.store.dropQueue(this.#queue.id);
  }

  prepare(store: Store): void {
    this.#enlisted = false;
    const changes = this.#changes;
    this.#changes = new Map();
    for (const [sequence, key] of changes) {
      const noteKey = keyInQueueNote(sequence);
      if (key === undefined) store.deleteNote(this.#queue.id, noteKey);
      else store.putNote(this.#queue.id, noteKey, Buffer.from(key, "latin1"));
    }
  }

  committed(): void {}

  /** The store keeps what it was given, and the queue its messages: once it succeeds, both are there. */
  failed(): void {}

  #change(sequence: number, key: string | undefined): void {
    this.#changes.set(sequence, key);
    if (this.#enlisted) return;
    this.#enlisted = true;
    this.#environment.barrier.enlist(this);
  }
}
