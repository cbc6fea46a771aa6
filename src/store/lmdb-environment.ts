import { join } from "node:path";
import { type Database, open, type RootDatabase, type RootDatabaseOptionsWithPath } from "lmdb";
import type { Logger } from "../lib/logger.ts";
import { checkEnvironmentFiles } from "./environment-files.ts";
import { FileReserve } from "./file-reserve.ts";
import { indexPages, statisticsOf, type TreeStatistics } from "./lmdb-statistics.ts";
import { makeDirectory, syncDirectory } from "./sync-directory.ts";

export type BinaryDatabase = Database<Buffer, Buffer>;

const META_PAGES = 2;
/** Set on creation. Larger than the usual 4 KiB it halves the pages that a commit over many queues writes. */
const PAGE_BYTES = 8192;
/** Address space only. It doubles by itself when the file outgrows it. */
const INITIAL_MAP_BYTES = 256 * 1024 * 1024;
/** What a transaction writes besides the pages it changes itself: the upper levels of every tree and the free list. */
const TRANSACTION_BYTES = 32 * PAGE_BYTES;
/** The free list takes 8 octets for each page of a removed value. */
const FREE_LIST_RATIO = PAGE_BYTES / 8;
/** It may be split in two. */
const PAGES_PER_CHANGED_PAGE = 2;
/** A longer value never is on the page of its key: LMDB puts two entries at least on a page. */
export const INLINE_BYTES_MAX = PAGE_BYTES / 2;
/** More than a key and what LMDB keeps with it. */
const ENTRY_BYTES = 64;

export interface EnvironmentOptions<Name extends string> {
  readonly directory: string;
  readonly databaseNames: readonly Name[];
  readonly logger: Logger;
}

/** What a transaction writes, for an upper bound of the pages it takes. */
export interface Footprint {
  /** Keys put or removed. */
  readonly operations: number;
  /** Octets of the values put. */
  readonly putBytes: number;
  /** How many of those are of values that may be kept beside their keys, see {@link INLINE_BYTES_MAX}. */
  readonly inlineBytes: number;
  /** How many of the values are longer, and take pages of their own. */
  readonly longValues: number;
  /** Octets of the values removed. */
  readonly removedBytes: number;
}

/** An LMDB environment whose databases have binary keys and values, one transaction at a time. */
export class LmdbEnvironment<Name extends string> {
  readonly #options: EnvironmentOptions<Name>;
  readonly #reserve: FileReserve;
  readonly #databases = new Map<Name, BinaryDatabase>();
  /** No room has been asked for since the last transaction began. */
  #asksFirst = true;
  /** Undefined when opening it again after a failure has failed too. */
  #root: RootDatabase | undefined;

