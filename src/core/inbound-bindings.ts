import type { Binding, Exchange } from "./exchange/exchange.ts";
import type { Target } from "./exchange/target.ts";

/** Which exchanges have bindings to a target, so that deleting the target need not ask every exchange there is. */
export class InboundBindings {
  readonly #countsBySource = new Map<Target, Map<Exchange, number>>();

  add(binding: Binding): void {
    let counts = this.#countsBySource.get(binding.target);
    if (counts === undefined) {
      counts = new Map();
      this.#countsBySource.set(binding.target, counts);
    }
    counts.set(binding.source, (counts.get(binding.source) ?? 0) + 1);
  }

  /** Takes back one {@link add}. */
  remove(binding: Binding): void {
    const counts = this.#countsBySource.get(binding.target);
    const count = counts?.get(binding.source);
    if (counts === undefined || count === undefined) return;
    if (count > 1) counts.set(binding.source, count - 1);
    else counts.delete(binding.source);
    if (counts.size === 0) this.#countsBySource.delete(binding.target);
  }

  /** The exchanges with at least one binding to `target`; a copy, which stays as it is while bindings go. */
  sourcesOf(target: Target): Exchange[] {
    return [...(this.#countsBySource.get(target)?.keys() ?? [])];
  }
}
