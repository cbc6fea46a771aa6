import type { Destination, Exchange } from "./exchange.ts";

/** What a binding leads to: a queue (seen as a destination) or another exchange. */
export type Target = Destination | Exchange;

/** Tells an exchange from a queue. A destination must not have a `routesByKeyAlone` of its own. */
export function isExchange(target: Target): target is Exchange {
  return (target as Exchange).routesByKeyAlone !== undefined;
}
