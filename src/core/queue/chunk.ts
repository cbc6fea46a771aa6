// Hot file: settle runs for every message that is consumed from a queue.

import { assert } from "../../lib/assert.ts";
import type { ChunkDescriptor, ChunkLifetime, ChunkSettlement } from "../ports.ts";
import type { Receipt } from "../receipt.ts";
import type { Arena } from "./arena.ts";
import { isPersistentRecord, isTombstone, recordBodyBytes, recordBytesAt, skipRecords } from "./record.ts";

/** How many records may have to be walked over to get to one that is wanted out of turn. */
const STRIDE_SHIFT = 2;
export const STRIDE_RECORDS = 1 << STRIDE_SHIFT;

/** Where the records of a chunk are. "open": more are still being added. "sealed": complete, in memory only. */
export type ChunkState = "open" | "sealed" | "appending" | "stored";

/**
 * A run of consecutive messages of one queue: the unit in which a queue is written, read back and deleted.
 * It knows which of its messages are settled, not what they hold.
 */
export class Chunk implements ChunkDescriptor {
  readonly first: number;
  count = 0;
  persistentCount = 0;
  persistentBodyBytes = 0;
  recordBytes = 0;
  state: ChunkState = "open";
  /** Set while the records are in memory. */
  arena: Arena | undefined;
  /** Offset of the first record in the arena. */
  start = 0;
  settledCount = 0;
  settledPersistentCount = 0;
  settledPersistentBodyBytes = 0;
  /** True while the store does not yet know of the latest settled messages. */
  settledDirty = false;
  /** True while it may hold records that the restart it was recovered by has made void; see {@link settleForgotten}. */
  recovered = false;
  /** How many of its messages were settled before it was made of others, and are there to keep their places. */
  tombstoneCount = 0;
  /** True once most of its messages are settled; see {@link isThin}. */
  thinned = false;
  /** True when the store holds the chunk, or has been handed it. */
  written = false;
  lifetime: ChunkLifetime = "transient";
  /** Receipts of messages not yet durable, by index; undefined once the chunk is durable. */
  receipts: (Receipt | undefined)[] | undefined;
  publishSequences: number[] | undefined;
  /** Every message below this index is settled. */
  #settledPrefix = 0;
  #settledBitmap: Uint8Array | undefined;
  /**
   * Offsets from `start` of every {@link STRIDE_RECORDS}th record, as far as records have been wanted out of turn. They
   * outlast the records in memory.
   */
  #landmarks: number[] | undefined;

  constructor(first: number) {
    this.first = first;
  }

  /** A chunk as recovery or a merge finds it: stored, its records not in memory. */
  static stored(descriptor: ChunkDescriptor, settlement: ChunkSettlement | undefined): Chunk {
    const chunk = new Chunk(descriptor.first);
    chunk.count = descriptor.count;
    chunk.persistentCount = descriptor.persistentCount;
    chunk.persistentBodyBytes = descriptor.persistentBodyBytes;
    chunk.recordBytes = descriptor.recordBytes;
    chunk.state = "stored";
    chunk.written = true;
    chunk.lifetime = "durable";
    chunk.recovered = chunk.persistentCount < chunk.count;
    if (settlement !== undefined) {
      chunk.#settledBitmap = settlement.bitmap.slice();
      for (let index = 0; index < chunk.count; index++) if (chunk.isSettled(index)) chunk.settledCount++;
      chunk.settledPersistentCount = settlement.persistentCount;
      chunk.settledPersistentBodyBytes = settlement.persistentBodyBytes;
    }
    return chunk;
  }

  /** One past the sequence number of the last message. */
  get end(): number {
    return this.first + this.count;
  }

  get allSettled(): boolean {
    return this.settledCount === this.count;
  }

  /** True when a restart must find something of this chunk. */
  get durable(): boolean {
    return this.persistentCount > this.settledPersistentCount;
  }

  /** True when hardly anything of what it holds is wanted any more: it costs much more than it is worth. */
  get isThin(): boolean {
    return (this.settledCount - this.tombstoneCount) * 4 >= (this.count - this.tombstoneCount) * 3;
  }

