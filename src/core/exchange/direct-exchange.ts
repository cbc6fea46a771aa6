// Hot file: match runs for every message whose route is not cached.
import { BoundExchange } from "./bound-exchange.ts";
import type { Binding, RoutingInput } from "./exchange.ts";
import type { Target } from "./target.ts";
import { TargetCounts } from "./target-counts.ts";

/** Routes to the bindings whose routing key equals the message's. AMQP 0-9-1 section 3.1.3.1. */
export class DirectExchange extends BoundExchange {
  override readonly routesByKeyAlone = true;
  readonly #byKey = new Map<string, TargetCounts>();

  override match(input: RoutingInput, targets: Set<Target>): void {
    const keys = input.routingKeys;
    for (let i = 0; i < keys.length; i++) this.#byKey.get(keys[i]!)?.addTo(targets);
  }

  protected override addToIndex(binding: Binding): void {
    let counts = this.#byKey.get(binding.routingKey);
    if (counts === undefined) {
      counts = new TargetCounts();
      this.#byKey.set(binding.routingKey, counts);
    }
    counts.increment(binding.target);
  }

  protected override removeFromIndex(binding: Binding): void {
    const counts = this.#byKey.get(binding.routingKey);
    if (counts === undefined) return;
    counts.decrement(binding.target);
    if (counts.isEmpty) this.#byKey.delete(binding.routingKey);
  }
}