  constructor(options: EnvironmentOptions<Name>) {
    this.#options = options;
    makeDirectory(options.directory);
    checkEnvironmentFiles(options.directory);
    const root = openRoot(options);
    this.#root = root;
    this.#reserve = new FileReserve(join(options.directory, "data.mdb"), {
      usedBytes: () => this.#pageCount() * PAGE_BYTES,
      reusableBytes: () => this.#reusablePageCount() * PAGE_BYTES,
    });
    try {
      if (this.#pageCount() <= META_PAGES) this.#reserve.prepare();
      this.#openDatabases(root);
      // LMDB syncs the file, not the entry in the directory that leads to it.
      syncDirectory(options.directory);
    } catch (error) {
      void this.close();
      throw error;
    }
  }

  database(name: Name): BinaryDatabase {
    const database = this.#databases.get(name);
    if (database === undefined) throw new Error(`store database ${name} in ${this.#options.directory} is not open`);
    return database;
  }

  /** Opens the environment again when an earlier attempt to do so has failed. Throws the system's errors. */
  ensureOpen(): void {
    this.#root ??= this.#reopen();
  }

  /**
   * Calls back once the file has room for a transaction, or with the system's error when it cannot grow.
   *
   * @param added what the transaction writes beyond what room was asked for since the last one
   * @param whole all that it writes; asked only when the reserve seems too small
   */
  whenRoom(added: Footprint, whole: () => Footprint, done: (error: unknown) => void): void {
    let reserved: Promise<void> | undefined;
    try {
      reserved = this.#reserve.ensure({
        bytes: bytesOf(added, added.operations) + (this.#asksFirst ? TRANSACTION_BYTES : 0),
        isGrowth: added.putBytes > added.removedBytes,
        tightBytes: () => this.#tightBytesOf(whole()),
      });
    } catch (error) {
      setImmediate(done, error);
      return;
    }
    this.#asksFirst = false;
    if (reserved === undefined) done(undefined);
    else reserved.then(() => done(undefined), done);
  }

  /**
   * Runs `write`, which puts and removes, as one transaction, and reports when that is on disk. There must be room for
   * it. `write` must not throw: what it did until then would be committed.
   */
  transact(write: () => void, finished: (error: unknown) => void): void {
    const root = this.#root as RootDatabase;
    this.#asksFirst = true;
    // A batch is one block of instructions, handed over when it is complete: never spread over two transactions.
    const committed = root.batch(write);
    // A second one, beyond txnStartThreshold, starts the writing thread now instead of in the next turn.
    void root.batch(() => {});
    committed.then(
      () => finished(undefined),
      (error: unknown) => {
        void this.#recoverFrom(error).then(finished);
      },
    );
  }

  /** Makes room for a transaction and runs it, before there are any others. Throws the system's errors and LMDB's. */
  transactSync(footprint: Footprint, write: () => void): void {
    this.#reserve.ensureSync(this.#tightBytesOf(footprint));
    (this.#root as RootDatabase).transactionSync(write);
  }

  async close(): Promise<void> {
    this.#databases.clear();
    const root = this.#root;
    this.#root = undefined;
    await this.#reserve.close();
    await root?.close();
  }

  /** However many operations: they change no more pages of keys than there are, and no more than what is put fills. */
  #tightBytesOf(footprint: Footprint): number {
    const newPages = Math.ceil((footprint.inlineBytes + footprint.operations * ENTRY_BYTES) / PAGE_BYTES);
    const changedPages = Math.min(footprint.operations, this.#indexPageCount() + newPages);
    return TRANSACTION_BYTES + bytesOf(footprint, changedPages) + footprint.longValues * PAGE_BYTES;
  }

  /** After a failed write of its root page LMDB refuses, and lmdb-js hangs in, every later transaction: open anew. */
  async #recoverFrom(error: unknown): Promise<unknown> {
    const cause = await commitErrorOf(error);
    this.#databases.clear();
    const root = this.#root;
    this.#root = undefined;
    await root?.close();
    try {
      this.#root = this.#reopen();
    } catch (reopenError) {
      this.#options.logger.error("store environment could not be opened again", { error: reopenError });
    }
    return cause;
  }

  #reopen(): RootDatabase {
    this.#options.logger.warn("opening store environment again", { directory: this.#options.directory });
    const root = openRoot(this.#options);
    this.#openDatabases(root);
    return root;
  }

  #openDatabases(root: RootDatabase): void {
    for (const name of this.#options.databaseNames) {
      this.#databases.set(name, root.openDB<Buffer, Buffer>(name, { keyEncoding: "binary", encoding: "binary" }));
    }
  }

  /** Pages of the file up to the last that LMDB has used. */
  #pageCount(): number {
    return statisticsOf(this.#root as RootDatabase).lastPageNumber + 1;
  }

  #reusablePageCount(): number {
    return this.#pageCount() - META_PAGES - this.#sumOfTrees((tree) => indexPages(tree) + tree.overflowPages);
  }

  #indexPageCount(): number {
    return this.#sumOfTrees(indexPages);
  }

  #sumOfTrees(measure: (tree: TreeStatistics) => number): number {
    const { root, free } = statisticsOf(this.#root as RootDatabase);
    let sum = measure(root) + measure(free);
    for (const database of this.#databases.values()) sum += measure(statisticsOf(database));
    return sum;
  }
}

/** An upper bound of what changes write that change up to so many pages of keys. */
function bytesOf({ putBytes, removedBytes }: Footprint, changedPages: number): number {
  return changedPages * PAGES_PER_CHANGED_PAGE * PAGE_BYTES + putBytes + Math.ceil(removedBytes / FREE_LIST_RATIO);
}

/** Options of lmdb-js that its types leave out. */
interface UntypedOptions {
  readonly permissionsMode: number;
  readonly txnStartThreshold: number;
  readonly batchStartThreshold: number;
}

function openRoot<Name extends string>({ directory, databaseNames }: EnvironmentOptions<Name>): RootDatabase {
  const options: RootDatabaseOptionsWithPath & UntypedOptions = {
    path: directory,
    noSubdir: false,
    permissionsMode: 0o600,
    pageSize: PAGE_BYTES,
    mapSize: INITIAL_MAP_BYTES,
    maxDbs: databaseNames.length,
    maxReaders: 16,
    // Overlapping would make a transaction visible, and the base of the next, before it is known to be on disk.
    overlappingSync: false,
    eventTurnBatching: false,
    txnStartThreshold: 1,
    // Never begin to write a batch before it is complete.
    batchStartThreshold: Number.MAX_SAFE_INTEGER,
  };
  return open(options);
}

/** lmdb-js rejects with an error whose `commitError` is a promise that in turn rejects with the reason. */
async function commitErrorOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error && "commitError" in error)) return error;
  try {
    await error.commitError;
    return error;
  } catch (cause) {
    return cause;
  }
}
