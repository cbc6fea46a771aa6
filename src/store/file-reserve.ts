import { closeSync, fstatSync, openSync, write, writeSync } from "node:fs";

const MEBIBYTE = 1024 * 1024;
/** Written at a time. The system lets nobody else write to the file meanwhile, a commit least of all. */
const STEP_BYTES = 128 * 1024;
/** Kept back from commits that grow the store, so that on a full disk messages can still be consumed. */
const KEPT_BYTES = 2 * MEBIBYTE;
/** Written ahead, beside the commits that use it up: enough for so many commits like the latest, within bounds. */
const AHEAD_COMMITS = 16;
const AHEAD_BYTES_MIN = 2 * MEBIBYTE;
const AHEAD_BYTES_MAX = 16 * MEBIBYTE;
/** A file that cannot grow will do when LMDB has so many times the need in free pages: they lie scattered. */
const REUSABLE_FACTOR = 4;

/** How an environment uses its file, in octets. */
export interface FileUse {
  /** Up to where LMDB has put pages. */
  usedBytes(): number;
  /** How much of that is free again. Asked only when the file cannot grow. */
  reusableBytes(): number;
}

/** What a transaction needs. */
export interface Need {
  /** Upper bound of the octets it writes, quick to tell. */
  readonly bytes: number;
  /** Whether it leaves more stored than before. */
  readonly isGrowth: boolean;
  /** A lower upper bound. Slow: asked only when the reserve seems too small. */
  tightBytes(): number;
}

/**
 * Keeps the end of an LMDB data file written ahead of what LMDB uses, so that a full disk, a quota or a file size
 * limit is met here and not inside a transaction: lmdb-js formats the message of a failed page write into too small a
 * buffer and so corrupts the heap. It costs one more copy into the page cache while the file grows, nothing after, and
 * a commit waits for it only when the file grows more slowly than commits use it up.
 */
export class FileReserve {
  readonly #fd: number;
  readonly #use: FileUse;
  readonly #zeros = Buffer.alloc(STEP_BYTES);
  /** How long the file is at least. */
  #sizeBytes: number;
  /** Octets known to be written beyond what LMDB uses, less all that was asked for since that was known. */
  #remainingBytes = 0;
  /** The write that is under way to make the file longer. */
  #step: Promise<void> | undefined;
  #isGrowingAhead = false;
  #isClosed = false;

  constructor(file: string, use: FileUse) {
    // Appends, so that what LMDB has written beyond `#sizeBytes`, on a disk that was full for us, stays as it is.
    this.#fd = openSync(file, "a");
    this.#use = use;
    this.#sizeBytes = fstatSync(this.#fd).size;
  }

  /**
   * Makes sure that a transaction finds in the file the room it needs. Returns undefined when it does already, else a
   * promise, which rejects with the system's error when the file cannot grow.
   */
  ensure(need: Need): Promise<void> | undefined {
    const keptBytes = need.isGrowth ? KEPT_BYTES : 0;
    const aheadBytes = need.isGrowth ? aheadBytesOf(need.bytes) : 0;
    this.#remainingBytes -= need.bytes;
    if (this.#remainingBytes >= keptBytes + aheadBytes / 2) return undefined;
    const bytes = need.tightBytes();
    this.#remainingBytes = this.#sizeBytes - this.#use.usedBytes() - bytes;
    if (this.#remainingBytes < keptBytes) return this.#grow(bytes, keptBytes, aheadBytes);
    if (this.#remainingBytes < keptBytes + aheadBytes / 2) this.#growAhead(keptBytes + aheadBytes);
    return undefined;
  }

  /** {@link ensure}, at once, for a transaction that needs so many octets. Throws the system's errors. */
  ensureSync(bytes: number): void {
    const end = this.#use.usedBytes() + bytes;
    while (this.#sizeBytes < end) this.#sizeBytes += writeSync(this.#fd, this.#zeros, 0, STEP_BYTES, null);
  }

  /** Writes the reserve of a new file. Throws the system's errors. */
  prepare(): void {
    const end = this.#sizeBytes + KEPT_BYTES;
    while (this.#sizeBytes < end) this.#sizeBytes += writeSync(this.#fd, this.#zeros, 0, STEP_BYTES, null);
  }

  /** Writes no more, and lets go of the file. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#step?.catch(() => {});
    closeSync(this.#fd);
  }

  async #grow(bytes: number, keptBytes: number, aheadBytes: number): Promise<void> {
    try {
      while (this.#remainingBytes < keptBytes) await this.#takeStep();
    } catch (error) {
      if (this.#use.reusableBytes() < bytes * REUSABLE_FACTOR) throw error;
      return;
    }
    this.#growAhead(keptBytes + aheadBytes);
  }

  /** Makes the file longer while a commit is under way, until so much remains. */
  #growAhead(remainingBytes: number): void {
    if (this.#isGrowingAhead) return;
    this.#isGrowingAhead = true;
    void this.#stepUntil(remainingBytes);
  }

  async #stepUntil(remainingBytes: number): Promise<void> {
    try {
      while (!this.#isClosed && this.#remainingBytes < remainingBytes) await this.#takeStep();
    } catch {
      // The commit that finds too little room tries again, and reports why there is none.
    }
    this.#isGrowingAhead = false;
  }

  /** Makes the file a step longer, once for all who ask at the same time. */
  #takeStep(): Promise<void> {
    this.#step ??= new Promise((resolve, reject) => {
      write(this.#fd, this.#zeros, 0, STEP_BYTES, null, (error, count) => {
        this.#step = undefined;
        if (error !== null) {
          reject(error);
          return;
        }
        this.#sizeBytes += count;
        this.#remainingBytes += count;
        resolve();
      });
    });
    return this.#step;
  }
}

/** What is to be ahead of a commit of so many octets. It grows once half of that is used up: not a bit for each commit. */
function aheadBytesOf(commitBytes: number): number {
  return Math.min(Math.max(AHEAD_BYTES_MIN, commitBytes * AHEAD_COMMITS), AHEAD_BYTES_MAX);
}
