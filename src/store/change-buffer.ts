import { assert } from "../lib/assert.ts";
import { ChangeSet } from "./change-set.ts";

/** The changes being gathered, and those of the commit in flight. Keeps the latter when the commit fails. */
export class ChangeBuffer {
  gathering = new ChangeSet();
  #inFlight: ChangeSet | undefined;

  /** What a commit that begins now has to write; the caller must report how it ended. */
  begin(): ChangeSet {
    assert(this.#inFlight === undefined, "at most one commit is in flight");
    this.#inFlight = this.take();
    return this.#inFlight;
  }

  /** What has been gathered, for a caller who keeps it whether or not it can be written. */
  take(): ChangeSet {
    const gathered = this.gathering;
    this.gathering = new ChangeSet();
    return gathered;
  }

  succeeded(): void {
    this.#inFlight = undefined;
  }

  /** @param attempted whether anything was tried that may have reached the disk. */
  failed(attempted: boolean): void {
    const retained = this.#inFlight;
    assert(retained !== undefined, "a commit is in flight");
    if (attempted) retained.markAttempted();
    retained.absorb(this.gathering);
    this.gathering = retained;
    this.#inFlight = undefined;
  }
}
