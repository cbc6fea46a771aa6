import { compositeId, type DefinitionSink, StoredFields } from "../definitions.ts";
import { BrokerError } from "../errors.ts";
import { type Access, AccessPattern } from "./access-pattern.ts";
import { TopicPermissions } from "./topic-permissions.ts";

/** What a user may do in a virtual host; regular expressions, searched for anywhere in a queue's or exchange's name. */
export interface Permission {
  readonly vhost: string;
  readonly user: string;
  /** For declaring and deleting. "" allows nothing. */
  readonly configure: string;
  /** For publishing to an exchange and binding a queue. */
  readonly write: string;
  /** For consuming from a queue and binding to an exchange. */
  readonly read: string;
}

export type ResourceKind = "exchange" | "queue";

/** The name under which permissions know the exchange without a name. */
const DEFAULT_EXCHANGE_NAME = "amq.default";

interface Entry {
  readonly permission: Permission;
  readonly configure: AccessPattern;
  readonly write: AccessPattern;
  readonly read: AccessPattern;
}

/** Who may do what in which virtual host. Source: RabbitMQ, "Authentication, Authorisation, Access Control". */
export class Permissions {
  /** The further check for topic exchanges. */
  readonly topics: TopicPermissions;
  readonly #definitions: DefinitionSink;
  /** By virtual host, then by user. */
  readonly #entries = new Map<string, Map<string, Entry>>();
  #generation = 0;

  constructor(definitions: DefinitionSink) {
    this.#definitions = definitions;
    this.topics = new TopicPermissions(definitions);
  }

  /** Grows with every change to any permission, topic permissions included: what was allowed before may not be now. */
  get generation(): number {
    return this.#generation + this.topics.generation;
  }

  /**
   * Sets or replaces a permission. That user and virtual host exist is for the caller to check.
   *
   * @throws BrokerError PRECONDITION_FAILED for an invalid regular expression
   */
  set(permission: Permission): void {
    const { vhost, user, configure, write, read } = permission;
    const stored: Permission = { vhost, user, configure, write, read };
    this.#insert(stored);
    this.#definitions.put("permission", compositeId(vhost, user), stored);
  }

  get(vhost: string, user: string): Permission | undefined {
    return this.#entries.get(vhost)?.get(user)?.permission;
  }

  *list(): Iterable<Permission> {
    for (const byUser of this.#entries.values()) {
      for (const entry of byUser.values()) yield entry.permission;
    }
  }

  /** Takes a user's access to a virtual host away; false when there is none. Topic permissions stay, as in RabbitMQ. */
  clear(vhost: string, user: string): boolean {
    const byUser = this.#entries.get(vhost);
    if (byUser === undefined || !byUser.delete(user)) return false;
    if (byUser.size === 0) this.#entries.delete(vhost);
    this.#generation++;
    this.#definitions.delete("permission", compositeId(vhost, user));
    return true;
  }

  /** Removes everything a user that is deleted was permitted. */
  clearUser(user: string): void {
    for (const vhost of [...this.#entries.keys()]) this.clear(vhost, user);
    this.topics.clearUser(user);
  }

  /** Removes everything that was permitted in a virtual host that is deleted. */
  clearVhost(vhost: string): void {
    for (const user of [...(this.#entries.get(vhost)?.keys() ?? [])]) this.clear(vhost, user);
    this.topics.clearVhost(vhost);
  }

  /** Takes over a stored permission at recovery. @throws InvalidDefinitionError */
  restore(id: string, value: unknown): void {
    const fields = new StoredFields("permission", id, value);
    try {
      this.#insert({
        vhost: fields.string("vhost"),
        user: fields.string("user"),
        configure: fields.string("configure"),
        write: fields.string("write"),
        read: fields.string("read"),
      });
    } catch (error) {
      if (error instanceof BrokerError) fields.fail(error.message);
      throw error;
    }
  }

  /** @throws BrokerError NOT_ALLOWED when the user has no permission at all, not even an empty one, in the virtual host */
  checkVhostAccess(user: string, vhost: string): void {
    if (this.#entries.get(vhost)?.has(user) === true) return;
    throw new BrokerError("NOT_ALLOWED", `access to vhost '${vhost}' refused for user '${user}'`);
  }

  /** @throws BrokerError ACCESS_REFUSED when the user may not access the queue or exchange that way */
  checkResource(user: string, vhost: string, kind: ResourceKind, name: string, access: Access): void {
    if (this.allows(user, vhost, kind, name, access)) return;
    throw accessRefused(user, vhost, kind, permittedName(kind, name), access);
  }

  /** Whether the user may access the queue or exchange that way. */
  allows(user: string, vhost: string, kind: ResourceKind, name: string, access: Access): boolean {
    return this.#entries.get(vhost)?.get(user)?.[access].allows(permittedName(kind, name)) === true;
  }

  /**
   * For a passive declare, which any of the three accesses permits.
   *
   * @throws BrokerError ACCESS_REFUSED when the user may not access the queue or exchange in any way
   */
  checkAnyAccess(user: string, vhost: string, kind: ResourceKind, name: string): void {
    const checkedName = permittedName(kind, name);
    const entry = this.#entries.get(vhost)?.get(user);
    if (entry !== undefined) {
      if (entry.configure.allows(checkedName)) return;
      if (entry.write.allows(checkedName)) return;
      if (entry.read.allows(checkedName)) return;
    }
    throw accessRefused(user, vhost, kind, checkedName, "configure");
  }

  /**
   * For publishing to a topic exchange (write) and binding to one (read), beside {@link checkResource}. RabbitMQ asks
   * this of exchanges of type topic only.
   *
   * @throws BrokerError ACCESS_REFUSED when the user may not use the routing key with the exchange
   */
  checkTopic(user: string, vhost: string, exchange: string, routingKey: string, access: "write" | "read"): void {
    if (this.topics.allows(user, vhost, exchange, routingKey, access)) return;
    throw new BrokerError(
      "ACCESS_REFUSED",
      `${access} access to topic '${routingKey}' in exchange '${exchange}' in vhost '${vhost}' refused for user '${user}'`,
    );
  }

  #insert(permission: Permission): void {
    const entry: Entry = {
      permission,
      configure: new AccessPattern(permission.configure),
      write: new AccessPattern(permission.write),
      read: new AccessPattern(permission.read),
    };
    let byUser = this.#entries.get(permission.vhost);
    if (byUser === undefined) {
      byUser = new Map();
      this.#entries.set(permission.vhost, byUser);
    }
    byUser.set(permission.user, entry);
    this.#generation++;
  }
}

/** The name that patterns are compared with. */
function permittedName(kind: ResourceKind, name: string): string {
  return kind === "exchange" && name === "" ? DEFAULT_EXCHANGE_NAME : name;
}

function accessRefused(user: string, vhost: string, kind: ResourceKind, name: string, access: Access): BrokerError {
  return new BrokerError(
    "ACCESS_REFUSED",
    `${access} access to ${kind} '${name}' in vhost '${vhost}' refused for user '${user}'`,
  );
}
