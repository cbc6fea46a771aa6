import { closeSync, ftruncate, openSync, readSync, rmSync } from "node:fs";
import type { ChunkDescriptor } from "../core/ports.ts";
import type { ChangeSet } from "./change-set.ts";
import { ExtentAllocator } from "./extent-allocator.ts";
import type { ChunkChange } from "./queue-changes.ts";
import { type Piece, writePieces } from "./write-pieces.ts";

/** Chunks begin at multiples of this, the page size of most systems: no two share a page. */
const PAGE_BYTES = 4096;
/**
 * Written at a time. For more the system looks for longer runs of free memory, which on a virtual machine is memory that
 * was never used before and so costs up to ten times as much.
 */
const PIECE_BYTES = 128 * 1024;
/** Handed to the system together, so that it need not wait for the event loop to come round between them. */
const PIECES_MAX = 32;
/** An empty file is cut to this: to write pages that are there costs much less than to make new ones. */
const KEPT_BYTES = 1024 * 1024 * 1024;

/** Where a chunk is in the file. */
interface StoredChunk {
  readonly page: number;
  readonly count: number;
  readonly recordBytes: number;
}

/** A chunk on its way into the file. */
interface PlannedWrite {
  readonly queueId: number;
  readonly change: ChunkChange;
  readonly stored: StoredChunk;
}

/**
 * The file for chunks that only take load off the memory. It is never flushed and does not outlive the process, so it
 * needs no index on the disk: that is here, an entry for each chunk.
 */
export class TransientFile {
  readonly #path: string;
  readonly #fd: number;
  readonly #extents = new ExtentAllocator();
  /** By queue, then by the chunk's first sequence number. */
  readonly #queues = new Map<number, Map<number, StoredChunk>>();
  #sizeBytes = 0;
  #shortening: Promise<void> | undefined;

  /** Makes an empty file in place of what is there. Throws the system's errors. */
  constructor(path: string) {
    this.#path = path;
    rmSync(path, { recursive: true, force: true });
    this.#fd = openSync(path, "wx+", 0o600);
  }

  /** The octets of a chunk from `start` to `end`, in a buffer of the caller's; undefined when it is not there. */
  read(queueId: number, chunk: ChunkDescriptor, start: number, end: number): Buffer | undefined {
    const stored = this.#find(queueId, chunk);
    if (stored === undefined) return undefined;
    const octets = Buffer.allocUnsafeSlow(end - start);
    for (let filled = 0; filled < octets.length; ) {
      const position = stored.page * PAGE_BYTES + start + filled;
      const count = readSync(this.#fd, octets, filled, octets.length - filled, position);
      if (count === 0) throw new Error(`${this.#path} ends within a chunk`);
      filled += count;
    }
    return octets;
  }

  /**
   * Removes what is to be removed, which makes room even when the disk is full, and then writes all chunks, or none when
   * it rejects, with the system's error. One call at a time.
   */
  async write(changes: ChangeSet): Promise<void> {
    await this.#shortening;
    this.#removeFrom(changes);
    const writes = this.#plan(changes);
    try {
      await this.#writeAll(writes);
    } catch (error) {
      for (const { stored } of writes) this.#giveBack(stored);
      throw error;
    }
    this.#note(writes);
    if (this.#extents.endPage === 0 && this.#sizeBytes > KEPT_BYTES) this.#shorten();
  }

  /** Call when nothing is being written. The file is gone afterwards. */
  async close(): Promise<void> {
    await this.#shortening;
    closeSync(this.#fd);
    rmSync(this.#path, { force: true });
  }

  #plan(changes: ChangeSet): PlannedWrite[] {
    const writes: PlannedWrite[] = [];
    for (const [queueId, queue] of changes.queues) {
      for (const head of queue.chunks.values()) {
        for (let change: ChunkChange | undefined = head; change !== undefined; change = change.next) {
          if (change.buffer === undefined) continue;
          const { count, recordBytes } = change.chunk;
          const page = this.#extents.take(pagesOf(recordBytes));
          writes.push({ queueId, change, stored: { page, count, recordBytes } });
        }
      }
    }
    return writes;
  }

  async #writeAll(writes: readonly PlannedWrite[]): Promise<void> {
    let pieces: Piece[] = [];
    for (const { change, stored } of writes) {
      const value = (change.buffer as Uint8Array).subarray(change.start, change.end);
      const start = stored.page * PAGE_BYTES;
      this.#sizeBytes = Math.max(this.#sizeBytes, start + value.length);
      for (let offset = 0; offset < value.length; offset += PIECE_BYTES) {
        pieces.push({ octets: value.subarray(offset, offset + PIECE_BYTES), position: start + offset });
        if (pieces.length < PIECES_MAX) continue;
        await writePieces(this.#fd, pieces);
        pieces = [];
      }
    }
    if (pieces.length > 0) await writePieces(this.#fd, pieces);
  }

  /** Also the chunks that are about to be written: earlier ones of the same key may be there. */
  #removeFrom(changes: ChangeSet): void {
    for (const [queueId, queue] of changes.queues) {
      if (queue.isDropped) this.#drop(queueId);
      for (const head of queue.chunks.values()) {
        for (let change: ChunkChange | undefined = head; change !== undefined; change = change.next) {
          this.#remove(queueId, change.chunk);
        }
      }
    }
  }

  #note(writes: readonly PlannedWrite[]): void {
    for (const { queueId, change, stored } of writes) {
      let queue = this.#queues.get(queueId);
      if (queue === undefined) {
        queue = new Map();
        this.#queues.set(queueId, queue);
      }
      queue.set(change.chunk.first, stored);
    }
  }

  #find(queueId: number, chunk: ChunkDescriptor): StoredChunk | undefined {
    const stored = this.#queues.get(queueId)?.get(chunk.first);
    return stored?.count === chunk.count && stored.recordBytes === chunk.recordBytes ? stored : undefined;
  }

  #remove(queueId: number, chunk: ChunkDescriptor): void {
    const stored = this.#find(queueId, chunk);
    if (stored === undefined) return;
    const queue = this.#queues.get(queueId) as Map<number, StoredChunk>;
    queue.delete(chunk.first);
    if (queue.size === 0) this.#queues.delete(queueId);
    this.#giveBack(stored);
  }

  #drop(queueId: number): void {
    for (const stored of this.#queues.get(queueId)?.values() ?? []) this.#giveBack(stored);
    this.#queues.delete(queueId);
  }

  #giveBack(stored: StoredChunk): void {
    this.#extents.giveBack(stored.page, pagesOf(stored.recordBytes));
  }

  /** Gives room back to the disk. The next write waits for it; a failure changes nothing. */
  #shorten(): void {
    this.#shortening = new Promise((resolve) => {
      ftruncate(this.#fd, KEPT_BYTES, (error) => {
        if (error === null) this.#sizeBytes = KEPT_BYTES;
        this.#shortening = undefined;
        resolve();
      });
    });
  }
}

function pagesOf(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES);
}
