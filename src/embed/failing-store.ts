import type {
  ChunkDescriptor,
  ChunkLifetime,
  ChunkSettlement,
  DefinitionKind,
  RecoveryVisitor,
  Store,
} from "../core/ports.ts";

/**
 * A store that cannot write while it is told so, as on a full disk, and otherwise is the store within. What a failed
 * commit held stays buffered there, and is written by the first one that is let through.
 */
export class FailingStore implements Store {
  /** What commits fail with; undefined: they do not. */
  failure: Error | undefined;
  readonly #within: Store;

  constructor(within: Store) {
    this.#within = within;
  }

  commit(done: (error: Error | undefined) => void): void {
    if (this.failure === undefined) this.#within.commit(done);
    else setImmediate(done, this.failure);
  }

  recover(visitor: RecoveryVisitor): void {
    this.#within.recover(visitor);
  }

  append(
    queueId: number,
    lifetime: ChunkLifetime,
    chunk: ChunkDescriptor,
    buffer: Uint8Array,
    start: number,
    end: number,
  ): void {
    this.#within.append(queueId, lifetime, chunk, buffer, start, end);
  }

  settle(queueId: number, chunk: ChunkDescriptor, settlement: ChunkSettlement): void {
    this.#within.settle(queueId, chunk, settlement);
  }

  remove(queueId: number, lifetime: ChunkLifetime, chunk: ChunkDescriptor): void {
    this.#within.remove(queueId, lifetime, chunk);
  }

  putNote(ownerId: number, key: Uint8Array, value: Uint8Array): void {
    this.#within.putNote(ownerId, key, value);
  }

  deleteNote(ownerId: number, key: Uint8Array): void {
    this.#within.deleteNote(ownerId, key);
  }

  dropQueue(queueId: number): void {
    this.#within.dropQueue(queueId);
  }

  putDefinition(kind: DefinitionKind, id: string, value: unknown): void {
    this.#within.putDefinition(kind, id, value);
  }

  deleteDefinition(kind: DefinitionKind, id: string): void {
    this.#within.deleteDefinition(kind, id);
  }

  read(queueId: number, lifetime: ChunkLifetime, chunk: ChunkDescriptor, start?: number, end?: number): Buffer {
    return this.#within.read(queueId, lifetime, chunk, start, end);
  }

  close(): Promise<void> {
    return this.#within.close();
  }
}
