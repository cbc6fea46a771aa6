// Hot file: append, peek, take and settle run for every message that is queued.

import { assert } from "../../lib/assert.ts";
import type { CommitParticipant } from "../commit-barrier.ts";
import type { Message } from "../message.ts";
import type { ChunkDescriptor, ChunkSettlement, Store } from "../ports.ts";
import type { Receipt } from "../receipt.ts";
import type { Arena } from "./arena.ts";
import { Chunk } from "./chunk.ts";
import { ChunkList } from "./chunk-list.ts";
import { ChunkMerger, mergeChunks } from "./chunk-merger.ts";
import { ChunkStorage, type LogEnvironment } from "./chunk-storage.ts";
import { LANE_SEQUENCES, type MessageLogOptions } from "./lanes.ts";
import { deliveredMark, deliveredMarkKey } from "./notes.ts";
import type { QueueLog } from "./queue-log.ts";
import { readRecord, recordBytesAt, recordBytesOf, writeRecord } from "./record.ts";
import { Returned } from "./returned.ts";

/** A chunk takes no more messages than this, so that the record of what is settled stays small. */
const CHUNK_MESSAGES_MAX = 4096;

/**
 * The messages of one queue in order, each known by its sequence number. A message is ready until it is taken,
 * then unsettled until it is settled or requeued; a requeued message is ready again at its old place.
 * Ready messages cost nothing on the heap: they are octets in a chunk, in memory or in the store.
 */
export class MessageLog implements QueueLog, CommitParticipant {
  readonly heads: readonly MessageLog[] = [this];
  readonly #lane: number;
  readonly #durable: boolean;
  readonly #environment: LogEnvironment;
  readonly #storage: ChunkStorage;
  readonly #merger = new ChunkMerger();
  readonly #chunks = new ChunkList();
  readonly #requeued: Returned;
  #nextSequence: number;
  #enlisted = false;
  #dropped = false;
  /** The arena that new messages go into, and the chunk that takes them. */
  #arena: Arena | undefined;
  #tail: Chunk | undefined;
  /** The cursor: the record that is delivered next, unless a requeued message comes first. */
  #cursorChunk: Chunk | undefined;
  #cursorIndex = 0;
  #cursorOffset = 0;
  /** Where the cursor stands when it is in no chunk. */
  #cursorSequence: number;
  /** The message that the last successful peek found. */
  #peekedSequence = -1;
  #peekedRequeued = false;
  /** A chunk behind the cursor that was read again for a requeued message. */
  #revived: Chunk | undefined;
  /** The chunk of the record that was last read from the store out of turn. */
  #readLast: Chunk | undefined;
  /** Every message below was delivered before the restart. */
  #redeliveredBelow: number;
  #deliveredBelow: number;
  #deliveredBelowStored: number;
  /** Messages that can be taken. */
  readyCount = 0;
  /** Octets of their bodies. */
  readyBytes = 0;
  /** Messages taken and not settled. */
  unsettledCount = 0;

  constructor(queueId: number, durable: boolean, environment: LogEnvironment, options: MessageLogOptions = {}) {
    this.#durable = durable;
    this.#environment = environment;
    this.#storage = new ChunkStorage(queueId, environment, (chunk) => this.#merger.chunkThinned(chunk));
    this.#requeued = new Returned(options.returnTurns);
    this.#lane = options.lane ?? 0;
    const first = this.#lane * LANE_SEQUENCES;
    this.#nextSequence = first;
    this.#cursorSequence = first;
    this.#redeliveredBelow = first;
    this.#deliveredBelow = options.marksDeliveries === false ? Number.POSITIVE_INFINITY : first;
    this.#deliveredBelowStored = this.#deliveredBelow;
  }

  recoverChunk(descriptor: ChunkDescriptor, settlement: ChunkSettlement | undefined): void {
    const chunk = Chunk.stored(descriptor, settlement);
    this.#storage.noteUsed();
    this.#nextSequence = Math.max(this.#nextSequence, chunk.end);
    if (!chunk.durable) {
      chunk.settleAll();
      this.#storage.noteSettled(chunk);
      this.#enlist();
      return;
    }
    this.#chunks.push(chunk);
    this.readyCount += chunk.persistentCount - chunk.settledPersistentCount;
    this.readyBytes += chunk.persistentBodyBytes - chunk.settledPersistentBodyBytes;
    this.#merger.chunkStored(chunk);
  }

