// Hot file: pick runs for every message that is routed by a hash and whose route is not cached.
import { octetsFromString } from "../../wire/octet-string.ts";
import type { Binding } from "./exchange.ts";
import { murmurHash } from "./murmur-hash.ts";
import { type Target, targetIdentity, targetOrder } from "./target.ts";

const HASHES = 0x1_0000_0000;

/** A target, and the bindings that lead to it; the first one's weight counts. */
interface Share {
  readonly target: Target;
  /** Octets that no other target has. */
  readonly identity: Buffer;
  readonly bindings: WeightedBinding[];
}

interface WeightedBinding {
  readonly binding: Binding;
  readonly weight: number;
}

/**
 * Shares hashes out among targets in proportion to their weights, by weighted rendezvous hashing: each target draws a
 * number from the hash and its own name, and the best one wins. A target that comes or goes moves only the hashes
 * it wins, and who wins depends on names and weights alone, so that it is the same after a restart.
 *
 * Picking takes time in proportion to the number of targets; a ring would take the logarithm, but needs many points
 * per unit of weight to come near the proportions, and a weight may be 10,000.
 */
export class WeightedTargets {
  readonly #shares = new Map<Target, Share>();

  add(binding: Binding, weight: number): void {
    const { target } = binding;
    let share = this.#shares.get(target);
    if (share === undefined) {
      share = { target, identity: octetsFromString(targetIdentity(target)), bindings: [] };
      this.#shares.set(target, share);
    }
    share.bindings.push({ binding, weight });
  }

  /** Takes back the {@link add} of this very binding. */
  remove(binding: Binding): void {
    const share = this.#shares.get(binding.target);
    if (share === undefined) return;
    const index = share.bindings.findIndex((each) => each.binding === binding);
    if (index !== -1) share.bindings.splice(index, 1);
    if (share.bindings.length === 0) this.#shares.delete(binding.target);
  }

  /** The target whose share `hash` falls in; undefined when there is none. */
  pick(hash: number): Target | undefined {
    let best: Target | undefined;
    let bestScore = Number.NEGATIVE_INFINITY;
    for (const { target, identity, bindings } of this.#shares.values()) {
      // Greater than 0 and less than 1; the logarithm is negative, and the nearer to 0 the greater the weight.
      const draw = (murmurHash(identity, 0, identity.length, hash) + 0.5) / HASHES;
      const score = Math.log(draw) / (bindings[0] as WeightedBinding).weight;
      if (score > bestScore || (score === bestScore && best !== undefined && targetOrder(target, best) < 0)) {
        best = target;
        bestScore = score;
      }
    }
    return best;
  }
}
