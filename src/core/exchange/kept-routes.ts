// Hot file: find runs for every publish.

import { equalBytes } from "../../lib/bytes.ts";
import type { Destination } from "../destination.ts";
import type { Message } from "../message.ts";
import { REPLY_QUEUE_PREFIX } from "../names.ts";
import type { RouteChanges } from "./route-changes.ts";
import { type AddressRoute, RouteTable } from "./route-table.ts";

/** The longest address: two shortstrs. */
const ADDRESS_BYTES_MAX = 512;

/**
 * The routes of one publisher by the address of the message, until something of the topology changes that has to do with
 * them. The last is kept by the octets of exchange name and routing key, further ones in a table that may be shared.
 */
export class KeptRoutes {
  readonly #changes: RouteChanges;
  readonly #lastAddress = Buffer.alloc(ADDRESS_BYTES_MAX);
  #lastAddressBytes = -1;
  #last: AddressRoute | undefined;
  #permissionGeneration = -1;
  readonly #table: RouteTable;

  constructor(changes: RouteChanges, table = new RouteTable(changes)) {
    this.#changes = changes;
    this.#table = table;
  }

  /** The route of a message's address; undefined when none is known, or what was known may be wrong by now. */
  find(message: Message): AddressRoute | undefined {
    const addressBytes = message.addressEnd - message.addressStart;
    if (
      addressBytes === this.#lastAddressBytes &&
      equalBytes(message.buffer, message.addressStart, message.addressEnd, this.#lastAddress, 0)
    ) {
      const last = this.#last as AddressRoute;
      if (this.#changes.stillHolds(last)) return last;
    }
    const known = this.#table.find(addressOf(message));
    if (known !== undefined) this.#remember(message, known);
    return known;
  }

  /**
   * Keeps the route of a message's address as it is now.
   *
   * @param exchangeNames the exchanges it came past, and those that were looked for and are not there
   */
  keep(
    message: Message,
    destinations: readonly Destination[],
    exchangeNames: readonly string[],
    isForDelayed = false,
  ): void {
    const { routingKey } = message;
    // Names of reply queues are used for a while and never again.
    if (routingKey.startsWith(REPLY_QUEUE_PREFIX)) return;
    const route = { routingKey, exchangeNames, destinations, isForDelayed, version: this.#changes.version };
    this.#table.add(addressOf(message), route);
    this.#remember(message, route);
  }

  /** Drops what was found with other permissions than those of now, of which this is the generation. */
  requirePermissions(generation: number): void {
    if (generation === this.#permissionGeneration) return;
    this.#permissionGeneration = generation;
    this.#lastAddressBytes = -1;
    this.#last = undefined;
    this.#table.requirePermissions(generation);
  }

  #remember(message: Message, route: AddressRoute): void {
    const { buffer, addressStart, addressEnd } = message;
    buffer.copy(this.#lastAddress, 0, addressStart, addressEnd);
    this.#lastAddressBytes = addressEnd - addressStart;
    this.#last = route;
  }
}

function addressOf({ buffer, addressStart, addressEnd }: Message): string {
  return buffer.toString("latin1", addressStart, addressEnd);
}
