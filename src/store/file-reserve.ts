import { closeSync, fstatSync, openSync, write, writeSync } from "node:fs";

/** What is written ahead at least. */
const STEP_BYTES = 1024 * 1024;

/**
 * Keeps the end of an LMDB data file written ahead of what LMDB uses, so that a full disk, a quota or a file size
 * limit is met here and not inside a transaction: lmdb-js formats the message of a failed page write into too small a
 * buffer and so corrupts the heap. It costs one more copy into the page cache while the file grows, nothing after.
 */
export class FileReserve {
  readonly #fd: number;
  readonly #usedBytes: () => number;
  readonly #zeros = Buffer.alloc(STEP_BYTES);
  #sizeBytes: number;
  /** Octets known to be written beyond what LMDB uses, less all that was asked for since that was known. */
  #remainingBytes = 0;

  /** @param usedBytes up to where LMDB uses the file; asked only when the reserve may be too small. */
  constructor(file: string, usedBytes: () => number) {
    this.#fd = openSync(file, "r+");
    this.#usedBytes = usedBytes;
    this.#sizeBytes = fstatSync(this.#fd).size;
  }

  /**
   * Makes sure that a transaction which adds up to `bytes` to the file finds them there. Returns undefined when they
   * are there already, else a promise, which rejects with the system's error when the file cannot grow.
   */
  ensure(bytes: number): Promise<void> | undefined {
    const missing = this.#missing(bytes);
    return missing > 0 ? this.#extend(missing) : undefined;
  }

  /** As {@link ensure}, but waits and throws. For opening. */
  ensureSync(bytes: number): void {
    const end = this.#sizeBytes + this.#missing(bytes);
    while (this.#sizeBytes < end) this.#sizeBytes += writeSync(this.#fd, this.#zeros, 0, STEP_BYTES, this.#sizeBytes);
    this.#remainingBytes = 0;
  }

  close(): void {
    closeSync(this.#fd);
  }

  #missing(bytes: number): number {
    this.#remainingBytes -= bytes;
    if (this.#remainingBytes >= 0) return 0;
    this.#remainingBytes = this.#sizeBytes - this.#usedBytes() - bytes;
    return this.#remainingBytes >= 0 ? 0 : Math.ceil(-this.#remainingBytes / STEP_BYTES) * STEP_BYTES;
  }

  async #extend(bytes: number): Promise<void> {
    for (let written = 0; written < bytes; ) {
      const count = await this.#writeZeros();
      written += count;
      this.#sizeBytes += count;
      this.#remainingBytes += count;
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
