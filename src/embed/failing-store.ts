import { ForwardingStore } from "./forwarding-store.ts";

/**
 * A store that cannot write while it is told so, as on a full disk, and otherwise is the store within. What a failed
 * commit held stays buffered there, and is written by the first one that is let through.
 */
export class FailingStore extends ForwardingStore {
  /** What commits fail with; undefined: they do not. */
  failure: Error | undefined;

  override commit(done: (error: Error | undefined) => void): void {
    if (this.failure === undefined) super.commit(done);
    else setImmediate(done, this.failure);
  }
}
