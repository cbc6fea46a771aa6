import { createHash } from "node:crypto";
import type { Random } from "./random.ts";

/** Octets that depend on nothing but a seed, so that made-up names are the same in every run. Not fit for secrets. */
export class SeededRandom implements Random {
  readonly #seed: number;
  #blocks = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  fill(target: Uint8Array): Uint8Array {
    for (let filled = 0; filled < target.length; ) {
      const block = createHash("sha256")
        .update(`${this.#seed}:${this.#blocks++}`)
        .digest();
      const part = block.subarray(0, target.length - filled);
      target.set(part, filled);
      filled += part.length;
    }
    return target;
  }
}
