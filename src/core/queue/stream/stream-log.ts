// Hot file: append runs for every message that is published to a stream.

import { HeaderSplice } from "../../../wire/header-splice.ts";
import type { CommitParticipant } from "../../commit-barrier.ts";
import { Message } from "../../message.ts";
import type { ChunkDescriptor, Store } from "../../ports.ts";
import type { Receipt } from "../../receipt.ts";
import { ARENA_BYTES, type Arena } from "../arena.ts";
import { Chunk } from "../chunk.ts";
import { ChunkList } from "../chunk-list.ts";
import { ChunkMerger, mergeChunks } from "../chunk-merger.ts";
import { ChunkStorage, type LogEnvironment } from "../chunk-storage.ts";
import { readRecord, recordBytesOf, skipRecords, writeRecord } from "../record.ts";
import { LoadedChunks } from "./loaded-chunks.ts";

/** A chunk takes no more messages than this, as in any other queue. */
const CHUNK_MESSAGES_MAX = 4096;

const NO_OCTETS = Buffer.alloc(0);

/** Who is told of a stream's progress. */
export interface StreamLogListener {
  /** Further messages are durable. */
  stored(): void;
  /** The lowest offset that a reader stands at; infinite when there is none. */
  lowestOffset(): number;
}

/**
 * The messages of a stream: an append-only log in chunks, which is cut off in front by whole chunks only. A message's
 * sequence number is its offset, and is written into its headers as x-stream-offset when it is appended, so that
 * handing it to any number of readers costs nothing more.
 *
 * Only durable messages are read: what a crash can take back must not have been given an offset in anybody's sight.
 */
export class StreamLog implements CommitParticipant {
  /** Octets of records after which a chunk is complete; smaller ones are cut off more finely. */
  chunkBytesMax = ARENA_BYTES;
  /** Changes whenever chunks go or are merged: a position within a chunk is good while it stays the same. */
  generation = 0;
  /** The offset of the oldest message. */
  firstOffset = 0;
  /** The offset that the next message gets. */
  nextOffset = 0;
  /** Messages below this offset are durable. */
  durableEnd = 0;
  /** Octets of all records. */
  recordBytes = 0;
  /** Octets of the bodies. */
  bodyBytes = 0;
  readonly loaded: LoadedChunks;
  readonly #environment: LogEnvironment;
  readonly #listener: StreamLogListener;
  readonly #storage: ChunkStorage;
  readonly #merger = new ChunkMerger();
  readonly #chunks = new ChunkList();
  readonly #splice = new HeaderSplice("x-stream-offset");
  /** A message as its record begins: without content. */
  readonly #head = new Message();
  /** The arena that new messages go into, and the chunk that takes them. */
  #arena: Arena | undefined;
  #tail: Chunk | undefined;
  /** When the newest message was stored; negative: that is to be read from what recovery found. */
  #lastAppendedAt = 0;
  #enlisted = false;
  #dropped = false;