  recoverDelivered(_lane: number, sequence: number): void {
    this.#storage.noteUsed();
    this.#redeliveredBelow = sequence;
    this.#deliveredBelow = sequence;
    this.#deliveredBelowStored = sequence;
    this.#nextSequence = Math.max(this.#nextSequence, sequence);
  }

  append(message: Message, receipt: Receipt | undefined, publishSequence: number): number {
    const persistent = this.#durable && message.persistent;
    const recordBytes = recordBytesOf(message);
    const chunk = this.#openChunk(recordBytes);
    const arena = this.#arena as Arena;
    writeRecord(message, persistent, recordBytes, arena.buffer, arena.used);
    arena.used += recordBytes;
    const index = chunk.count++;
    chunk.recordBytes += recordBytes;
    this.#environment.memory.usedBytes += recordBytes;
    this.#nextSequence++;
    this.readyCount++;
    this.readyBytes += message.bodyBytes;
    if (persistent) {
      chunk.persistentCount++;
      chunk.persistentBodyBytes += message.bodyBytes;
      if (!this.#enlisted) this.#enlist();
      if (receipt !== undefined) chunk.expect(index, receipt, publishSequence);
    } else if (receipt !== undefined) {
      receipt.stored(publishSequence);
    }
    return chunk.first + index;
  }

  peek(message: Message): boolean {
    if (this.#requeued.size > 0) return this.#peekRequeued(message);
    while (true) {
      const chunk = this.#cursorChunk ?? this.#enterChunk();
      if (chunk === undefined) return false;
      if (this.#cursorIndex >= chunk.count) {
        if (chunk === this.#tail) return false;
        this.#leaveChunk(chunk);
        continue;
      }
      if (chunk.arena === undefined && !this.#load(chunk)) continue;
      if (this.#cursorOffset < 0) this.#cursorOffset = chunk.offsetOf(this.#cursorIndex);
      const { buffer } = chunk.arena as Arena;
      if (chunk.isSettled(this.#cursorIndex)) {
        this.#cursorOffset += recordBytesAt(buffer, this.#cursorOffset);
        this.#cursorIndex++;
        continue;
      }
      readRecord(buffer, this.#cursorOffset, message);
      this.#peekedSequence = chunk.first + this.#cursorIndex;
      this.#peekedRequeued = false;
      return true;
    }
  }

  /** When the first returned message came back, if that is what orders them; Infinity when there is none. */
  get firstReturnTurn(): number {
    return this.#requeued.firstTurn;
  }

  get peekedSequence(): number {
    return this.#peekedSequence;
  }

  get peekedRedelivered(): boolean {
    return this.#peekedRequeued || this.#peekedSequence < this.#redeliveredBelow;
  }

  take(message: Message): number {
    const sequence = this.#peekedSequence;
    assert(sequence >= 0, "a message is taken after a successful peek");
    this.#peekedSequence = -1;
    this.readyCount--;
    this.readyBytes -= message.bodyBytes;
    this.unsettledCount++;
    if (this.#peekedRequeued) {
      this.#requeued.pop();
      return sequence;
    }
    this.#cursorOffset += recordBytesAt(message.buffer, this.#cursorOffset);
    this.#cursorIndex++;
    if (sequence >= this.#deliveredBelow) {
      this.#deliveredBelow = sequence + 1;
      if (message.persistent && this.#durable && !this.#enlisted) this.#enlist();
    }
    return sequence;
  }

  settle(sequence: number, persistent: boolean, bodyBytes: number): void {
    this.unsettledCount--;
    const chunk = this.#chunks.find(sequence);
    assert(chunk !== undefined, "a settled message is in the log");
    chunk.settle(sequence - chunk.first, persistent && this.#durable, bodyBytes);
    this.#afterSettle(chunk);
  }

  requeue(sequence: number, bodyBytes: number): void {
    this.unsettledCount--;
    this.#requeued.push(sequence);
    this.#peekedSequence = -1;
    this.readyCount++;
    this.readyBytes += bodyBytes;
  }

  rest(): void {
    if (this.#cursorChunk?.state === "stored") this.#leaveChunk(this.#cursorChunk);
  }

  purge(message: Message): number {
    const purged = this.readyCount;
    while (this.#requeued.size > 0 && this.peek(message)) {
      this.settle(this.take(message), message.persistent, message.bodyBytes);
    }
    // What was taken and is not settled is before the cursor; chunks that begin at or behind it go whole, unread.
    const entered = this.#cursorChunk ?? this.#enterChunk();
    if (entered !== undefined && entered.first < this.#cursorPoint()) {
      while (this.peek(message) && this.#cursorChunk === entered) {
        this.settle(this.take(message), message.persistent, message.bodyBytes);
      }
    }
    for (const chunk of [...this.#chunks.from(this.#cursorPoint())]) {
      chunk.settleAll();
      this.#afterSettle(chunk);
    }
    this.readyCount = 0;
    this.readyBytes = 0;
    return purged;
  }

  drop(): void {
    this.#dropped = true;
    this.#storage.drop();
    for (const chunk of this.#chunks.from(0)) {
      chunk.settleAll();
      this.#storage.evict(chunk);
    }
    this.#chunks.clear();
    this.#requeued.clear();
    this.#tail = undefined;
    this.#cursorChunk = undefined;
    this.#revived = undefined;
    this.#releaseArena();
    this.readyCount = 0;
    this.readyBytes = 0;
    this.unsettledCount = 0;
  }

  prepare(store: Store): void {
    if (!this.#dropped) this.#prepareChanges(store);
    // Only now: what preparing itself changes belongs to this commit and must not ask for another.
    this.#enlisted = false;
  }

  #prepareChanges(store: Store): void {
    if (this.#tail?.durable === true) this.#seal();
    const run = this.#merger.pick(this.#chunks);
    if (run !== undefined) this.#merge(store, run);
    this.#storage.prepare(store);
    if (
      this.#deliveredBelow > this.#deliveredBelowStored &&
      this.#durable &&
      this.unsettledCount + this.#requeued.size > 0
    ) {
      this.#storage.noteUsed();
      store.putNote(this.#storage.queueId, deliveredMarkKey(this.#lane), deliveredMark(this.#deliveredBelow));
      this.#deliveredBelowStored = this.#deliveredBelow;
    }
  }

  committed(): void {
    for (const chunk of this.#storage.committed()) {
      this.#merger.chunkStored(chunk);
      if (chunk === this.#cursorChunk) continue;
      if (chunk.first < this.#cursorPoint() || this.#storage.memoryExceeded) this.#storage.evict(chunk);
    }
  }

  failed(): void {
    this.#storage.failed();
  }

  #enlist(): void {
    if (this.#enlisted) return;
    this.#enlisted = true;
    this.#environment.barrier.enlist(this);
  }

  /** Sequence number of the record the cursor stands at. */
  #cursorPoint(): number {
    return this.#cursorChunk === undefined ? this.#cursorSequence : this.#cursorChunk.first + this.#cursorIndex;
  }

  /** The chunk that takes a record of `recordBytes`. */
  #openChunk(recordBytes: number): Chunk {
    let arena = this.#arena;
    if (arena === undefined || arena.used + recordBytes > arena.buffer.length) {
      if (this.#tail !== undefined) this.#seal();
      this.#releaseArena();
      arena = this.#environment.arenas.take(recordBytes);
      arena.hold();
      this.#arena = arena;
    }
    const tail = this.#tail;
    if (tail !== undefined && tail.count < CHUNK_MESSAGES_MAX) return tail;
    if (tail !== undefined) this.#seal();
    const chunk = new Chunk(this.#nextSequence);
    arena.hold();
    chunk.arena = arena;
    chunk.start = arena.used;
    this.#tail = chunk;
    this.#chunks.push(chunk);
    return chunk;
  }

  /** Ends the tail. It is written if a restart must find it, or if there is too much in memory. */
  #seal(): void {
    const chunk = this.#tail as Chunk;
    this.#tail = undefined;
    chunk.state = "sealed";
    if (!chunk.durable && !this.#storage.memoryExceeded) return;
    this.#storage.write(chunk);
    this.#enlist();
  }

  #releaseArena(): void {
    this.#arena?.release();
    this.#arena = undefined;
  }

  #enterChunk(): Chunk | undefined {
    const chunk = this.#chunks.firstFrom(this.#cursorSequence);
    if (chunk === undefined) return undefined;
    this.#cursorChunk = chunk;
    this.#cursorIndex = Math.max(0, this.#cursorSequence - chunk.first);
    this.#cursorOffset = -1;
    return chunk;
  }

  #leaveChunk(chunk: Chunk): void {
    this.#cursorSequence = chunk.first + this.#cursorIndex;
    this.#cursorChunk = undefined;
    if (chunk.state === "stored" && chunk !== this.#revived) this.#storage.evict(chunk);
  }

  /** Reads a chunk back. False when a restart has left nothing in it to deliver, and it is gone. */
  #load(chunk: Chunk): boolean {
    this.#storage.load(chunk);
    if (chunk === this.#cursorChunk) this.#cursorOffset = -1;
    if (!chunk.recovered || chunk.settleForgotten() === 0) return true;
    this.#afterSettle(chunk);
    return !chunk.allSettled;
  }

  #peekRequeued(message: Message): boolean {
    const sequence = this.#requeued.peek() as number;
    this.read(sequence, message);
    this.#peekedSequence = sequence;
    this.#peekedRequeued = true;
    return true;
  }

  read(sequence: number, message: Message): void {
    const chunk = this.#chunks.find(sequence);
    assert(chunk !== undefined, "a message that is read is in the log");
    const index = sequence - chunk.first;
    if (chunk.arena === undefined) {
      // Whoever reads here and there gets single records; who reads one chunk twice running gets it whole.
      const isElsewhere = chunk !== this.#readLast;
      this.#readLast = chunk;
      if (isElsewhere && this.#storage.readRecord(chunk, index, message)) return;
      if (this.#revived !== undefined && this.#revived !== this.#cursorChunk && this.#revived.state === "stored") {
        this.#storage.evict(this.#revived);
      }
      this.#load(chunk);
      this.#revived = chunk;
      // Finds, and keeps, where the records are.
      chunk.offsetOf(chunk.count - 1);
    }
    readRecord((chunk.arena as unknown as Arena).buffer, chunk.offsetOf(index), message);
  }

  takeReceipt(sequence: number): (() => void) | undefined {
    const chunk = this.#chunks.find(sequence);
    return chunk?.takeReceipt(sequence - chunk.first);
  }

  #afterSettle(chunk: Chunk): void {
    this.#storage.noteSettled(chunk);
    if (chunk.written && !this.#enlisted) this.#enlist();
    if (!chunk.allSettled) return;
    if (chunk === this.#tail) this.#tail = undefined;
    if (chunk === this.#cursorChunk) {
      this.#cursorSequence = chunk.end;
      this.#cursorChunk = undefined;
    }
    if (chunk === this.#revived) this.#revived = undefined;
    this.#chunks.remove(chunk);
    this.#storage.evict(chunk);
    if (this.#chunks.size === 0) this.#releaseArena();
  }

  #merge(store: Store, run: Chunk[]): void {
    for (const chunk of run) if (chunk.arena === undefined && !this.#load(chunk)) return;
    const merged = mergeChunks(run, this.#environment.arenas);
    this.#environment.memory.usedBytes += merged.recordBytes;
    const cursorPoint = this.#cursorPoint();
    if (this.#cursorChunk !== undefined && run.includes(this.#cursorChunk)) {
      this.#cursorSequence = cursorPoint;
      this.#cursorChunk = undefined;
    }
    if (this.#revived !== undefined && run.includes(this.#revived)) this.#revived = undefined;
    this.#peekedSequence = -1;
    this.#chunks.replace(run, merged);
    for (const chunk of run) {
      store.remove(this.#storage.queueId, chunk.lifetime, chunk);
      chunk.written = false;
      this.#storage.evict(chunk);
    }
    this.#storage.write(merged);
  }
}
