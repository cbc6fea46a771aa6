import { join, resolve } from "node:path";
import type { ChunkDescriptor, ChunkLifetime, RecoveryVisitor } from "../core/ports.ts";
import { assert } from "../lib/assert.ts";
import type { Logger } from "../lib/logger.ts";
import { BufferedStore } from "./buffered-store.ts";
import { DirectoryLock } from "./directory-lock.ts";
import { DurableStore } from "./durable-store.ts";
import { StoreCommitError } from "./errors.ts";
import { makeDirectory } from "./sync-directory.ts";
import { TransientFile } from "./transient-file.ts";

export interface LmdbStoreOptions {
  /** The data directory; created when it is not there. */
  readonly directory: string;
  readonly logger: Logger;
}

/**
 * Opens the store in a data directory. Throws {@link DataDirectoryLockedError} when it is in use,
 * {@link StoreFormatError} when it holds what this version cannot read, and the system's errors.
 */
export function openLmdbStore({ directory, logger }: LmdbStoreOptions): LmdbStore {
  const path = resolve(directory);
  makeDirectory(path);
  const lock = new DirectoryLock(path);
  let transient: TransientFile | undefined;
  try {
    transient = new TransientFile(join(path, "transient"));
    return new LmdbStore(new DurableStore(path, logger), transient, lock);
  } catch (error) {
    void transient?.close();
    void lock.release();
    throw error;
  }
}

/** Keeps what is durable in LMDB, with a journal in front of it, and what only takes load off the memory in a file beside it. */
export class LmdbStore extends BufferedStore {
  readonly #lock: DirectoryLock;
  readonly #durable: DurableStore;
  readonly #transient: TransientFile;
  /** Queues that may have transient chunks. Most have none, and dropping those leaves that file alone. */
  readonly #transientQueues = new Set<number>();
  #inFlight: Promise<void> | undefined;
  #isClosed = false;

  /** Use {@link openLmdbStore}. The store releases the lock when it is closed. */
  constructor(durable: DurableStore, transient: TransientFile, lock: DirectoryLock) {
    super();
    this.#lock = lock;
    this.#durable = durable;
    this.#transient = transient;
  }

  recover(visitor: RecoveryVisitor): void {
    this.#durable.recover(visitor);
  }

  override append(
    queueId: number,
    lifetime: ChunkLifetime,
    chunk: ChunkDescriptor,
    buffer: Uint8Array,
    start: number,
    end: number,
  ): void {
    if (lifetime === "transient") this.#transientQueues.add(queueId);
    super.append(queueId, lifetime, chunk, buffer, start, end);
  }

  override dropQueue(queueId: number): void {
    this.durableChanges.gathering.dropQueue(queueId);
    if (this.#transientQueues.delete(queueId)) this.transientChanges.gathering.dropQueue(queueId);
  }

  read(queueId: number, lifetime: ChunkLifetime, chunk: ChunkDescriptor, start = 0, end = chunk.recordBytes): Buffer {
    const octets =
      lifetime === "durable"
        ? this.#durable.read(queueId, chunk, start, end)
        : this.#transient.read(queueId, chunk, start, end);
    if (octets === undefined) throw new Error(`no ${lifetime} chunk at ${chunk.first} of queue ${queueId}`);
    return octets;
  }

  commit(done: (error: Error | undefined) => void): void {
    assert(!this.#isClosed, "the store is open");
    assert(this.#inFlight === undefined, "at most one commit is in flight");
    let complete = (): void => {};
    this.#inFlight = new Promise((resolve) => {
      complete = resolve;
    });
    let waitingFor = 2;
    let failure: Error | undefined;
    const ended = (error: Error | undefined): void => {
      failure ??= error;
      waitingFor -= 1;
      if (waitingFor > 0) return;
      this.#inFlight = undefined;
      complete();
      done(failure);
    };
    // Independent of each other: what has succeeded of one is not repeated when the other fails.
    const isDurableIdle = this.#durable.commit(this.durableChanges.take(), ended);
    const isTransientIdle = this.#commitTransient(ended);
    if (isDurableIdle) waitingFor -= 1;
    if (isTransientIdle) waitingFor -= 1;
    if (isDurableIdle && isTransientIdle) setImmediate(ended, undefined);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#inFlight;
    await this.#durable.close();
    await this.#transient.close();
    await this.#lock.release();
  }

  /** Returns whether there is nothing to do; otherwise calls `ended` later. */
  #commitTransient(ended: (error: Error | undefined) => void): boolean {
    const changes = this.transientChanges.begin();
    if (changes.isEmpty) {
      this.transientChanges.succeeded();
      return true;
    }
    this.#transient.write(changes).then(
      () => {
        this.transientChanges.succeeded();
        ended(undefined);
      },
      (error: unknown) => {
        this.transientChanges.failed(false);
        ended(new StoreCommitError(error));
      },
    );
    return false;
  }
}
