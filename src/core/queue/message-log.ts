// Hot file: append, peek, take and settle run for every message that is queued.

import { assert } from "../../lib/assert.ts";
import type { CommitNeed, CommitParticipant } from "../commit-barrier.ts";
import type { Message } from "../message.ts";
import type { ChunkDescriptor, ChunkSettlement, Store } from "../ports.ts";
import type { Receipt } from "../receipt.ts";
import type { Arena } from "./arena.ts";
import { Chunk } from "./chunk.ts";
import { ChunkList } from "./chunk-list.ts";
import { ChunkMerger, mergeChunks } from "./chunk-merger.ts";
import { ChunkStorage, type LogEnvironment } from "./chunk-storage.ts";
import { type KeptInMemory, LANE_SEQUENCES, type MessageLogOptions, SMALL_RECORD_BYTES } from "./lanes.ts";
import { type CursorHost, LogCursor } from "./log-cursor.ts";
import { LogTail } from "./log-tail.ts";
import { deliveredMark, deliveredMarkKey } from "./notes.ts";
import type { QueueLog } from "./queue-log.ts";
import { readRecord } from "./record.ts";
import { Returned } from "./returned.ts";

/**
 * The messages of one queue in order, each known by its sequence number. A message is ready until it is taken,
 * then unsettled until it is settled or requeued; a requeued message is ready again at its old place.
 * Ready messages cost nothing on the heap: they are octets in a chunk, in memory or in the store.
 */
