import type { Destination, Exchange } from "./exchange.ts";

/** What a binding leads to: a queue (seen as a destination) or another exchange. */
export type Target = Destination | Exchange;

/** Tells an exchange from a queue. A destination must not have a `routesByKeyAlone` of its own. */
export function isExchange(target: Target): target is Exchange {
  return (target as Exchange).routesByKeyAlone !== undefined;
}

/** A text that no other target of the virtual host has, the same after a restart. */
export function targetIdentity(target: Target): string {
  return `${isExchange(target) ? "exchange" : "queue"} ${target.name}`;
}

/** Less than 0 when `a` comes before `b` in an order that is the same after a restart: exchanges first, then by name. */
export function targetOrder(a: Target, b: Target): number {
  const [identityOfA, identityOfB] = [targetIdentity(a), targetIdentity(b)];
  if (identityOfA === identityOfB) return 0;
  return identityOfA < identityOfB ? -1 : 1;
}
