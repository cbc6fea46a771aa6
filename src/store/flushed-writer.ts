import { constants, fdatasync, fdatasyncSync, write, writeSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { WaitDecision } from "./wait-decision.ts";

/** To open the file with. Where the system can flush as part of a write, that saves a second call. */
export const FLUSHING_FLAGS = process.platform === "linux" ? constants.O_DSYNC : 0;

type Done = (error: Error | undefined) => void;

/** Writes to a file and flushes it, by a thread or, when that is quicker and holds nobody up, here and now. */
export class FlushedWriter {
  readonly #fd: number;
  readonly #decision: WaitDecision;

  /** @param fd of a file opened with {@link FLUSHING_FLAGS} */
  constructor(fd: number, decision = new WaitDecision()) {
    this.#fd = fd;
    this.#decision = decision;
  }

  /** Calls back later: when the octets are on disk, or with the system's error. One call at a time. */
  write(octets: Uint8Array, position: number, done: Done): void {
    const startedAt = performance.now();
    if (this.#decision.waitsFor(octets.length)) {
      const error = this.#writeHere(octets, position);
      this.#decision.waited(performance.now() - startedAt);
      setImmediate(done, error);
      return;
    }
    const idleBefore = performance.eventLoopUtilization().idle;
    this.#writeOnThread(octets, position, (error) => {
      const idle = performance.eventLoopUtilization().idle - idleBefore;
      this.#decision.handedOver(octets.length, performance.now() - startedAt, idle);
      done(error);
    });
  }

  #writeHere(octets: Uint8Array, position: number): Error | undefined {
    try {
      for (let written = 0; written < octets.length; ) {
        written += writeSync(this.#fd, octets, written, octets.length - written, position + written);
      }
      if (FLUSHING_FLAGS === 0) fdatasyncSync(this.#fd);
      return undefined;
    } catch (error) {
      return error as Error;
    }
  }

  #writeOnThread(octets: Uint8Array, position: number, done: Done): void {
    write(this.#fd, octets, 0, octets.length, position, (error, count) => {
      if (error !== null) done(error);
      else if (count < octets.length) this.#writeOnThread(octets.subarray(count), position + count, done);
      else if (FLUSHING_FLAGS !== 0) done(undefined);
      else fdatasync(this.#fd, (flushError) => done(flushError ?? undefined));
    });
  }
}
