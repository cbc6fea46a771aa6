import type {
  ChunkDescriptor,
  ChunkLifetime,
  ChunkSettlement,
  DefinitionKind,
  RecoveryVisitor,
  Store,
} from "../core/ports.ts";
import { ChangeBuffer } from "./change-buffer.ts";
import type { ChangeSet } from "./change-set.ts";

/** The half of a store that buffers: what every implementation does alike until a commit. */
export abstract class BufferedStore implements Store {
  protected readonly durableChanges = new ChangeBuffer();
  protected readonly transientChanges = new ChangeBuffer();

  abstract recover(visitor: RecoveryVisitor): void;
  abstract read(queueId: number, lifetime: ChunkLifetime, chunk: ChunkDescriptor, start?: number, end?: number): Buffer;
  abstract commit(done: (error: Error | undefined) => void): void;
  abstract close(): Promise<void>;

  append(
    queueId: number,
    lifetime: ChunkLifetime,
    chunk: ChunkDescriptor,
    buffer: Uint8Array,
    start: number,
    end: number,
  ): void {
    this.#changes(lifetime).append(queueId, chunk, buffer, start, end);
  }

  settle(queueId: number, chunk: ChunkDescriptor, settlement: ChunkSettlement): void {
    this.#changes("durable").settle(queueId, chunk, settlement);
  }

  remove(queueId: number, lifetime: ChunkLifetime, chunk: ChunkDescriptor): void {
    this.#changes(lifetime).remove(queueId, chunk);
  }

  putNote(ownerId: number, key: Uint8Array, value: Uint8Array): void {
    this.#changes("durable").putNote(ownerId, key, value);
  }

  deleteNote(ownerId: number, key: Uint8Array): void {
    this.#changes("durable").deleteNote(ownerId, key);
  }

  dropQueue(queueId: number): void {
    this.#changes("durable").dropQueue(queueId);
    this.#changes("transient").dropQueue(queueId);
  }

  putDefinition(kind: DefinitionKind, id: string, value: unknown): void {
    this.#changes("durable").putDefinition(kind, id, value);
  }

  deleteDefinition(kind: DefinitionKind, id: string): void {
    this.#changes("durable").deleteDefinition(kind, id);
  }

  #changes(lifetime: ChunkLifetime): ChangeSet {
    return (lifetime === "durable" ? this.durableChanges : this.transientChanges).gathering;
  }
}
