import { octetsPrinted } from "../../wire/erlang-text.ts";
import { octetsFromString } from "../../wire/octet-string.ts";
import { BrokerError } from "../errors.ts";
import { BoundExchange } from "./bound-exchange.ts";
import type { Binding, RoutingInput } from "./exchange.ts";
import type { ExchangeSpec } from "./exchange-spec.ts";
import { type HashSource, hashSourceOf } from "./hash-source.ts";
import type { Target } from "./target.ts";
import { WeightedTargets } from "./weighted-targets.ts";

/** RabbitMQ 4.3: MAX_BINDING_WEIGHT of the consistent hash exchange. */
const WEIGHT_MAX = 10_000;

/** What Erlang reads as an integer. */
const INTEGER = /^[+-]?\d+$/;

/**
 * Routes each message to one target, which a hash of the routing key, of a header or of a property decides. A binding
 * key is the weight of its target, from 1 to 10,000; of several bindings to one target the first counts. Which target
 * a hash leads to differs from RabbitMQ's choice, and unlike there it survives a restart.
 * RabbitMQ: consistent hash exchange.
 */
export class ConsistentHashExchange extends BoundExchange {
  override readonly routesByKeyAlone: boolean;
  readonly #source: HashSource;
  readonly #targets = new WeightedTargets();

  /** @throws BrokerError PRECONDITION_FAILED as {@link BoundExchange} and {@link hashSourceOf} */
  constructor(spec: ExchangeSpec) {
    super(spec);
    this.#source = hashSourceOf(spec);
    this.routesByKeyAlone = this.#source.isRoutingKey;
  }

  override match(input: RoutingInput, targets: Set<Target>): void {
    if (this.bindingCount === 0) return;
    const target = this.#targets.pick(this.#source.hash(input));
    if (target !== undefined) targets.add(target);
  }

  protected override checkBinding(binding: Binding): void {
    weightOf(binding);
  }

  protected override addToIndex(binding: Binding): void {
    this.#targets.add(binding, weightOf(binding));
  }

  protected override removeFromIndex(binding: Binding): void {
    this.#targets.remove(binding);
  }
}

/** @throws BrokerError PRECONDITION_FAILED for a binding key that is no integer from 1 to 10,000 (texts as RabbitMQ 4.3) */
function weightOf({ routingKey }: Binding): number {
  if (!INTEGER.test(routingKey)) {
    const octets = octetsFromString(routingKey);
    throw refused(`The binding key must be an integer: ${octetsPrinted(octets, 0, octets.length)}`);
  }
  const weight = Number(routingKey);
  if (weight < 1) throw refused("The binding key must be greater than 0");
  if (weight > WEIGHT_MAX) throw refused(`The binding key must not exceed ${WEIGHT_MAX}`);
  return weight;
}

function refused(explanation: string): BrokerError {
  return new BrokerError("PRECONDITION_FAILED", explanation);
}
