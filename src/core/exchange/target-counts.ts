// Hot file: addTo runs for every message whose route is not cached.
import type { Target } from "./target.ts";

/**
 * The distinct targets of a set of bindings that match alike, each with the number of bindings that lead to it.
 * Most routing keys have one target, so a map is made for the second one only.
 */
export class TargetCounts {
  #only: Target | undefined = undefined;
  #onlyCount = 0;
  #counts: Map<Target, number> | undefined = undefined;

  get isEmpty(): boolean {
    return this.#counts === undefined ? this.#onlyCount === 0 : this.#counts.size === 0;
  }

  /** Notes one more binding to `target`. */
  increment(target: Target): void {
    if (this.#counts !== undefined) {
      this.#counts.set(target, (this.#counts.get(target) ?? 0) + 1);
    } else if (this.#only === undefined || this.#only === target) {
      this.#only = target;
      this.#onlyCount++;
    } else {
      this.#counts = new Map<Target, number>([
        [this.#only, this.#onlyCount],
        [target, 1],
      ]);
      this.#only = undefined;
      this.#onlyCount = 0;
    }
  }

  /** Notes one binding to `target` less; the target goes with its last binding. */
  decrement(target: Target): void {
    if (this.#counts !== undefined) {
      const count = this.#counts.get(target);
      if (count === undefined) return;
      if (count > 1) this.#counts.set(target, count - 1);
      else this.#counts.delete(target);
    } else if (this.#only === target) {
      this.#onlyCount--;
      if (this.#onlyCount === 0) this.#only = undefined;
    }
  }

  /** Adds every target to `targets`. */
  addTo(targets: Set<Target>): void {
    if (this.#counts !== undefined) {
      for (const target of this.#counts.keys()) targets.add(target);
    } else if (this.#only !== undefined) {
      targets.add(this.#only);
    }
  }
}
