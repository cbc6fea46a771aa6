// Hot file: resolve runs for every publish.

import { equalBytes } from "../../lib/bytes.ts";
import type { TableLimits } from "../../wire/field-table.ts";
import type { Permissions } from "../auth/permissions.ts";
import { BrokerError } from "../errors.ts";
import type { Destination, Exchange, RoutingInput } from "../exchange/exchange.ts";
import type { Route } from "../exchange/route.ts";
import type { KeptRoute, RouteChanges } from "../exchange/route-changes.ts";
import type { Message } from "../message.ts";
import { REPLY_QUEUE_PREFIX } from "../names.ts";
import type { Vhost } from "../vhost.ts";
import { messageHeaders } from "./message-inspector.ts";

/** Memory for the routes kept by address; all are dropped when it is used up. */
const ROUTES_BYTES_MAX = 512 * 1024;
/** Rough cost of one route, and of each destination and each exchange in it. */
const ROUTE_BYTES = 192;
const STOP_BYTES = 8;

const NO_KEYS: readonly string[] = [];

/** Where messages of one address go. */
interface AddressRoute extends KeptRoute {
  readonly destinations: readonly Destination[];
}

/**
 * Finds where the messages of one publisher go. The last route is kept by the bytes of exchange name and routing key,
 * further ones by their text, until permissions change or something of the topology that has to do with them.
 */
export class RouteResolver {
  readonly #vhost: Vhost;
  readonly #permissions: Permissions;
  readonly #userName: string;
  readonly #tableLimits: TableLimits;
  readonly #changes: RouteChanges;
  #permissionGeneration = -1;
  readonly #lastAddress = Buffer.alloc(512);
  #lastAddressBytes = -1;
  #last: AddressRoute | undefined;
  readonly #routes = new Map<string, AddressRoute>();
  #routesBytes = 0;
  /** The version of the topology when the routes were last gone through. */
  #sweptVersion = 0;

  constructor(vhost: Vhost, permissions: Permissions, userName: string, tableLimits: TableLimits) {
    this.#vhost = vhost;
    this.#changes = vhost.routeChanges;
    this.#permissions = permissions;
    this.#userName = userName;
    this.#tableLimits = tableLimits;
  }

  /**
   * The destinations of `message`.
   *
   * @throws BrokerError NOT_FOUND for a missing exchange, ACCESS_REFUSED for an internal one or a lacking permission
   */
  resolve(message: Message): readonly Destination[] {
    if (this.#permissionGeneration !== this.#permissions.generation) this.#forget();
    const { version } = this.#changes;
    const addressBytes = message.addressEnd - message.addressStart;
    if (
      addressBytes === this.#lastAddressBytes &&
      equalBytes(message.buffer, message.addressStart, message.addressEnd, this.#lastAddress, 0)
    ) {
      const last = this.#last as AddressRoute;
      if (last.version === version || this.#changes.leaveAlone(last)) return last.destinations;
    }
    const address = message.buffer.toString("latin1", message.addressStart, message.addressEnd);
    const known = this.#routes.get(address);
    if (known !== undefined && (known.version === version || this.#changes.leaveAlone(known))) {
      this.#remember(message, known);
      return known.destinations;
    }
    return this.#find(message, address);
  }

  /**
   * The destinations of `message` for its routing key and `furtherKeys` (CC and BCC); never kept.
   *
   * @throws BrokerError as {@link resolve}
   */
  resolveKeys(message: Message, furtherKeys: readonly string[]): readonly Destination[] {
    return this.#route(message, furtherKeys).destinations;
  }

  #find(message: Message, address: string): readonly Destination[] {
    const { destinations, cacheable, exchangeNames } = this.#route(message, NO_KEYS);
    const { routingKey } = message;
    // Names of reply queues are used for a while and never again.
    if (!cacheable || routingKey.startsWith(REPLY_QUEUE_PREFIX)) return destinations;
    const route = { routingKey, exchangeNames, destinations, version: this.#changes.version };
    this.#keep(address, route);
    this.#remember(message, route);
    return destinations;
  }

  #keep(address: string, route: AddressRoute): void {
    if (this.#sweptVersion < this.#changes.rememberedFrom) this.#sweep();
    const outdated = this.#routes.get(address);
    if (outdated !== undefined) this.#drop(address, outdated);
    const bytes = bytesOf(address, route);
    if (this.#routesBytes + bytes > ROUTES_BYTES_MAX) this.#clearRoutes();
    this.#routes.set(address, route);
    this.#routesBytes += bytes;
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

  /**
   * Checks what {@link resolve} checks, without a route.
   *
   * @throws BrokerError as {@link resolve}
   */
  check(message: Message): void {
    this.#publishable(message.exchangeName, message.routingKey);
  }

  #route(message: Message, furtherKeys: readonly string[]): Route {
    const { exchangeName, routingKey } = message;
    const exchange = this.#publishable(exchangeName, routingKey);
    let headers: ReturnType<typeof messageHeaders>;
    let decoded = false;
    const tableLimits = this.#tableLimits;
    const input: RoutingInput = {
      routingKeys: [routingKey, ...furtherKeys],
      headers() {
        if (!decoded) headers = messageHeaders(message, tableLimits);
        decoded = true;
        return headers;
      },
      message,
    };
    return this.#vhost.route(exchange, input);
  }

  /** The exchange, to which the user may publish with this key. */
  #publishable(exchangeName: string, routingKey: string): Exchange {
    const vhostName = this.#vhost.name;
    this.#permissions.checkResource(this.#userName, vhostName, "exchange", exchangeName, "write");
    const exchange = this.#vhost.requireExchange(exchangeName);
    if (exchange.internal) {
      throw new BrokerError(
        "ACCESS_REFUSED",
        `cannot publish to internal exchange '${exchangeName}' in vhost '${vhostName}'`,
      );
    }
    if (exchange.type === "topic") {
      this.#permissions.checkTopic(this.#userName, vhostName, exchangeName, routingKey, "write");
    }
    return exchange;
  }

  #remember(message: Message, route: AddressRoute): void {
    const { buffer, addressStart, addressEnd } = message;
    buffer.copy(this.#lastAddress, 0, addressStart, addressEnd);
    this.#lastAddressBytes = addressEnd - addressStart;
    this.#last = route;
  }

  #forget(): void {
    this.#permissionGeneration = this.#permissions.generation;
    this.#lastAddressBytes = -1;
    this.#last = undefined;
    this.#clearRoutes();
  }

  #clearRoutes(): void {
    this.#routes.clear();
    this.#routesBytes = 0;
  }
}

function bytesOf(address: string, { destinations, exchangeNames }: AddressRoute): number {
  return ROUTE_BYTES + address.length + STOP_BYTES * (destinations.length + exchangeNames.length);
}
