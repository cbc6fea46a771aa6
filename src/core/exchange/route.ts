// Hot file: runs for every message whose route is not cached.
import type { Destination, Exchange, RoutingInput } from "./exchange.ts";
import { isExchange, type Target } from "./target.ts";

const NO_NAMES: readonly string[] = [];

/** Where a message goes. */
export interface Route {
  /** Each destination once, however many bindings lead to it. Empty: the message is unroutable. */
  readonly destinations: readonly Destination[];
  /** True when the same routing keys lead to the same route until a binding, a queue or an exchange changes. */
  readonly cacheable: boolean;
  /** Of a route that is cacheable: the exchanges it came past, and those that were looked for and are not there. */
  readonly exchangeNames: readonly string[];
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
  if (matched.size === 0 && start.alternateExchange === undefined) return direct(start, []);
  const destinations: Destination[] = [];
  for (const target of matched) {
    if (isExchange(target)) return walk(start, matched, input, exchangeByName);
    destinations.push(target);
  }
  if (destinations.length === 0) return walk(start, matched, input, exchangeByName);
  return direct(start, destinations);
}

/** A route that leads past no other exchange. */
function direct({ name, routesByKeyAlone }: Exchange, destinations: readonly Destination[]): Route {
  return { destinations, cacheable: routesByKeyAlone, exchangeNames: routesByKeyAlone ? [name] : NO_NAMES };
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
  const missing: string[] = [];
  for (const exchange of visited) {
    cacheable &&= exchange.routesByKeyAlone;
    if (exchange !== start) {
      matched.clear();
      exchange.match(input, matched);
    }
    if (matched.size === 0 && exchange.alternateExchange !== undefined) {
      const alternate = exchangeByName(exchange.alternateExchange);
      if (alternate !== undefined) visited.add(alternate);
      else missing.push(exchange.alternateExchange);
    }
    for (const target of matched) {
      if (isExchange(target)) visited.add(target);
      else destinations.add(target);
    }
  }
  const exchangeNames = cacheable ? [...Array.from(visited, ({ name }) => name), ...missing] : NO_NAMES;
  return { destinations: [...destinations], cacheable, exchangeNames };
}
