import type {
  ChunkDescriptor,
  ChunkLifetime,
  ChunkSettlement,
  DefinitionKind,
  RecoveryVisitor,
  Store,
} from "../core/ports.ts";

/** Does everything as the store within does it, but for what a subclass does otherwise. */
export class ForwardingStore implements Store {
  protected readonly within: Store;

  constructor(within: Store) {
    this.within = within;
  }

  /** Every change that the next commit is to make durable comes here. */
  protected change(apply: (store: Store) => void): void {
    apply(this.within);
  }

  recover(visitor: RecoveryVisitor): void {
    this.within.recover(visitor);
  }

  append(
    queueId: number,
    lifetime: ChunkLifetime,
    chunk: ChunkDescriptor,
    buffer: Uint8Array,
    start: number,
    end: number,
  ): void {
    this.change((store) => store.append(queueId, lifetime, chunk, buffer, start, end));
  }

  settle(queueId: number, chunk: ChunkDescriptor, settlement: ChunkSettlement): void {
    this.change((store) => store.settle(queueId, chunk, settlement));
  }

  remove(queueId: number, lifetime: ChunkLifetime, chunk: ChunkDescriptor): void {
    this.change((store) => store.remove(queueId, lifetime, chunk));
  }

  putNote(ownerId: number, key: Uint8Array, value: Uint8Array): void {
    this.change((store) => store.putNote(ownerId, key, value));
  }

  deleteNote(ownerId: number, key: Uint8Array): void {
    this.change((store) => store.deleteNote(ownerId, key));
  }

  dropQueue(queueId: number): void {
    this.change((store) => store.dropQueue(queueId));
  }

  putDefinition(kind: DefinitionKind, id: string, value: unknown): void {
    this.change((store) => store.putDefinition(kind, id, value));
  }

  deleteDefinition(kind: DefinitionKind, id: string): void {
    this.change((store) => store.deleteDefinition(kind, id));
  }

  read(queueId: number, lifetime: ChunkLifetime, chunk: ChunkDescriptor, start?: number, end?: number): Buffer {
    return this.within.read(queueId, lifetime, chunk, start, end);
  }

  commit(done: (error: Error | undefined) => void): void {
    this.within.commit(done);
  }

  close(): Promise<void> {
    return this.within.close();
  }
}
