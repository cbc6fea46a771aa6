import type { ChunkDescriptor, ChunkSettlement, DefinitionKind } from "../core/ports.ts";
import type { ChangeSet } from "./change-set.ts";
import { type ChunkChange, isSameChunk, type QueueChanges } from "./queue-changes.ts";

interface CommittedChunk {
  readonly chunk: ChunkDescriptor;
  readonly value: Buffer;
}

interface CommittedDefinition {
  readonly kind: DefinitionKind;
  readonly id: string;
  readonly json: string;
}

/** What is committed of one queue or other owner of notes; chunks and settlements by the first sequence number of each chunk. */
export interface CommittedQueue {
  readonly chunks: Map<number, CommittedChunk>;
  readonly settlements: Map<number, ChunkSettlement>;
  /** By key, as a string with one code unit for each octet. */
  readonly notes: Map<string, Buffer>;
}

/** What a memory store has committed: its "disk". */
export class MemoryState {
  readonly definitions = new Map<string, CommittedDefinition>();
  readonly queues = new Map<number, CommittedQueue>();

  chunk(queueId: number, chunk: ChunkDescriptor): Buffer | undefined {
    const stored = this.queues.get(queueId)?.chunks.get(chunk.first);
    return stored !== undefined && isSameChunk(stored.chunk, chunk) ? stored.value : undefined;
  }

  apply(changes: ChangeSet): void {
    for (const [key, { kind, id, json }] of changes.definitions) {
      if (json === undefined) this.definitions.delete(key);
      else this.definitions.set(key, { kind, id, json });
    }
    for (const [queueId, queueChanges] of changes.queues) this.#applyToQueue(queueId, queueChanges);
  }

  #applyToQueue(queueId: number, changes: QueueChanges): void {
    if (changes.isDropped) this.queues.delete(queueId);
    const queue = this.queues.get(queueId) ?? newQueue();
    for (const change of changes.chunks.values()) applyToChunk(queue, change);
    for (const [first, settlement] of changes.settlements) {
      if (settlement === undefined) queue.settlements.delete(first);
      else queue.settlements.set(first, { ...settlement, bitmap: settlement.bitmap.slice() });
    }
    for (const [key, value] of changes.notes?.byKey ?? []) {
      if (value === undefined) queue.notes.delete(key);
      else queue.notes.set(key, value);
    }
    if (queue.chunks.size > 0 || queue.notes.size > 0) this.queues.set(queueId, queue);
    else this.queues.delete(queueId);
  }
}

function newQueue(): CommittedQueue {
  return { chunks: new Map(), settlements: new Map(), notes: new Map() };
}

/** Of several chunks with one beginning at most one is appended; the others are removed. */
function applyToChunk(queue: CommittedQueue, head: ChunkChange): void {
  const first = head.chunk.first;
  for (let change: ChunkChange | undefined = head; change !== undefined; change = change.next) {
    const stored = queue.chunks.get(first);
    if (change.buffer !== undefined) {
      const value = Buffer.from(change.buffer.subarray(change.start, change.end));
      queue.chunks.set(first, { chunk: { ...change.chunk }, value });
    } else if (stored !== undefined && isSameChunk(stored.chunk, change.chunk)) queue.chunks.delete(first);
  }
}
