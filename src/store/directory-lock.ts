import { mkdirSync, realpathSync, rmSync } from "node:fs";
import { join } from "node:path";
import { open, type RootDatabase } from "lmdb";
import { checkEnvironmentFiles, dataFileState } from "./environment-files.ts";

/** Another process, or another store in this one, uses the data directory. */
export class DataDirectoryLockedError extends Error {
  override readonly name = "DataDirectoryLockedError";
  readonly directory: string;
  /** The holder's process id, as the holder sees it (another container numbers its processes anew). */
  readonly holderPid: number;

  constructor(directory: string, holderPid: number) {
    super(`data directory ${directory} is in use by process ${holderPid}`);
    this.directory = directory;
    this.holderPid = holderPid;
  }
}

/**
 * Locks held by this process, by path. The kernel's record locks belong to the process and go when it closes any handle
 * of the file, so a second attempt from within must not get as far as opening it. And a lock that nobody refers to any
 * more must not be released by the garbage collector.
 */
const heldHere = new Map<string, DirectoryLock>();

/**
 * Exclusive use of a data directory, for as long as the process lives. An empty LMDB environment of its own serves as
 * the lock: LMDB keeps a kernel lock on its lock file, so whoever opens it when no living process has it open finds the
 * table of readers emptied, and whoever holds a read transaction is in that table. The check and the entry are made
 * in one write transaction, which LMDB gives to one process at a time. So nothing is left behind by kill -9, and it
 * holds between containers that share the directory, where process ids and abstract sockets do not.
 */
export class DirectoryLock {
  readonly #path: string;
  readonly #environment: RootDatabase;
  readonly #entry: { done(): void };

  /** Throws {@link DataDirectoryLockedError}. The directory must exist. */
  constructor(directory: string) {
    this.#path = join(realpathSync(directory), "lock");
    if (heldHere.has(this.#path)) throw new DataDirectoryLockedError(directory, process.pid);
    this.#environment = openEnvironment(this.#path);
    const entry = this.#environment.transactionSync(() => {
      const holderPid = readerPid(this.#environment.readerList());
      return holderPid === undefined ? this.#environment.useReadTransaction() : holderPid;
    });
    if (typeof entry === "number") {
      void this.#environment.close();
      throw new DataDirectoryLockedError(directory, entry);
    }
    this.#entry = entry;
    heldHere.set(this.#path, this);
  }

  async release(): Promise<void> {
    heldHere.delete(this.#path);
    this.#entry.done();
    await this.#environment.close();
  }
}

function openEnvironment(path: string): RootDatabase {
  // Nothing is ever written to it, so a power failure soon after its creation may leave it damaged. Nobody holds it then.
  if (dataFileState(path) === "foreign") rmSync(path, { recursive: true });
  mkdirSync(path, { recursive: true, mode: 0o700 });
  checkEnvironmentFiles(path);
  return open({ path, noSubdir: false, noSync: true, overlappingSync: false, maxDbs: 1, maxReaders: 16 });
}

/** The process id in the first line of LMDB's table of readers that begins with a number. */
function readerPid(readerList: string): number | undefined {
  const line = /^\s*(\d+)\s/m.exec(readerList);
  return line === null ? undefined : Number(line[1]);
}