  isSettled(index: number): boolean {
    if (index < this.#settledPrefix) return true;
    const bitmap = this.#settledBitmap;
    return bitmap !== undefined && ((bitmap[index >>> 3] as number) & (1 << (index & 7))) !== 0;
  }

  /** `receipt` is to learn when message `index`, which must be durable, is safe. */
  expect(index: number, receipt: Receipt, publishSequence: number): void {
    if (this.receipts === undefined) {
      this.receipts = [];
      this.publishSequences = [];
    }
    // Filled up, never sparse: an array with holes is a slow one.
    while (this.receipts.length < index) {
      this.receipts.push(undefined);
      (this.publishSequences as number[]).push(0);
    }
    this.receipts.push(receipt);
    (this.publishSequences as number[]).push(publishSequence);
  }

  /** Marks message `index` settled; `persistent` and `bodyBytes` describe it. */
  settle(index: number, persistent: boolean, bodyBytes: number): void {
    assert(!this.isSettled(index), "a message is settled once");
    this.settledCount++;
    if (persistent) {
      this.settledPersistentCount++;
      this.settledPersistentBodyBytes += bodyBytes;
    }
    if (index === this.#settledPrefix) {
      this.#settledPrefix++;
    } else {
      this.#growBitmap(index);
      const bitmap = this.#settledBitmap as Uint8Array;
      bitmap[index >>> 3] = (bitmap[index >>> 3] as number) | (1 << (index & 7));
    }
    const receipts = this.receipts;
    if (receipts !== undefined && index < receipts.length) {
      receipts[index]?.stored((this.publishSequences as number[])[index] as number);
      receipts[index] = undefined;
    }
  }

  /** Takes the receipt of message `index` away from it and returns what reports it stored; undefined when none waits. */
  takeReceipt(index: number): (() => void) | undefined {
    const receipt = this.receipts?.[index];
    if (receipt === undefined) return undefined;
    (this.receipts as (Receipt | undefined)[])[index] = undefined;
    const publishSequence = (this.publishSequences as number[])[index] as number;
    return () => receipt.stored(publishSequence);
  }

  /** Marks every message settled. */
  settleAll(): void {
    this.settledCount = this.count;
    this.settledPersistentCount = this.persistentCount;
    this.settledPersistentBodyBytes = this.persistentBodyBytes;
    this.#settledPrefix = this.count;
    this.reportStored();
  }

  /** Tells every receipt still waiting that its message is safe. */
  reportStored(): void {
    this.#report(true);
  }

  /** Tells every receipt still waiting that its message could not be stored. */
  reportRefused(): void {
    this.#report(false);
  }

  /** What the store needs to know of the settled messages; a copy. */
  settlement(): ChunkSettlement {
    const bitmap = new Uint8Array((this.count + 7) >>> 3);
    if (this.#settledBitmap !== undefined) bitmap.set(this.#settledBitmap.subarray(0, bitmap.length));
    const whole = this.#settledPrefix >>> 3;
    bitmap.fill(0xff, 0, whole);
    if ((this.#settledPrefix & 7) !== 0) {
      bitmap[whole] = (bitmap[whole] as number) | ((1 << (this.#settledPrefix & 7)) - 1);
    }
    return {
      bitmap,
      persistentCount: this.settledPersistentCount,
      persistentBodyBytes: this.settledPersistentBodyBytes,
    };
  }

  /** Offset in the arena of record `index`; the records must be in memory. */
  offsetOf(index: number): number {
    const { buffer } = this.arena as Arena;
    this.#landmarks ??= [0];
    const landmarks = this.#landmarks;
    const stride = index >>> STRIDE_SHIFT;
    while (landmarks.length <= stride) {
      const last = this.start + (landmarks[landmarks.length - 1] as number);
      landmarks.push(skipRecords(buffer, last, STRIDE_RECORDS) - this.start);
    }
    return skipRecords(buffer, this.start + (landmarks[stride] as number), index & (STRIDE_RECORDS - 1));
  }

  /** Where the stride of records begins that holds record `index`, from the first record; -1 when that is not known. */
  strideStart(index: number): number {
    return this.#landmarks?.[index >>> STRIDE_SHIFT] ?? -1;
  }

  /** Where that ends; -1 when it is not known. */
  strideEnd(index: number): number {
    const next = ((index >>> STRIDE_SHIFT) + 1) << STRIDE_SHIFT;
    return next < this.count ? this.strideStart(next) : this.recordBytes;
  }

  /**
   * Forgets what a restart has lost: settles the transient records and the tombstones of a recovered chunk whose
   * records have just been read. Returns how many were settled.
   */
  settleForgotten(): number {
    this.recovered = false;
    const buffer = (this.arena as Arena).buffer;
    let offset = this.start;
    let settled = 0;
    for (let index = 0; index < this.count; index++) {
      const tombstone = isTombstone(buffer, offset);
      if ((tombstone || !isPersistentRecord(buffer, offset)) && !this.isSettled(index)) {
        this.settle(index, false, tombstone ? 0 : recordBodyBytes(buffer, offset));
        settled++;
      }
      offset += recordBytesAt(buffer, offset);
    }
    return settled;
  }

  /** Lets go of the records in memory. */
  evict(): void {
    this.arena?.release();
    this.arena = undefined;
  }

  #report(stored: boolean): void {
    const receipts = this.receipts;
    if (receipts === undefined) return;
    const publishSequences = this.publishSequences as number[];
    this.receipts = undefined;
    this.publishSequences = undefined;
    for (let index = 0; index < receipts.length; index++) {
      const publishSequence = publishSequences[index] as number;
      if (stored) receipts[index]?.stored(publishSequence);
      else receipts[index]?.refused(publishSequence);
    }
  }

  #growBitmap(index: number): void {
    const needed = (Math.max(this.count, index + 1) + 7) >>> 3;
    const bitmap = this.#settledBitmap;
    if (bitmap === undefined) {
      this.#settledBitmap = new Uint8Array(this.state === "open" ? Math.max(needed, 32) : needed);
    } else if (bitmap.length < needed) {
      this.#settledBitmap = new Uint8Array(Math.max(needed, bitmap.length * 2));
      this.#settledBitmap.set(bitmap);
    }
  }
}
