import { BindingList } from "./binding-list.ts";
import { BoundExchange } from "./bound-exchange.ts";
import type { Binding, RoutingInput } from "./exchange.ts";
import type { ExchangeEnvironment } from "./exchange-environment.ts";
import type { ExchangeSpec } from "./exchange-spec.ts";
import { RandomIndex } from "./random-index.ts";
import type { Target } from "./target.ts";

/**
 * Routes each message to one binding, picked at random; neither routing keys nor binding keys play a part. A target
 * that is bound twice is picked twice as often. RabbitMQ: random exchange.
 */
export class RandomExchange extends BoundExchange {
  override readonly routesByKeyAlone = false;
  readonly #bindings = new BindingList();
  readonly #index: RandomIndex;

  /** @throws BrokerError as {@link BoundExchange} */
  constructor(spec: ExchangeSpec, environment: ExchangeEnvironment) {
    super(spec);
    this.#index = new RandomIndex(environment.random);
  }

  override match(_input: RoutingInput, targets: Set<Target>): void {
    const { count } = this.#bindings;
    if (count > 0) targets.add(this.#bindings.at(count === 1 ? 0 : this.#index.below(count)).target);
  }

  protected override addToIndex(binding: Binding): void {
    this.#bindings.add(binding);
  }

  protected override removeFromIndex(binding: Binding): void {
    this.#bindings.remove(binding);
  }
}
