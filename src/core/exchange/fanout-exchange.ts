// Hot file: match runs for every message whose route is not cached.
import { BoundExchange } from "./bound-exchange.ts";
import type { Binding, RoutingInput } from "./exchange.ts";
import type { Target } from "./target.ts";
import { TargetCounts } from "./target-counts.ts";

/** Routes to every binding, whatever the routing key. AMQP 0-9-1 section 3.1.3.2. */
export class FanoutExchange extends BoundExchange {
  override readonly routesByKeyAlone = true;
  readonly #targets = new TargetCounts();

  override match(_input: RoutingInput, targets: Set<Target>): void {
    this.#targets.addTo(targets);
  }

  protected override addToIndex(binding: Binding): void {
    this.#targets.increment(binding.target);
  }

  protected override removeFromIndex(binding: Binding): void {
    this.#targets.decrement(binding.target);
  }
}
