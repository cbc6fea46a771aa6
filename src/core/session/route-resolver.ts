// Hot file: resolve runs for every publish.

import { equalBytes } from "../../lib/bytes.ts";
import type { TableLimits } from "../../wire/field-table.ts";
import type { Permissions } from "../auth/permissions.ts";
import { BrokerError } from "../errors.ts";
import type { Destination, Exchange, RoutingInput } from "../exchange/exchange.ts";
import type { Route } from "../exchange/route.ts";
import type { Message } from "../message.ts";
import type { Vhost } from "../vhost.ts";
import { messageHeaders } from "./message-inspector.ts";

/** Memory for the routes kept by address; all are dropped when it is used up, or when anything changes that could alter them. */
const ROUTES_BYTES_MAX = 256 * 1024;
/** Rough cost of one route, and of each destination in it. */
const ROUTE_BYTES = 96;
const DESTINATION_BYTES = 8;

const NO_KEYS: readonly string[] = [];
const NO_DESTINATIONS: readonly Destination[] = [];

/**
 * Finds where the messages of one publisher go. The last route is kept by the bytes of exchange name and routing key,
 * further ones by their text, as long as neither topology nor permissions change.
 */
export class RouteResolver {
  readonly #vhost: Vhost;
  readonly #permissions: Permissions;
  readonly #userName: string;
  readonly #tableLimits: TableLimits;
  #topologyGeneration = -1;
  #permissionGeneration = -1;
  #lastAddress = Buffer.alloc(512);
  #lastAddressBytes = -1;
  #lastDestinations: readonly Destination[] = NO_DESTINATIONS;
  readonly #routes = new Map<string, readonly Destination[]>();
  #routesBytes = 0;

  constructor(vhost: Vhost, permissions: Permissions, userName: string, tableLimits: TableLimits) {
    this.#vhost = vhost;
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
    if (
      this.#topologyGeneration !== this.#vhost.topologyGeneration ||
      this.#permissionGeneration !== this.#permissions.generation
    ) {
      this.#forget();
    }
    const addressBytes = message.addressEnd - message.addressStart;
    if (
      addressBytes === this.#lastAddressBytes &&
      equalBytes(message.buffer, message.addressStart, message.addressEnd, this.#lastAddress, 0)
    ) {
      return this.#lastDestinations;
    }
    const address = message.buffer.toString("latin1", message.addressStart, message.addressEnd);
    const known = this.#routes.get(address);
    if (known !== undefined) {
      this.#remember(message, known);
      return known;
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
    const route = this.#route(message, NO_KEYS);
    if (route.cacheable) {
      const bytes = ROUTE_BYTES + address.length + DESTINATION_BYTES * route.destinations.length;
      if (this.#routesBytes + bytes > ROUTES_BYTES_MAX) this.#clearRoutes();
      this.#routes.set(address, route.destinations);
      this.#routesBytes += bytes;
      this.#remember(message, route.destinations);
    }
    return route.destinations;
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

  #remember(message: Message, destinations: readonly Destination[]): void {
    const { buffer, addressStart, addressEnd } = message;
    buffer.copy(this.#lastAddress, 0, addressStart, addressEnd);
    this.#lastAddressBytes = addressEnd - addressStart;
    this.#lastDestinations = destinations;
  }

  #forget(): void {
    this.#topologyGeneration = this.#vhost.topologyGeneration;
    this.#permissionGeneration = this.#permissions.generation;
    this.#lastAddressBytes = -1;
    this.#lastDestinations = NO_DESTINATIONS;
    this.#clearRoutes();
  }

  #clearRoutes(): void {
    this.#routes.clear();
    this.#routesBytes = 0;
  }
}
