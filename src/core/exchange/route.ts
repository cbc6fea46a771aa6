// Hot file: runs for every message whose route is not cached.
import type { Destination, Exchange, RoutingInput } from "./exchange.ts";
import { isExchange, type Target } from "./target.ts";

/** Where a message goes. */
export interface Route {
  /** Each destination once, however many bindings lead to it. Empty: the message is unroutable. */
  readonly destinations: readonly Destination[];
  /** True when the same routing keys lead to the same route until a binding, a queue or an exchange changes. */
  readonly cacheable: boolean;
}

/**
 * Finds the destinations of a message published to `start`: through bindings from exchange to exchange, each
 * exchange visited once, and through the alternate exchange of every visited exchange that matched nothing.
 * RabbitMQ: exchange-to-exchange bindings, alternate exchanges.
 *
 * @param exchangeByName finds an exchange of the virtual host; an alternate exchange that does not exist is passed over
 */
export function routeMessage(
  start: Exchange,
  input: RoutingInput,
  exchangeByName: (name: string) => Exchange | undefined,
): Route {
  const matched = new Set<Target>();
  start.match(input, matched);
  if (matched.size === 0 && start.alternateExchange === undefined) {
    return { destinations: [], cacheable: start.routesByKeyAlone };
  }
  const destinations: Destination[] = [];
  for (const target of matched) {
    if (isExchange(target)) return walk(start, matched, input, exchangeByName);
    destinations.push(target);
  }
  if (destinations.length === 0) return walk(start, matched, input, exchangeByName);
  return { destinations, cacheable: start.routesByKeyAlone };
}

/** @param matched the targets that `start` matched; matching twice could give others */
function walk(
  start: Exchange,
  matched: Set<Target>,
  input: RoutingInput,
  exchangeByName: (name: string) => Exchange | undefined,
): Route {
  const destinations = new Set<Destination>();
  // A set is iterated in insertion order, entries added meanwhile included, so it is the queue of work as well.
  const visited = new Set<Exchange>([start]);
  let cacheable = true;
  for (const exchange of visited) {
    cacheable &&= exchange.routesByKeyAlone;
    if (exchange !== start) {
      matched.clear();
      exchange.match(input, matched);
    }
    if (matched.size === 0 && exchange.alternateExchange !== undefined) {
      const alternate = exchangeByName(exchange.alternateExchange);
      if (alternate !== undefined) visited.add(alternate);
    }
    for (const target of matched) {
      if (isExchange(target)) visited.add(target);
      else destinations.add(target);
    }
  }
  return { destinations: [...destinations], cacheable };
}
