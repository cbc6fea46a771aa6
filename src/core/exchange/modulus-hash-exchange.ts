// Hot file: match runs for every message whose route is not cached.
import { octetsFromString } from "../../wire/octet-string.ts";
import { BoundExchange } from "./bound-exchange.ts";
import type { Binding, RoutingInput } from "./exchange.ts";
import { murmurHash } from "./murmur-hash.ts";
import { type Target, targetOrder } from "./target.ts";

/**
 * Routes each message to one binding: the one that the hash of the routing keys modulo the number of bindings points
 * at, the bindings ordered by target. Binding keys play no part, but a target that is bound twice gets twice as much.
 * As long as the bindings stay the same, so does the target of a routing key, restarts included; which one it is
 * differs from RabbitMQ's choice. RabbitMQ 4.3: modulus hash exchange.
 */
export class ModulusHashExchange extends BoundExchange {
  override readonly routesByKeyAlone = true;
  /** One for each binding, in order; undefined: to be put in order when the next message comes. */
  #targets: readonly Target[] | undefined = [];

  override match(input: RoutingInput, targets: Set<Target>): void {
    this.#targets ??= Array.from(this.bindings, ({ target }) => target).sort(targetOrder);
    if (this.#targets.length > 0) targets.add(this.#targets[hashOf(input.routingKeys) % this.#targets.length]!);
  }

  protected override addToIndex(_binding: Binding): void {
    this.#targets = undefined;
  }

  protected override removeFromIndex(_binding: Binding): void {
    this.#targets = undefined;
  }
}

function hashOf(routingKeys: readonly string[]): number {
  let hash = 0;
  for (let i = 0; i < routingKeys.length; i++) {
    const octets = octetsFromString(routingKeys[i]!);
    hash = murmurHash(octets, 0, octets.length, hash);
  }
  return hash;
}
