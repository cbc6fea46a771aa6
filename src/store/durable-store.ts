import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { ChunkDescriptor, RecoveryVisitor } from "../core/ports.ts";
import type { Logger } from "../lib/logger.ts";
import { ChangeSet } from "./change-set.ts";
import { StoreCommitError, StoreFormatError } from "./errors.ts";
import { EPOCH_BYTES, Journal, RECORD_HEAD_BYTES } from "./journal.ts";
import { decodeChanges, encodeChanges } from "./journal-codec.ts";
import { chunkKey, noteKey, readQueueId } from "./key-layout.ts";
import { type Footprint, LmdbEnvironment } from "./lmdb-environment.ts";
import { migrate } from "./migrations.ts";
import { NO_SWEEP, QueueSweeper, type SweepPlan } from "./queue-sweeper.ts";
import { recoverDurable } from "./recover-durable.ts";
import {
  DURABLE_DATABASES,
  type DurableEnvironment,
  footprintOf,
  MIGRATED_DATABASES,
  sumOf,
  writeChanges,
} from "./write-changes.ts";

/** What brings the journal, and a commit, into LMDB. */
interface Transaction {
  readonly plan: SweepPlan;
  /** Of the journal from then on. */
  readonly epoch: Buffer;
}

/** In `meta`: which epoch of the journal goes on from what LMDB holds. */
const EPOCH_KEY = Buffer.from("journalEpoch");
/** At most so much is read, and brought into LMDB, at a start, and held in memory until LMDB has it. */
const JOURNAL_BYTES_MAX = 1024 * 1024;
/** A longer record is not worth it: the journal would soon be full, and LMDB write all of it again. */
const RECORD_BYTES_MAX = JOURNAL_BYTES_MAX / 8;

/**
 * What must survive: an LMDB environment, and a journal in front of it that makes small commits durable with one flush.
 * What is in the journal only is held in memory too. A commit that is large, or finds the journal full, brings all of it
 * into LMDB, together with its own changes; most of what has come and gone in between is never written there.
 */
export class DurableStore {
  readonly #logger: Logger;
  readonly #environment: DurableEnvironment;
  readonly #sweeper: QueueSweeper;
  readonly #journal: Journal;
  /** What LMDB does not have: the journal's records, and what a transaction under way, or one that failed, is to write. */
  #unapplied = new ChangeSet();
  /** {@link #unapplied} has more than the journal, which therefore takes nothing until LMDB has it all. */
  #journalIsBehind = false;

