import { closeSync, fstatSync, openSync, write, writeSync } from "node:fs";

const STEP_BYTES = 1024 * 1024;
/** Kept back from commits that grow the store, so that on a full disk messages can still be consumed. */
const KEPT_BYTES = 2 * STEP_BYTES;
/** Written ahead of the need, so that not every commit has to ask how much LMDB has used. */
const SLACK_BYTES = 2 * STEP_BYTES;
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
 * buffer and so corrupts the heap. It costs one more copy into the page cache while the file grows, nothing after.
 */
export class FileReserve {
  readonly #fd: number;
  readonly #use: FileUse;
  readonly #zeros = Buffer.alloc(STEP_BYTES);
  #sizeBytes: number;
  /** Octets known to be written beyond what LMDB uses, less all that was asked for since that was known. */
  #remainingBytes = 0;

  constructor(file: string, use: FileUse) {
    this.#fd = openSync(file, "r+");
    this.#use = use;
    this.#sizeBytes = fstatSync(this.#fd).size;
  }

  /**
   * Makes sure that a transaction finds in the file the room it needs. Returns undefined when it does already, else a
   * promise, which rejects with the system's error when the file cannot grow.
   */
  ensure(need: Need): Promise<void> | undefined {
    const keptBytes = need.isGrowth ? KEPT_BYTES : 0;
    this.#remainingBytes -= need.bytes;
    if (this.#remainingBytes >= keptBytes) return undefined;
    const bytes = need.tightBytes();
    this.#remainingBytes = this.#sizeBytes - this.#use.usedBytes() - bytes;
    if (this.#remainingBytes >= keptBytes) return undefined;
    return this.#grow(bytes, keptBytes);
  }

  /** Writes the reserve of a new file. Throws the system's errors. */
  prepare(): void {
    const end = this.#sizeBytes + KEPT_BYTES;
    while (this.#sizeBytes < end) this.#sizeBytes += writeSync(this.#fd, this.#zeros, 0, STEP_BYTES, this.#sizeBytes);
  }

  close(): void {
    closeSync(this.#fd);
  }

  async #grow(bytes: number, keptBytes: number): Promise<void> {
    try {
      while (this.#remainingBytes < keptBytes + SLACK_BYTES) {
        const count = await this.#writeZeros();
        this.#sizeBytes += count;
        this.#remainingBytes += count;
      }
    } catch (error) {
      if (this.#remainingBytes >= keptBytes) return;
      if (this.#use.reusableBytes() < bytes * REUSABLE_FACTOR) throw error;
    }
  }

  #writeZeros(): Promise<number> {
    return new Promise((resolve, reject) => {
      write(this.#fd, this.#zeros, 0, STEP_BYTES, this.#sizeBytes, (error, count) => {
        if (error !== null) reject(error);
        else resolve(count);
      });
    });
  }
}
