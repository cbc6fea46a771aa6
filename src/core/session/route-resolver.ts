// Hot file: resolve runs for every publish.

import type { TableLimits } from "../../wire/field-table.ts";
import type { Permissions } from "../auth/permissions.ts";
import { delayOf } from "../delay-header.ts";
import { BrokerError } from "../errors.ts";
import type { Destination, Exchange, RoutingInput } from "../exchange/exchange.ts";
import { KeptRoutes } from "../exchange/kept-routes.ts";
import type { Route } from "../exchange/route.ts";
import type { Message } from "../message.ts";
import type { Vhost } from "../vhost.ts";
import { messageHeaders } from "./message-inspector.ts";

const NO_KEYS: readonly string[] = [];

/**
 * Finds where the messages of one publisher go. Routes are kept until permissions change, or something of the topology
 * that has to do with them.
 */
export class RouteResolver {
  readonly #vhost: Vhost;
  readonly #permissions: Permissions;
  readonly #userName: string;
  readonly #tableLimits: TableLimits;
  readonly #kept: KeptRoutes;

  constructor(vhost: Vhost, permissions: Permissions, userName: string, tableLimits: TableLimits) {
    this.#vhost = vhost;
    this.#kept = new KeptRoutes(vhost.routeChanges, vhost.routeTables.of(userName));
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
    this.#kept.requirePermissions(this.#permissions.generation);
    const known = this.#kept.find(message);
    if (known !== undefined && (!known.isForDelayed || delayOf(message) > 0)) return known.destinations;
    return this.#find(message);
  }

  /**
   * The destinations of `message` for its routing key and `furtherKeys` (CC and BCC); never kept.
   *
   * @throws BrokerError as {@link resolve}
   */
  resolveKeys(message: Message, furtherKeys: readonly string[]): readonly Destination[] {
    return this.#route(message, furtherKeys).destinations;
  }

  #find(message: Message): readonly Destination[] {
    const exchange = this.#publishable(message.exchangeName, message.routingKey);
    const { delayLine } = exchange;
    if (delayLine !== undefined && delayOf(message) > 0) {
      const destinations = [delayLine];
      this.#kept.keep(message, destinations, [exchange.name], true);
      return destinations;
    }
    const { destinations, cacheable, exchangeNames } = this.#routeFrom(exchange, message, NO_KEYS);
    if (cacheable) this.#kept.keep(message, destinations, exchangeNames);
    return destinations;
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
    return this.#routeFrom(this.#publishable(message.exchangeName, message.routingKey), message, furtherKeys);
  }

  #routeFrom(exchange: Exchange, message: Message, furtherKeys: readonly string[]): Route {
    const { routingKey } = message;
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
}
