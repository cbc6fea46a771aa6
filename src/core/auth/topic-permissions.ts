import { compositeId, type DefinitionSink, StoredFields } from "../definitions.ts";
import { BrokerError } from "../errors.ts";
import { AccessPattern } from "./access-pattern.ts";
import { literalPattern } from "../pattern/compile-pattern.ts";

/** Which routing keys a user may use with one topic exchange; regular expressions, searched for anywhere in the key. */
export interface TopicPermission {
  readonly vhost: string;
  readonly user: string;
  readonly exchange: string;
  /** For publishing. `{username}` and `{vhost}` in it stand for the names. */
  readonly write: string;
  /** For binding; otherwise the same. */
  readonly read: string;
}

interface Entry {
  readonly permission: TopicPermission;
  readonly write: AccessPattern;
  readonly read: AccessPattern;
}

/**
 * Topic permissions: a further check for topic exchanges. Where a user has none for an exchange, every routing key is
 * allowed. Source: RabbitMQ, "Topic Authorisation".
 */
export class TopicPermissions {
  readonly #definitions: DefinitionSink;
  /** By {@link ownerId}, then by exchange name: a user without topic permissions costs one look-up. */
  readonly #entries = new Map<string, Map<string, Entry>>();
  #generation = 0;

  constructor(definitions: DefinitionSink) {
    this.#definitions = definitions;
  }

  /** Grows with every change. */
  get generation(): number {
    return this.#generation;
  }

  /**
   * Sets or replaces a permission. That user and virtual host exist is for the caller to check.
   *
   * @throws BrokerError PRECONDITION_FAILED for an invalid regular expression
   */
  set(permission: TopicPermission): void {
    const { vhost, user, exchange, write, read } = permission;
    const stored: TopicPermission = { vhost, user, exchange, write, read };
    this.#insert(stored);
    this.#definitions.put("topic-permission", compositeId(vhost, user, exchange), stored);
  }

  get(vhost: string, user: string, exchange: string): TopicPermission | undefined {
    return this.#entries.get(ownerId(vhost, user))?.get(exchange)?.permission;
  }

  *list(): Iterable<TopicPermission> {
    for (const byExchange of this.#entries.values()) {
      for (const entry of byExchange.values()) yield entry.permission;
    }
  }

  /** Removes one permission; false when there is none. */
  clear(vhost: string, user: string, exchange: string): boolean {
    const owner = ownerId(vhost, user);
    const byExchange = this.#entries.get(owner);
    if (byExchange === undefined || !byExchange.delete(exchange)) return false;
    if (byExchange.size === 0) this.#entries.delete(owner);
    this.#generation++;
    this.#definitions.delete("topic-permission", compositeId(vhost, user, exchange));
    return true;
  }

  /** Removes the permissions of a user that is deleted. */
  clearUser(user: string): void {
    for (const permission of [...this.list()]) {
      if (permission.user === user) this.clear(permission.vhost, user, permission.exchange);
    }
  }

  /** Removes the permissions in a virtual host that is deleted. */
  clearVhost(vhost: string): void {
    for (const permission of [...this.list()]) {
      if (permission.vhost === vhost) this.clear(vhost, permission.user, permission.exchange);
    }
  }

  /** Takes over a stored permission at recovery. @throws InvalidDefinitionError */
  restore(id: string, value: unknown): void {
    const fields = new StoredFields("topic-permission", id, value);
    try {
      this.#insert({
        vhost: fields.string("vhost"),
        user: fields.string("user"),
        exchange: fields.string("exchange"),
        write: fields.string("write"),
        read: fields.string("read"),
      });
    } catch (error) {
      if (error instanceof BrokerError) fields.fail(error.message);
      throw error;
    }
  }

  /** Whether a user may use a routing key with a topic exchange. */
  allows(user: string, vhost: string, exchange: string, routingKey: string, access: "write" | "read"): boolean {
    if (this.#entries.size === 0) return true;
    const entry = this.#entries.get(ownerId(vhost, user))?.get(exchange);
    return entry === undefined || entry[access].allows(routingKey);
  }

  #insert(permission: TopicPermission): void {
    const entry: Entry = {
      permission,
      write: new AccessPattern(expandVariables(permission.write, permission)),
      read: new AccessPattern(expandVariables(permission.read, permission)),
    };
    const owner = ownerId(permission.vhost, permission.user);
    let byExchange = this.#entries.get(owner);
    if (byExchange === undefined) {
      byExchange = new Map();
      this.#entries.set(owner, byExchange);
    }
    byExchange.set(permission.exchange, entry);
    this.#generation++;
  }
}

/** Distinct for distinct pairs; made for every check, hence not by {@link compositeId}. */
function ownerId(vhost: string, user: string): string {
  return `${vhost.length}:${vhost}${user}`;
}

/** A name is put in as literal text, so that a user's name cannot widen the user's rights. */
function expandVariables(pattern: string, { user, vhost }: TopicPermission): string {
  return pattern
    .replaceAll("{username}", () => literalPattern(user))
    .replaceAll("{vhost}", () => literalPattern(vhost));
}