  constructor(queueId: number, environment: LogEnvironment, listener: StreamLogListener) {
    this.#environment = environment;
    this.#listener = listener;
    this.#storage = new ChunkStorage(queueId, environment);
    this.loaded = new LoadedChunks(this.#storage);
  }

  get messageCount(): number {
    return this.nextOffset - this.firstOffset;
  }

  /** Takes over a chunk that recovery found. */
  recoverChunk(descriptor: ChunkDescriptor): void {
    const chunk = Chunk.stored(descriptor, undefined);
    this.#storage.noteUsed();
    if (this.#chunks.size === 0) this.firstOffset = chunk.first;
    this.#chunks.push(chunk);
    this.nextOffset = chunk.end;
    this.durableEnd = chunk.end;
    this.#lastAppendedAt = -1;
    this.recordBytes += chunk.recordBytes;
    this.bodyBytes += chunk.persistentBodyBytes;
    this.#merger.chunkStored(chunk);
  }

  /** Adds a copy of `message` at the end. `receipt` learns when it is durable, whatever its delivery mode. */
  append(message: Message, receipt: Receipt | undefined, publishSequence: number): void {
    const { buffer, contentStart, contentEnd } = message;
    const head = this.#head;
    head.copyFrom(message);
    head.contentEnd = contentStart;
    head.bcc = NO_OCTETS;
    head.expiresAt = 0;
    if (this.#lastAppendedAt < 0) this.#lastAppendedAt = this.#newestStoredAt();
    // Never falls, so that a time can be searched for.
    head.publishedAt = Math.max(message.publishedAt, this.#lastAppendedAt);
    this.#lastAppendedAt = head.publishedAt;
    const headBytes = recordBytesOf(head);
    const recordBytes = headBytes + contentEnd - contentStart + this.#splice.measure(buffer, contentStart);
    const chunk = this.#openChunk(recordBytes);
    const arena = this.#arena as Arena;
    writeRecord(head, true, recordBytes, arena.buffer, arena.used);
    this.#splice.write(buffer, contentStart, contentEnd, this.nextOffset, arena.buffer, arena.used + headBytes);
    arena.used += recordBytes;
    const index = chunk.count++;
    chunk.recordBytes += recordBytes;
    chunk.persistentCount++;
    chunk.persistentBodyBytes += message.bodyBytes;
    this.#environment.memory.usedBytes += recordBytes;
    this.nextOffset++;
    this.recordBytes += recordBytes;
    this.bodyBytes += message.bodyBytes;
    head.release();
    if (receipt !== undefined) chunk.expect(index, receipt, publishSequence);
    this.#enlist();
  }

  /** The chunk with the message at `offset`, or the first behind it; there must be one. */
  chunkAt(offset: number): Chunk {
    return this.#chunks.firstFrom(offset) as Chunk;
  }

  /** The oldest chunk that may be cut off; undefined when there is none, as the newest durable one stays. */
  get removable(): Chunk | undefined {
    const chunk = this.#chunks.firstFrom(this.firstOffset);
    return chunk !== undefined && chunk.state === "stored" && chunk.end < this.durableEnd ? chunk : undefined;
  }

  /** Cuts off the oldest chunk, which {@link removable} has returned. */
  remove(chunk: Chunk): void {
    this.generation++;
    this.firstOffset = chunk.end;
    this.recordBytes -= chunk.recordBytes;
    this.bodyBytes -= chunk.persistentBodyBytes;
    chunk.settleAll();
    this.#storage.noteSettled(chunk);
    this.#chunks.remove(chunk);
    this.loaded.forget(chunk);
    this.#enlist();
  }

  /** Something is kept in the store beside the messages. */
  noteUsed(): void {
    this.#storage.noteUsed();
  }

  /** Forgets everything, in the store too. The log is not used afterwards. */
  drop(): void {
    this.#dropped = true;
    this.generation++;
    this.loaded.clear();
    this.#storage.drop();
    for (const chunk of this.#chunks.from(0)) {
      chunk.settleAll();
      this.#storage.evict(chunk);
    }
    this.#chunks.clear();
    this.#tail = undefined;
    this.#releaseArena();
    this.firstOffset = this.nextOffset;
    this.durableEnd = this.nextOffset;
    this.recordBytes = 0;
    this.bodyBytes = 0;
  }

  prepare(store: Store): void {
    if (!this.#dropped) {
      if (this.#tail !== undefined) this.#seal();
      const run = this.#merger.pick(this.#chunks);
      if (run !== undefined) this.#merge(store, run);
      this.#storage.prepare(store);
    }
    this.#enlisted = false;
  }

  committed(): void {
    const stored = this.#storage.committed();
    if (this.#dropped || stored.length === 0) return;
    const lowestOffset = this.#listener.lowestOffset();
    for (const chunk of stored) {
      this.#merger.chunkStored(chunk);
      this.durableEnd = Math.max(this.durableEnd, chunk.end);
      if (lowestOffset < chunk.end) this.loaded.keep(chunk);
      else this.#storage.evict(chunk);
    }
    this.#listener.stored();
  }

  failed(): void {
    this.#storage.failed();
  }

  /** The time in the last record of the last chunk, read once, when the first message comes after a restart. */
  #newestStoredAt(): number {
    const chunk = this.chunkAt(this.nextOffset - 1);
    const buffer = this.loaded.use(chunk);
    const message = new Message();
    readRecord(buffer, skipRecords(buffer, chunk.start, chunk.count - 1), message);
    this.loaded.rest();
    return message.publishedAt;
  }

  #enlist(): void {
    if (this.#enlisted) return;
    this.#enlisted = true;
    this.#environment.barrier.enlist(this);
  }

  /** The chunk that takes a record of `recordBytes`. */
  #openChunk(recordBytes: number): Chunk {
    const tail = this.#tail;
    const isFull =
      tail !== undefined && (tail.count === CHUNK_MESSAGES_MAX || tail.recordBytes + recordBytes > this.chunkBytesMax);
    if (isFull) this.#seal();
    let arena = this.#arena;
    if (arena === undefined || arena.used + recordBytes > arena.buffer.length) {
      if (this.#tail !== undefined) this.#seal();
      this.#releaseArena();
      arena = this.#environment.arenas.take(recordBytes);
      arena.hold();
      this.#arena = arena;
    }
    if (this.#tail !== undefined) return this.#tail;
    const chunk = new Chunk(this.nextOffset);
    arena.hold();
    chunk.arena = arena;
    chunk.start = arena.used;
    this.#tail = chunk;
    this.#chunks.push(chunk);
    return chunk;
  }

  /** Ends the tail: it is written with the next commit. */
  #seal(): void {
    this.#storage.write(this.#tail as Chunk);
    this.#tail = undefined;
  }

  #releaseArena(): void {
    this.#arena?.release();
    this.#arena = undefined;
  }

  #merge(store: Store, run: readonly Chunk[]): void {
    this.generation++;
    for (const chunk of run) if (chunk.arena === undefined) this.#storage.load(chunk);
    const merged = mergeChunks(run, this.#environment.arenas);
    this.#environment.memory.usedBytes += merged.recordBytes;
    this.#chunks.replace(run, merged);
    for (const chunk of run) {
      store.remove(this.#storage.queueId, chunk.lifetime, chunk);
      chunk.written = false;
      this.loaded.forget(chunk);
    }
    this.#storage.write(merged);
  }
}
