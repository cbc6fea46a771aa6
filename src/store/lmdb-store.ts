import { join, resolve } from "node:path";
import type { ChunkDescriptor, ChunkLifetime, RecoveryVisitor } from "../core/ports.ts";
import { assert } from "../lib/assert.ts";
import type { Logger } from "../lib/logger.ts";
import { BufferedStore } from "./buffered-store.ts";
import { DirectoryLock } from "./directory-lock.ts";
import { StoreCommitError, StoreFormatError } from "./errors.ts";
import { chunkKey, readQueueId } from "./key-layout.ts";
import { LmdbEnvironment } from "./lmdb-environment.ts";
import { migrate } from "./migrations.ts";
import { QueueSweeper, type SweepPlan } from "./queue-sweeper.ts";
import { recoverDurable } from "./recover-durable.ts";
import { makeDirectory } from "./sync-directory.ts";
import { TransientFile } from "./transient-file.ts";
import {
  DURABLE_DATABASES,
  type DurableEnvironment,
  footprintOf,
  MIGRATED_DATABASES,
  reduceChanges,
  writeChanges,
} from "./write-changes.ts";

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
    return new LmdbStore(openDurable(path, logger), transient, lock, logger);
  } catch (error) {
    void transient?.close();
    void lock.release();
    throw error;
  }
}

function openDurable(path: string, logger: Logger): DurableEnvironment {
  const directory = join(path, "durable");
  const environment = new LmdbEnvironment({ directory, databaseNames: DURABLE_DATABASES, logger });
  try {
    migrate(
      environment.database("meta"),
      new Map(MIGRATED_DATABASES.map((name) => [name, environment.database(name)])),
    );
    return environment;
  } catch (error) {
    void environment.close();
    throw error;
  }
}

/** Keeps what is durable in an LMDB environment, and what only takes load off the memory in a file beside it. */
export class LmdbStore extends BufferedStore {
  readonly #logger: Logger;
  readonly #lock: DirectoryLock;
  readonly #durable: DurableEnvironment;
  readonly #transient: TransientFile;
  readonly #sweeper: QueueSweeper;
  /** Queues that may have transient chunks. Most have none, and dropping those leaves that file alone. */
  readonly #transientQueues = new Set<number>();
  #inFlight: Promise<void> | undefined;
  #isClosed = false;

  /** Use {@link openLmdbStore}. The store releases the lock when it is closed. */
  constructor(durable: DurableEnvironment, transient: TransientFile, lock: DirectoryLock, logger: Logger) {
    super();
    this.#logger = logger;
    this.#lock = lock;
    this.#durable = durable;
    this.#transient = transient;
    this.#sweeper = new QueueSweeper({
      chunks: () => durable.database("chunks"),
      settlements: () => durable.database("settlements"),
      notes: () => durable.database("notes"),
    });
    for (const key of durable.database("dropped").getKeys()) this.#sweeper.resume(readQueueId(key));
  }

  recover(visitor: RecoveryVisitor): void {
    recoverDurable(this.#durable, (queueId) => this.#sweeper.isPending(queueId), visitor, this.#logger);
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
        ? this.#readDurable(queueId, chunk, start, end)
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
    const isDurableIdle = this.#commitDurable(ended);
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
  #commitDurable(ended: (error: Error | undefined) => void): boolean {
    const changes = this.durableChanges.begin();
    if (changes.isEmpty && this.#sweeper.isIdle) {
      this.durableChanges.succeeded();
      return true;
    }
    let plan: SweepPlan;
    try {
      this.#durable.ensureOpen();
      reduceChanges(this.#durable, changes);
      plan = this.#sweeper.plan(changes);
    } catch (error) {
      this.durableChanges.failed(false);
      setImmediate(ended, new StoreCommitError(error));
      return false;
    }
    this.#durable.transact(
      footprintOf(changes, plan),
      () => writeChanges(this.#durable, changes, plan),
      (error, attempted) => {
        if (error === undefined) {
          this.durableChanges.succeeded();
          this.#sweeper.committed(plan);
        } else {
          this.durableChanges.failed(attempted);
        }
        ended(error);
      },
    );
    return false;
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

  #readDurable(queueId: number, chunk: ChunkDescriptor, start: number, end: number): Buffer | undefined {
    // Valid until the next read only, and its length is a property that hides the real one: copy just what is wanted.
    const stored = this.#durable.database("chunks").getBinaryFast(chunkKey(queueId, chunk));
    if (stored === undefined) return undefined;
    if (stored.length !== chunk.recordBytes) {
      throw new StoreFormatError(`chunk at ${chunk.first} of queue ${queueId} has ${stored.length} octets`);
    }
    const octets = Buffer.allocUnsafeSlow(end - start);
    octets.set(stored.subarray(start, end));
    return octets;
  }
}
