import type {
  ChunkDescriptor,
  ChunkLifetime,
  ChunkSettlement,
  DefinitionKind,
  RecoveryVisitor,
  Store,
} from "../../src/core/ports.ts";
import { assert } from "../../src/lib/assert.ts";

type Operation = (store: Store) => void;

/** How a commit that is held back goes on. */
export interface HeldCommit {
  /** Commits to the store within. */
  release(): void;
  /** Fails; what the commit held stays for the next. */
  fail(error: Error): void;
}

/**
 * A store that fails commits, or holds them back, at a test's command, and otherwise does as the store within, which
 * sees nothing of a commit before it is let through.
 */
export class FaultyStore implements Store {
  readonly #within: Store;
  #gathering: Operation[] = [];
  #failuresLeft = 0;
  #failure = new Error("commit failed");
  #isHolding = false;
  #held: HeldCommit | undefined;
  /** Commits begun so far, failed ones included. */
  commitCount = 0;

  constructor(within: Store) {
    this.#within = within;
  }

  /** The next `count` commits fail. */
  failCommits(count: number, error: Error): void {
    this.#failuresLeft = count;
    this.#failure = error;
  }

  /** From now on every commit waits in {@link held} until it is let go; `false` ends this for later commits. */
  holdCommits(isHolding = true): void {
    this.#isHolding = isHolding;
  }

  /** The commit that is being held back. */
  get held(): HeldCommit | undefined {
    return this.#held;
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
    this.#gathering.push((store) => store.append(queueId, lifetime, chunk, buffer, start, end));
  }

  settle(queueId: number, chunk: ChunkDescriptor, settlement: ChunkSettlement): void {
    this.#gathering.push((store) => store.settle(queueId, chunk, settlement));
  }

  remove(queueId: number, lifetime: ChunkLifetime, chunk: ChunkDescriptor): void {
    this.#gathering.push((store) => store.remove(queueId, lifetime, chunk));
  }

  putNote(ownerId: number, key: Uint8Array, value: Uint8Array): void {
    const takenKey = Buffer.from(key);
    const takenValue = Buffer.from(value);
    this.#gathering.push((store) => store.putNote(ownerId, takenKey, takenValue));
  }

  deleteNote(ownerId: number, key: Uint8Array): void {
    const taken = Buffer.from(key);
    this.#gathering.push((store) => store.deleteNote(ownerId, taken));
  }

  dropQueue(queueId: number): void {
    this.#gathering.push((store) => store.dropQueue(queueId));
  }

  putDefinition(kind: DefinitionKind, id: string, value: unknown): void {
    const taken = structuredClone(value);
    this.#gathering.push((store) => store.putDefinition(kind, id, taken));
  }

  deleteDefinition(kind: DefinitionKind, id: string): void {
    this.#gathering.push((store) => store.deleteDefinition(kind, id));
  }

  read(queueId: number, lifetime: ChunkLifetime, chunk: ChunkDescriptor, start?: number, end?: number): Buffer {
    return this.#within.read(queueId, lifetime, chunk, start, end);
  }

  commit(done: (error: Error | undefined) => void): void {
    this.commitCount += 1;
    const operations = this.#gathering;
    this.#gathering = [];
    const fail = (error: Error): void => {
      this.#held = undefined;
      this.#gathering = operations.concat(this.#gathering);
      done(error);
    };
    const release = (): void => {
      this.#held = undefined;
      for (const operation of operations) operation(this.#within);
      // A failure of the store within is its own to retry: there, the operations stay buffered.
      this.#within.commit(done);
    };
    if (this.#failuresLeft > 0) {
      this.#failuresLeft -= 1;
      setImmediate(fail, this.#failure);
    } else if (this.#isHolding) {
      assert(this.#held === undefined, "at most one commit is in flight");
      this.#held = { release, fail };
    } else {
      release();
    }
  }

  close(): Promise<void> {
    return this.#within.close();
  }
}