export class MessageLog implements QueueLog, CommitParticipant, CursorHost {
  readonly heads: readonly MessageLog[] = [this];
  readonly #lane: number;
  readonly #keepsInMemory: KeptInMemory;
  readonly #durable: boolean;
  readonly #environment: LogEnvironment;
  readonly #storage: ChunkStorage;
  readonly #merger = new ChunkMerger();
  readonly #chunks = new ChunkList();
  readonly #requeued: Returned;
  readonly #tail: LogTail;
  /** What is delivered next, unless a requeued message comes first. */
  readonly #cursor: LogCursor;
  #enlisted = false;
  #dropped = false;
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
    this.#keepsInMemory = options.keepsInMemory ?? "ready";
    const first = options.firstSequence ?? this.#lane * LANE_SEQUENCES;
    this.#tail = new LogTail(first, this.#chunks, environment, (chunk) => this.#sealed(chunk));
    this.#cursor = new LogCursor(first, this.#chunks, this.#tail, this);
    this.#redeliveredBelow = first;
    this.#deliveredBelow = options.marksDeliveries === false ? Number.POSITIVE_INFINITY : first;
    this.#deliveredBelowStored = this.#deliveredBelow;
  }

  recoverChunk(descriptor: ChunkDescriptor, settlement: ChunkSettlement | undefined): void {
    const chunk = Chunk.stored(descriptor, settlement);
    this.#storage.noteUsed();
    this.#tail.skipTo(chunk.end);
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
    this.#tail.skipTo(sequence);
  }

  append(message: Message, receipt: Receipt | undefined, publishSequence: number): number {
    const persistent = this.#durable && message.persistent;
    const chunk = this.#tail.add(message, persistent);
    const index = chunk.count - 1;
    this.readyCount++;
    this.readyBytes += message.bodyBytes;
    if (persistent) {
      chunk.persistentCount++;
      chunk.persistentBodyBytes += message.bodyBytes;
      this.#environment.barrier.hasten();
      if (!this.#enlisted) this.#enlist();
      if (receipt !== undefined) chunk.expect(index, receipt, publishSequence);
    } else if (receipt !== undefined) {
      receipt.stored(publishSequence);
    }
    return chunk.first + index;
  }

  /** The same for a message that counts as taken; nothing may be ready. */
  appendTaken(message: Message, receipt: Receipt | undefined, publishSequence: number): number {
    const sequence = this.append(message, receipt, publishSequence);
    this.#cursor.stand(sequence + 1);
    this.readyCount--;
    this.readyBytes -= message.bodyBytes;
    this.unsettledCount++;
    return sequence;
  }

  peek(message: Message): boolean {
    if (this.#requeued.size > 0) return this.#peekRequeued(message);
    const sequence = this.#cursor.find(message);
    if (sequence < 0) return false;
    this.#peekedSequence = sequence;
    this.#peekedRequeued = false;
    return true;
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
    this.#cursor.pass(message);
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
    const { chunk } = this.#cursor;
    if (chunk?.state === "stored") this.#cursor.leave(chunk);
  }

  purge(message: Message): number {
    const purged = this.readyCount;
    while (this.#requeued.size > 0 && this.peek(message)) {
      this.settle(this.take(message), message.persistent, message.bodyBytes);
    }
    // What was taken and is not settled is before the cursor; chunks that begin at or behind it go whole, unread.
    const entered = this.#cursor.chunk ?? this.#cursor.enter();
    if (entered !== undefined && entered.first < this.#cursor.point) {
      while (this.peek(message) && this.#cursor.chunk === entered) {
        this.settle(this.take(message), message.persistent, message.bodyBytes);
      }
    }
    for (const chunk of [...this.#chunks.from(this.#cursor.point)]) {
      chunk.settleAll();
      this.#afterSettle(chunk);
    }
    this.readyCount = 0;
    this.readyBytes = 0;
    return purged;
  }

  /**
   * Reads the oldest chunks into memory that hold nothing from `end` on, until they have so many messages or octets; they
   * stay there until they are settled. Returns the sequence number behind the last.
   */
  loadUntil(end: number, messagesMax: number, bytesMax: number): number {
    let [until, messages, bytes] = [0, 0, 0];
    for (const chunk of [...this.#chunks.from(0)]) {
      if (chunk.end > end || messages >= messagesMax || bytes >= bytesMax) break;
      if (chunk.arena === undefined) this.load(chunk);
      until = chunk.end;
      messages += chunk.count - chunk.settledCount;
      bytes += chunk.recordBytes;
    }
    return until;
  }

  /** Settles all messages of chunks that hold nothing from `end` on; every one of them has been taken. */
  settleUntil(end: number): void {
    for (const chunk of [...this.#chunks.from(0)]) {
      if (chunk.end > end) return;
      this.unsettledCount -= chunk.count - chunk.settledCount;
      chunk.settleAll();
      this.#afterSettle(chunk);
    }
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
    this.#tail.chunk = undefined;
    this.#cursor.stand(this.#tail.nextSequence);
    this.#revived = undefined;
    this.#tail.releaseArena();
    this.readyCount = 0;
    this.readyBytes = 0;
    this.unsettledCount = 0;
  }

  need(): CommitNeed {
    if (this.#tail.chunk?.durable !== true && !this.#storage.hasUnsettled) return "none";
    return this.readyCount > 0 ? "certain" : "perhaps";
  }

  prepare(store: Store): void {
    if (!this.#dropped) this.#prepareChanges(store);
    // Only now: what preparing itself changes belongs to this commit and must not ask for another.
    this.#enlisted = false;
  }

  #prepareChanges(store: Store): void {
    if (this.#tail.chunk?.durable === true) this.#tail.seal();
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
      if (chunk === this.#cursor.chunk) continue;
      if (!this.#isKept(chunk)) this.#storage.evict(chunk);
    }
    if (this.#keepsInMemory === "nothing" && this.#tail.chunk === undefined) this.#tail.releaseArena();
  }

  failed(): void {
    this.#storage.failed();
  }

  #enlist(): void {
    if (this.#enlisted) return;
    this.#enlisted = true;
    this.#environment.barrier.enlistPatiently(this);
  }

  /** A sealed chunk is written if a restart must find it, or if there is too much in memory. */
  #sealed(chunk: Chunk): void {
    if (!chunk.durable && !this.#storage.memoryExceeded) return;
    this.#storage.write(chunk);
    this.#environment.barrier.hasten();
    this.#enlist();
  }

  left(chunk: Chunk): void {
    if (chunk.state !== "stored" || chunk === this.#revived) return;
    if (this.#keepsInMemory !== "small" || !this.#isKept(chunk)) this.#storage.evict(chunk);
  }

  /** Whether a stored chunk stays in memory. */
  #isKept(chunk: Chunk): boolean {
    if (this.#keepsInMemory === "nothing" || this.#storage.memoryExceeded) return false;
    if (this.#keepsInMemory === "small") return chunk.recordBytes <= chunk.count * SMALL_RECORD_BYTES;
    return chunk.first >= this.#cursor.point;
  }

  /** Reads a chunk back. False when a restart has left nothing in it to deliver, and it is gone. */
  load(chunk: Chunk): boolean {
    this.#storage.load(chunk);
    if (chunk === this.#cursor.chunk) this.#cursor.moved();
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
      if (this.#revived !== undefined && this.#revived !== this.#cursor.chunk && this.#revived.state === "stored") {
        this.#storage.evict(this.#revived);
      }
      this.load(chunk);
      this.#revived = chunk;
      // Finds, and keeps, where the records are.
      chunk.offsetOf(chunk.count - 1);
    }
    readRecord((chunk.arena as unknown as Arena).buffer, chunk.offsetOf(index), message);
  }

  holds(sequence: number): boolean {
    const chunk = this.#chunks.find(sequence);
    return chunk !== undefined && !chunk.isSettled(sequence - chunk.first);
  }

  takeReceipt(sequence: number): (() => void) | undefined {
    const chunk = this.#chunks.find(sequence);
    return chunk?.takeReceipt(sequence - chunk.first);
  }

  #afterSettle(chunk: Chunk): void {
    this.#storage.noteSettled(chunk);
    if (chunk.written && !this.#enlisted) this.#enlist();
    if (!chunk.allSettled) return;
    if (chunk === this.#tail.chunk) this.#tail.chunk = undefined;
    if (chunk === this.#cursor.chunk) this.#cursor.stand(chunk.end);
    if (chunk === this.#revived) this.#revived = undefined;
    this.#chunks.remove(chunk);
    this.#storage.evict(chunk);
    if (this.#chunks.size === 0) this.#tail.releaseArena();
  }

  #merge(store: Store, run: Chunk[]): void {
    for (const chunk of run) if (chunk.arena === undefined && !this.load(chunk)) return;
    const merged = mergeChunks(run, this.#environment.arenas);
    this.#environment.memory.usedBytes += merged.recordBytes;
    if (this.#cursor.chunk !== undefined && run.includes(this.#cursor.chunk)) this.#cursor.stand(this.#cursor.point);
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
