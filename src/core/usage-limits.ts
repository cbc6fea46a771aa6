import { assert } from "../lib/assert.ts";
import type { DefinitionSink } from "./definitions.ts";
import { BrokerError } from "./errors.ts";
import { LimitTable } from "./limit-table.ts";

/**
 * How much each virtual host and each user may have open at one time, and how much that is at present. A limit that is
 * lowered closes nothing that is open. RabbitMQ: "Virtual Hosts", "Per-User Resource Limits".
 */
export class UsageLimits {
  readonly vhosts: LimitTable;
  readonly users: LimitTable;
  readonly #vhostConnections = new Counts();
  readonly #userConnections = new Counts();
  readonly #userChannels = new Counts();

  constructor(definitions: DefinitionSink) {
    this.vhosts = new LimitTable("vhost-limits", definitions);
    this.users = new LimitTable("user-limits", definitions);
  }

  /** @throws BrokerError NOT_ALLOWED when the virtual host or the user has as many connections as it may have */
  checkConnection(user: string, vhost: string): void {
    const vhostMax = this.vhosts.limit(vhost, "max-connections");
    if (vhostMax !== undefined && this.#vhostConnections.of(vhost) >= vhostMax) {
      throw notAllowed(
        `access to vhost '${vhost}' refused for user '${user}': connection limit (${vhostMax}) is reached`,
      );
    }
    const userMax = this.users.limit(user, "max-connections");
    if (userMax !== undefined && this.#userConnections.of(user) >= userMax) {
      throw notAllowed(`connection refused for user '${user}': user connection limit (${userMax}) is reached`);
    }
  }

  connectionOpened(user: string, vhost: string): void {
    this.#vhostConnections.increment(vhost);
    this.#userConnections.increment(user);
  }

  connectionClosed(user: string, vhost: string): void {
    this.#vhostConnections.decrement(vhost);
    this.#userConnections.decrement(user);
  }

  /** Counts a channel, or whatever is one in another protocol. @throws BrokerError NOT_ALLOWED when the user has enough */
  openChannel(user: string): void {
    const max = this.users.limit(user, "max-channels");
    if (max !== undefined && this.#userChannels.of(user) >= max) {
      throw notAllowed(
        `number of channels opened for user '${user}' has reached the maximum allowed user limit of ${max}`,
      );
    }
    this.#userChannels.increment(user);
  }

  channelClosed(user: string): void {
    this.#userChannels.decrement(user);
  }

  /** Most queues in a virtual host; Infinity: no limit. */
  queuesMax(vhost: string): number {
    return this.vhosts.limit(vhost, "max-queues") ?? Number.POSITIVE_INFINITY;
  }

  /** Open connections to a virtual host. */
  vhostConnectionCount(vhost: string): number {
    return this.#vhostConnections.of(vhost);
  }

  /** Open connections of a user. */
  userConnectionCount(user: string): number {
    return this.#userConnections.of(user);
  }

  /** Open channels of a user. */
  userChannelCount(user: string): number {
    return this.#userChannels.of(user);
  }
}

/** How many there are of something for each name. */
class Counts {
  readonly #counts = new Map<string, number>();

  of(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  increment(name: string): void {
    this.#counts.set(name, this.of(name) + 1);
  }

  decrement(name: string): void {
    const count = this.of(name);
    assert(count > 0, "what is closed has been opened");
    if (count === 1) this.#counts.delete(name);
    else this.#counts.set(name, count - 1);
  }
}

function notAllowed(explanation: string): BrokerError {
  return new BrokerError("NOT_ALLOWED", explanation);
}
