import type { CommitBarrier } from "../commit-barrier.ts";
import type { Message } from "../message.ts";
import type { Store } from "../ports.ts";
import { Arena, type ArenaPool } from "./arena.ts";
import { type Chunk, STRIDE_RECORDS } from "./chunk.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import { readRecord, skipRecords } from "./record.ts";

/** What the logs of one broker share. */
export interface LogEnvironment {
  readonly store: Store;
  readonly barrier: CommitBarrier;
  readonly arenas: ArenaPool;
  readonly memory: MemoryBudget;
}

/** Moves the chunks of one queue between memory and the store, commit by commit. */
export class ChunkStorage {
  readonly queueId: number;
  readonly #environment: LogEnvironment;
  /** Complete chunks to hand to the store with the next commit. */
  #toWrite: Chunk[] = [];
  /** Chunks handed to the store whose commit has not succeeded yet. */
  #appending: Chunk[] = [];
  /** Written chunks with settled messages the store does not know of. */
  #settledDirty: Chunk[] = [];
  readonly #onThinned: (chunk: Chunk) => void;
  /** True once the store may hold anything of this queue. */
  #used = false;

  /** @param onThinned told, once, of each stored chunk of which most messages are settled */
  constructor(queueId: number, environment: LogEnvironment, onThinned: (chunk: Chunk) => void = () => {}) {
    this.queueId = queueId;
    this.#environment = environment;
    this.#onThinned = onThinned;
  }

  get memoryExceeded(): boolean {
    return this.#environment.memory.exceeded;
  }

  /** The store holds, or is about to hold, something of this queue. */
  noteUsed(): void {
    this.#used = true;
  }

  /** `chunk` is complete: it is written with the next commit. */
  write(chunk: Chunk): void {
    chunk.state = "sealed";
    chunk.lifetime = chunk.durable ? "durable" : "transient";
    this.#toWrite.push(chunk);
    this.#environment.barrier.pendingBytes += chunk.recordBytes;
  }

  /** Messages of `chunk` have been settled since the store last heard of it. */
  noteSettled(chunk: Chunk): void {
    if (chunk.settledDirty || chunk.state === "open") return;
    chunk.settledDirty = true;
    this.#settledDirty.push(chunk);
  }

  /** Whether any of the complete chunks still has to be handed to the store. */
  get hasUnsettled(): boolean {
    return this.#toWrite.some((chunk) => !isNeedless(chunk));
  }

  /** Reads the records of `chunk` into memory. */
  load(chunk: Chunk): void {
    const { store, arenas, memory } = this.#environment;
    chunk.arena = new Arena(store.read(this.queueId, chunk.lifetime, chunk), arenas);
    chunk.arena.hold();
    chunk.start = 0;
    memory.usedBytes += chunk.recordBytes;
  }

  /**
   * Points `message` at record `index` of a stored chunk, of which only some neighbours are read with it; false when it
   * is not known where that is.
   */
  readRecord(chunk: Chunk, index: number, message: Message): boolean {
    const [start, end] = [chunk.strideStart(index), chunk.strideEnd(index)];
    if (start < 0 || end < 0) return false;
    const stride = this.#environment.store.read(this.queueId, chunk.lifetime, chunk, start, end);
    readRecord(stride, skipRecords(stride, 0, index % STRIDE_RECORDS), message);
    return true;
  }

  /** Lets go of the records of `chunk` in memory, unless the store is still writing them. */
  evict(chunk: Chunk): void {
    if (chunk.arena === undefined || chunk.state === "appending") return;
    this.#environment.memory.usedBytes -= chunk.recordBytes;
    chunk.evict();
  }

  /** Buffers what has changed in the store. */
  prepare(store: Store): void {
    for (const chunk of this.#toWrite) {
      if (isNeedless(chunk)) {
        this.#environment.barrier.pendingBytes -= chunk.recordBytes;
        this.#keepInMemory(chunk);
        continue;
      }
      const { buffer } = chunk.arena as Arena;
      store.append(this.queueId, chunk.lifetime, chunk, buffer, chunk.start, chunk.start + chunk.recordBytes);
      chunk.state = "appending";
      chunk.written = true;
      this.#used = true;
      this.#appending.push(chunk);
      if (chunk.settledPersistentCount > 0) this.noteSettled(chunk);
    }
    this.#toWrite = [];
    for (const chunk of this.#settledDirty) this.#writeSettled(store, chunk);
    this.#settledDirty = [];
  }

  /** The chunks whose writing has succeeded. */
  committed(): readonly Chunk[] {
    const stored = this.#appending;
    this.#appending = [];
    for (const chunk of stored) {
      chunk.state = "stored";
      this.#environment.barrier.pendingBytes -= chunk.recordBytes;
      chunk.reportStored();
      if (chunk.allSettled) this.evict(chunk);
    }
    return stored;
  }

  failed(): void {
    for (const chunk of this.#appending) chunk.reportRefused();
  }

  /** Forgets all there is of this queue. */
  drop(): void {
    const { barrier, store } = this.#environment;
    for (const chunk of this.#toWrite) barrier.pendingBytes -= chunk.recordBytes;
    this.#toWrite = [];
    this.#settledDirty = [];
    if (this.#used) store.dropQueue(this.queueId);
  }

  /** A chunk that need not outlive a restart after all: its persistent messages were settled before it was written. */
  #keepInMemory(chunk: Chunk): void {
    chunk.settledDirty = false;
    if (chunk.allSettled) this.evict(chunk);
  }

  #writeSettled(store: Store, chunk: Chunk): void {
    chunk.settledDirty = false;
    if (!chunk.written) return;
    if (isNeedless(chunk) && chunk.allSettled) {
      store.remove(this.queueId, chunk.lifetime, chunk);
      chunk.written = false;
    } else if (chunk.lifetime === "durable") {
      store.settle(this.queueId, chunk, chunk.settlement());
      if (chunk.thinned || !chunk.isThin) return;
      chunk.thinned = true;
      this.#onThinned(chunk);
    }
  }
}

/** Whether what the store has, or is to get, of a chunk will not be read again. */
function isNeedless(chunk: Chunk): boolean {
  return chunk.lifetime === "durable" ? !chunk.durable : chunk.allSettled;
}
