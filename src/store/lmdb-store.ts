import { rmSync } from "node:fs";
import { join, resolve } from "node:path";
import type { ChunkDescriptor, ChunkLifetime, RecoveryVisitor } from "../core/ports.ts";
import { assert } from "../lib/assert.ts";
import type { Logger } from "../lib/logger.ts";
import { BufferedStore } from "./buffered-store.ts";
import type { ChangeBuffer } from "./change-buffer.ts";
import { DirectoryLock } from "./directory-lock.ts";
import { StoreCommitError, StoreFormatError } from "./errors.ts";
import { chunkKey, readQueueId } from "./key-layout.ts";
import { LmdbEnvironment } from "./lmdb-environment.ts";
import { migrate } from "./migrations.ts";
import { QueueSweeper, type SweepPlan } from "./queue-sweeper.ts";
import { recoverDurable } from "./recover-durable.ts";
import { makeDirectory } from "./sync-directory.ts";
import {
  type ChangeWriter,
  DURABLE_DATABASES,
  type DurableEnvironment,
  durableWriter,
  footprintOf,
  MIGRATED_DATABASES,
  TRANSIENT_DATABASES,
  type TransientEnvironment,
  transientWriter,
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
  let transient: TransientEnvironment | undefined;
  try {
    transient = openTransient(path, logger);
    return new LmdbStore(openDurable(path, logger), transient, lock, logger);
  } catch (error) {
    void transient?.close();
    void lock.release();
    throw error;
  }
}

function openDurable(path: string, logger: Logger): DurableEnvironment {
  const directory = join(path, "durable");
  const environment = new LmdbEnvironment({ directory, databaseNames: DURABLE_DATABASES, isDurable: true, logger });
  try {
    migrate(
      environment.database("meta"),
      MIGRATED_DATABASES.map((name) => environment.database(name)),
    );
    return environment;
  } catch (error) {
    void environment.close();
    throw error;
  }
}

/** What an earlier run has left is of no use, and after a power failure not even sound. */
function openTransient(path: string, logger: Logger): TransientEnvironment {
  const directory = join(path, "transient");
  rmSync(directory, { recursive: true, force: true });
  return new LmdbEnvironment({ directory, databaseNames: TRANSIENT_DATABASES, isDurable: false, logger });
}

/** Keeps what is durable in an LMDB environment, and what only takes load off the memory in another without syncs. */
export class LmdbStore extends BufferedStore {
  readonly #logger: Logger;
  readonly #lock: DirectoryLock;
  readonly #durable: DurableEnvironment;
  readonly #transient: TransientEnvironment;
  readonly #durableSweeper: QueueSweeper;
  readonly #transientSweeper: QueueSweeper;
  /** Queues that may have transient chunks. Most have none, and dropping those leaves that environment alone. */
  readonly #transientQueues = new Set<number>();
  #inFlight: Promise<void> | undefined;
  #isClosed = false;

  /** Use {@link openLmdbStore}. The store releases the lock when it is closed. */
  constructor(durable: DurableEnvironment, transient: TransientEnvironment, lock: DirectoryLock, logger: Logger) {
    super();
    this.#logger = logger;
    this.#lock = lock;
    this.#durable = durable;
    this.#transient = transient;
    this.#durableSweeper = new QueueSweeper({
      chunks: () => durable.database("chunks"),
      settlements: () => durable.database("settlements"),
      notes: () => durable.database("notes"),
    });
    this.#transientSweeper = new QueueSweeper({ chunks: () => transient.database("chunks") });
    for (const key of durable.database("dropped").getKeys()) this.#durableSweeper.resume(readQueueId(key));
  }

  recover(visitor: RecoveryVisitor): void {
    recoverDurable(this.#durable, (queueId) => this.#durableSweeper.isPending(queueId), visitor, this.#logger);
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
    const environment = lifetime === "durable" ? this.#durable : this.#transient;
    // Valid until the next read only, and its length is a property that hides the real one: copy just what is wanted.
    const stored = environment.database("chunks").getBinaryFast(chunkKey(queueId, chunk));
    if (stored === undefined) throw new Error(`no ${lifetime} chunk at ${chunk.first} of queue ${queueId}`);
    if (stored.length !== chunk.recordBytes) {
      throw new StoreFormatError(`chunk at ${chunk.first} of queue ${queueId} has ${stored.length} octets`);
    }
    const owned = Buffer.allocUnsafeSlow(end - start);
    owned.set(stored.subarray(start, end));
    return owned;
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
    const isDurableIdle = this.#commitTo(
      this.#durable,
      this.durableChanges,
      this.#durableSweeper,
      durableWriter,
      ended,
    );
    const isTransientIdle = this.#commitTo(
      this.#transient,
      this.transientChanges,
      this.#transientSweeper,
      transientWriter,
      ended,
    );
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
  #commitTo<Environment extends DurableEnvironment | TransientEnvironment>(
    environment: Environment,
    buffer: ChangeBuffer,
    sweeper: QueueSweeper,
    writer: ChangeWriter<Environment>,
    ended: (error: Error | undefined) => void,
  ): boolean {
    const changes = buffer.begin();
    if (changes.isEmpty && sweeper.isIdle) {
      buffer.succeeded();
      return true;
    }
    let plan: SweepPlan;
    try {
      environment.ensureOpen();
      writer.reduce(environment, changes);
      plan = sweeper.plan(changes);
    } catch (error) {
      buffer.failed(false);
      setImmediate(ended, new StoreCommitError(error));
      return false;
    }
    environment.transact(
      footprintOf(changes, plan),
      () => writer.write(environment, changes, plan),
      (error, attempted) => {
        if (error === undefined) {
          buffer.succeeded();
          sweeper.committed(plan);
        } else {
          buffer.failed(attempted);
        }
        ended(error);
      },
    );
    return false;
  }
}
