import type { DefinitionKind, Store } from "../../src/core/ports.ts";
import { ForwardingStore } from "../../src/embed/forwarding-store.ts";
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
export class FaultyStore extends ForwardingStore {
  #gathering: Operation[] = [];
  #failuresLeft = 0;
  #failure = new Error("commit failed");
  #isHolding = false;
  #held: HeldCommit | undefined;
  /** Commits begun so far, failed ones included. */
  commitCount = 0;

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

  protected override change(apply: Operation): void {
    this.#gathering.push(apply);
  }

  // What is done later is done with what was given, whatever has become of it.

  override putNote(ownerId: number, key: Uint8Array, value: Uint8Array): void {
    super.putNote(ownerId, Buffer.from(key), Buffer.from(value));
  }

  override deleteNote(ownerId: number, key: Uint8Array): void {
    super.deleteNote(ownerId, Buffer.from(key));
  }

  override putDefinition(kind: DefinitionKind, id: string, value: unknown): void {
    super.putDefinition(kind, id, structuredClone(value));
  }

  override commit(done: (error: Error | undefined) => void): void {
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
      for (const operation of operations) operation(this.within);
      // A failure of the store within is its own to retry: there, the operations stay buffered.
      super.commit(done);
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
}
