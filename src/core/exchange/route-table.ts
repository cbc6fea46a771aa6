// Hot file: find runs for every publish whose address is not that of the publisher's message before.

import type { Destination } from "../destination.ts";
import type { KeptRoute, RouteChanges } from "./route-changes.ts";

/** Memory for the routes; all are dropped when it is used up. */
const ROUTES_BYTES_MAX = 4 * 1024 * 1024;
/** Rough cost of one route, and of each destination and each exchange in it. */
const ROUTE_BYTES = 192;
const STOP_BYTES = 8;

/** Where messages of one address go. */
export interface AddressRoute extends KeptRoute {
  readonly destinations: readonly Destination[];
  /** True when it holds for messages that ask for a delay, and of others is not known. */
  readonly isForDelayed: boolean;
}

/** Routes by the text of the address, until something of the topology changes that has to do with them. */
export class RouteTable {
  readonly #changes: RouteChanges;
  readonly #routes = new Map<string, AddressRoute>();
  #routesBytes = 0;
  /** The version of the topology when the routes were last gone through. */
  #sweptVersion = 0;
  #permissionGeneration = -1;

  constructor(changes: RouteChanges) {
    this.#changes = changes;
  }

  /** Undefined when none is known, or what was known may be wrong by now. */
  find(address: string): AddressRoute | undefined {
    const known = this.#routes.get(address);
    return known === undefined || this.#changes.stillHolds(known) ? known : undefined;
  }

  add(address: string, route: AddressRoute): void {
    if (this.#sweptVersion < this.#changes.rememberedFrom) this.#sweep();
    const outdated = this.#routes.get(address);
    if (outdated !== undefined) this.#drop(address, outdated);
    const bytes = bytesOf(address, route);
    if (this.#routesBytes + bytes > ROUTES_BYTES_MAX) this.clear();
    this.#routes.set(address, route);
    this.#routesBytes += bytes;
  }

  /** Drops the routes if permissions were others when they were found. */
  requirePermissions(generation: number): void {
    if (generation === this.#permissionGeneration) return;
    this.#permissionGeneration = generation;
    this.clear();
  }

  clear(): void {
    this.#routes.clear();
    this.#routesBytes = 0;
  }

  /** Lets go of routes too old to be of use, and so of queues that are gone. */
  #sweep(): void {
    for (const [address, route] of this.#routes) {
      if (route.version < this.#changes.rememberedFrom) this.#drop(address, route);
    }
    this.#sweptVersion = this.#changes.version;
  }

  #drop(address: string, route: AddressRoute): void {
    this.#routes.delete(address);
    this.#routesBytes -= bytesOf(address, route);
  }
}

/** The tables of a virtual host: publishers of one user share one, as long as any of them is there. */
export class RouteTables {
  readonly #changes: RouteChanges;
  readonly #tables = new Map<string, WeakRef<RouteTable>>();

  constructor(changes: RouteChanges) {
    this.#changes = changes;
  }

  of(userName: string): RouteTable {
    const known = this.#tables.get(userName)?.deref();
    if (known !== undefined) return known;
    const table = new RouteTable(this.#changes);
    this.#tables.set(userName, new WeakRef(table));
    return table;
  }
}

function bytesOf(address: string, { destinations, exchangeNames }: AddressRoute): number {
  return ROUTE_BYTES + address.length + STOP_BYTES * (destinations.length + exchangeNames.length);
}