  /** @param directory exists already. Throws {@link StoreFormatError} and the system's errors. */
  constructor(directory: string, logger: Logger) {
    this.#logger = logger;
    const environment = new LmdbEnvironment({
      directory: join(directory, "durable"),
      databaseNames: DURABLE_DATABASES,
      logger,
    });
    this.#environment = environment;
    this.#sweeper = new QueueSweeper({
      chunks: () => environment.database("chunks"),
      settlements: () => environment.database("settlements"),
      notes: () => environment.database("notes"),
    });
    let journal: Journal | undefined;
    try {
      migrate(
        environment.database("meta"),
        new Map(MIGRATED_DATABASES.map((name) => [name, environment.database(name)])),
      );
      for (const key of environment.database("dropped").getKeys()) this.#sweeper.resume(readQueueId(key));
      journal = new Journal(join(directory, "journal"), JOURNAL_BYTES_MAX);
      this.#journal = journal;
      this.#resume();
    } catch (error) {
      journal?.close();
      void environment.close();
      throw error;
    }
  }

  recover(visitor: RecoveryVisitor): void {
    recoverDurable(this.#environment, (queueId) => this.#sweeper.isPending(queueId), visitor, this.#logger);
  }

  /** The octets of a chunk, in a buffer of the caller's; undefined when it is not there. */
  read(queueId: number, chunk: ChunkDescriptor, start: number, end: number): Buffer | undefined {
    const queue = this.#unapplied.queues.get(queueId);
    const change = queue?.find(chunk);
    const stored =
      change !== undefined || queue?.isDropped === true
        ? change?.buffer?.subarray(change.start, change.end)
        : this.#readApplied(queueId, chunk);
    if (stored === undefined) return undefined;
    const octets = Buffer.allocUnsafeSlow(end - start);
    octets.set(stored.subarray(start, end));
    return octets;
  }

  /**
   * Returns whether there is nothing to do; otherwise calls `ended` later, with an error when nothing of the changes is
   * durable. They are kept, and tried again with the next commit.
   */
  commit(changes: ChangeSet, ended: (error: Error | undefined) => void): boolean {
    try {
      this.#environment.ensureOpen();
      this.#forgetShortLivedNotes(changes);
    } catch (error) {
      this.#keep(changes);
      setImmediate(ended, new StoreCommitError(error));
      return false;
    }
    if (changes.isEmpty && this.#sweeper.isIdle && !this.#journalIsBehind) return true;
    const record = this.#recordOf(changes);
    if (record === undefined) this.#apply(changes, ended);
    else this.#append(record, changes, ended);
    return false;
  }

  /** Brings into LMDB what is in the journal only, and releases everything. No commit may be in flight. */
  async close(): Promise<void> {
    if (!this.#journal.isEmpty && !this.#journalIsBehind) {
      const error = await new Promise<Error | undefined>((resolve) => this.#apply(new ChangeSet(), resolve));
      if (error !== undefined) this.#logger.warn("the journal is left to the next start", { error: error.message });
    }
    this.#journal.close();
    await this.#environment.close();
  }

  /** Brings into LMDB what an earlier process has left in the journal. */
  #resume(): void {
    const stored = this.#environment.database("meta").getBinary(EPOCH_KEY);
    if (stored === undefined) return;
    if (stored.length !== EPOCH_BYTES) throw new StoreFormatError("malformed journal epoch in the store");
    this.#journal.resume(Buffer.from(stored), (payload) => this.#unapplied.absorb(decodeChanges(payload)));
    if (this.#journal.isEmpty) return;
    const transaction = this.#planTransaction();
    this.#environment.transactSync(footprintOf(this.#unapplied, transaction.plan), () => this.#write(transaction));
    this.#applied(transaction);
  }

  /** The changes as a record for the journal, or undefined when they are to go to LMDB. */
  #recordOf(changes: ChangeSet): Buffer | undefined {
    if (this.#journalIsBehind || !this.#sweeper.isIdle) return undefined;
    if (footprintOf(changes, NO_SWEEP).putBytes > RECORD_BYTES_MAX) return undefined;
    const record = encodeChanges(changes, RECORD_HEAD_BYTES);
    return this.#journal.hasRoomFor(record.length) ? record : undefined;
  }

  #append(record: Buffer, changes: ChangeSet, ended: (error: Error | undefined) => void): void {
    const added = footprintOf(changes, NO_SWEEP);
    const whole = (): Footprint => sumOf(footprintOf(this.#unapplied, NO_SWEEP), added);
    // What the journal takes must fit into LMDB too, at the next start if not before.
    this.#environment.whenRoom(added, whole, (roomError) => {
      if (roomError !== undefined) {
        this.#keep(changes);
        ended(new StoreCommitError(roomError));
        return;
      }
      this.#journal.append(record, (error) => {
        if (error !== undefined) {
          // The file cannot grow, or the disk is failing: LMDB has room of its own.
          changes.markAttempted();
          this.#apply(changes, ended);
          return;
        }
        this.#unapplied.absorb(decodeChanges(record.subarray(RECORD_HEAD_BYTES)));
        ended(undefined);
      });
    });
  }

  /** Brings everything into LMDB, these changes too, in one transaction. */
  #apply(changes: ChangeSet, ended: (error: Error | undefined) => void): void {
    const hadRoomAsked = !this.#journalIsBehind;
    this.#keep(changes);
    let transaction: Transaction;
    try {
      transaction = this.#planTransaction();
    } catch (error) {
      setImmediate(ended, new StoreCommitError(error));
      return;
    }
    const whole = (): Footprint => footprintOf(this.#unapplied, transaction.plan);
    const added = hadRoomAsked ? footprintOf(changes, transaction.plan) : whole();
    this.#environment.whenRoom(added, whole, (roomError) => {
      if (roomError !== undefined) {
        ended(new StoreCommitError(roomError));
        return;
      }
      this.#environment.transact(
        () => this.#write(transaction),
        (error) => {
          if (error === undefined) this.#applied(transaction);
          else this.#unapplied.markAttempted();
          ended(error === undefined ? undefined : new StoreCommitError(error));
        },
      );
    });
  }

  /** Keeps changes that the journal does not have until LMDB has them. */
  #keep(changes: ChangeSet): void {
    this.#unapplied.absorb(changes);
    this.#journalIsBehind = true;
  }

  #planTransaction(): Transaction {
    const notes = this.#environment.database("notes");
    this.#unapplied.forgetShortLivedNotes((ownerId, key) => notes.getBinaryFast(noteKey(ownerId, key)) !== undefined);
    return { plan: this.#sweeper.plan(this.#unapplied), epoch: randomBytes(EPOCH_BYTES) };
  }

  #write({ plan, epoch }: Transaction): void {
    writeChanges(this.#environment, this.#unapplied, plan);
    this.#environment.database("meta").put(EPOCH_KEY, epoch);
  }

  #applied({ plan, epoch }: Transaction): void {
    this.#unapplied = new ChangeSet();
    this.#sweeper.committed(plan);
    this.#journal.restart(epoch);
    this.#journalIsBehind = false;
  }

  /** Leaves out notes that were put and deleted again, unless an earlier commit holds one. */
  #forgetShortLivedNotes(changes: ChangeSet): void {
    const notes = this.#environment.database("notes");
    changes.forgetShortLivedNotes(
      (ownerId, key) =>
        this.#unapplied.hasNote(ownerId, key) || notes.getBinaryFast(noteKey(ownerId, key)) !== undefined,
    );
  }

  #readApplied(queueId: number, chunk: ChunkDescriptor): Uint8Array | undefined {
    // Valid until the next read only, and its length is a property that hides the real one: copy just what is wanted.
    const stored = this.#environment.database("chunks").getBinaryFast(chunkKey(queueId, chunk));
    if (stored !== undefined && stored.length !== chunk.recordBytes) {
      throw new StoreFormatError(`chunk at ${chunk.first} of queue ${queueId} has ${stored.length} octets`);
    }
    return stored;
  }
}
