import type { ChunkDescriptor, ChunkLifetime, RecoveryVisitor } from "../core/ports.ts";
import { assert } from "../lib/assert.ts";
import { BufferedStore } from "./buffered-store.ts";
import { type CommittedQueue, MemoryState } from "./memory-state.ts";

/**
 * Keeps everything in memory: for a broker that need not survive its process, and for tests. Committed chunks are
 * copies, so the caller may reuse its buffers as with any store.
 *
 * A commit completes in a later turn of the event loop, as with a disk. A microtask would be sooner, but then commits
 * that follow from one another would keep the loop from its sockets.
 */
export class MemoryStore extends BufferedStore {
  /** What is committed: hand it to another store to open that as after a restart. */
  readonly durableState: MemoryState;
  readonly #transientState = new MemoryState();
  #inFlight: Promise<void> | undefined;
  #isClosed = false;

  /** @param durableState what an earlier store had committed. */
  constructor(durableState: MemoryState = new MemoryState()) {
    super();
    this.durableState = durableState;
  }

  recover(visitor: RecoveryVisitor): void {
    const { definitions, queues } = this.durableState;
    for (const { kind, id, json } of definitions.values()) visitor.definition(kind, id, JSON.parse(json).value);
    const inOrder = [...queues].sort(([a], [b]) => a - b);
    for (const [ownerId, { notes }] of inOrder) recoverNotes(ownerId, notes, visitor);
    for (const [queueId, queue] of inOrder) recoverChunks(queueId, queue, visitor);
  }

  read(queueId: number, lifetime: ChunkLifetime, chunk: ChunkDescriptor, start?: number, end?: number): Buffer {
    const state = lifetime === "durable" ? this.durableState : this.#transientState;
    const stored = state.chunk(queueId, chunk);
    if (stored === undefined) throw new Error(`no ${lifetime} chunk at ${chunk.first} of queue ${queueId}`);
    return Buffer.from(stored.subarray(start, end));
  }

  commit(done: (error: Error | undefined) => void): void {
    assert(!this.#isClosed, "the store is open");
    const durable = this.durableChanges.begin();
    const transient = this.transientChanges.begin();
    this.#inFlight = new Promise((resolve) => {
      setImmediate(() => {
        this.durableState.apply(durable);
        this.#transientState.apply(transient);
        this.durableChanges.succeeded();
        this.transientChanges.succeeded();
        this.#inFlight = undefined;
        resolve();
        done(undefined);
      });
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#inFlight;
  }
}

function recoverNotes(ownerId: number, notes: Map<string, Buffer>, visitor: RecoveryVisitor): void {
  for (const key of [...notes.keys()].sort()) {
    visitor.note(ownerId, Buffer.from(key, "latin1"), Buffer.from(notes.get(key) as Buffer));
  }
}

function recoverChunks(queueId: number, queue: CommittedQueue, visitor: RecoveryVisitor): void {
  const chunks = [...queue.chunks.values()].sort((a, b) => a.chunk.first - b.chunk.first);
  for (const { chunk } of chunks) visitor.chunk(queueId, chunk, queue.settlements.get(chunk.first));
}
