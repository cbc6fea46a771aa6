import type { Broker } from "../../src/core/broker.ts";
import { setPolicy } from "../../src/core/commands/set-policy.ts";
import { BrokerError } from "../../src/core/errors.ts";
import type { PolicyKind, PolicySpec } from "../../src/core/policy/policy.ts";
import type { QueueType } from "../../src/core/queue-type.ts";
import { NO_METADATA } from "../../src/core/vhost-metadata.ts";

/** What a user may do, as patterns; what is left out may not be done. */
export interface Patterns {
  readonly configure?: string;
  readonly write?: string;
  readonly read?: string;
}

/** What an administrator does to the broker under test. The names in use must not be those of another test. */
export interface Administration {
  /** Adds a virtual host that guest may use. */
  addVhost(name: string, defaultQueueType?: QueueType): Promise<void>;
  deleteVhost(name: string): Promise<void>;
  addUser(name: string, password: string): Promise<void>;
  deleteUser(name: string): Promise<void>;
  setPermissions(vhost: string, user: string, patterns: Patterns): Promise<void>;
  clearPermissions(vhost: string, user: string): Promise<void>;
  /** @throws RefusedError */
  setPolicy(kind: PolicyKind, vhost: string, name: string, spec: PolicySpec): Promise<void>;
  deletePolicy(kind: PolicyKind, vhost: string, name: string): Promise<void>;
  setVhostLimit(vhost: string, name: string, value: number): Promise<void>;
  setUserLimit(user: string, name: string, value: number): Promise<void>;
}

/** The broker has refused; the message is its reason. */
export class RefusedError extends Error {}

/** For a Leveret in this process. */
export class InsideAdministration implements Administration {
  readonly #broker: Broker;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  async addVhost(name: string, defaultQueueType?: QueueType): Promise<void> {
    this.#broker.createVhost(name, { ...NO_METADATA, defaultQueueType });
    await this.setPermissions(name, "guest", { configure: ".*", write: ".*", read: ".*" });
  }

  async deleteVhost(name: string): Promise<void> {
    const vhost = this.#broker.findVhost(name);
    if (vhost !== undefined) this.#broker.deleteVhost(vhost);
  }

  async addUser(name: string, password: string): Promise<void> {
    this.#broker.users.add(name, { password }, []);
  }

  async deleteUser(name: string): Promise<void> {
    this.#broker.users.delete(name);
  }

  async setPermissions(vhost: string, user: string, patterns: Patterns): Promise<void> {
    this.#broker.permissions.set({ vhost, user, configure: "", write: "", read: "", ...patterns });
  }

  async clearPermissions(vhost: string, user: string): Promise<void> {
    this.#broker.permissions.clear(vhost, user);
  }

  async setPolicy(kind: PolicyKind, vhost: string, name: string, spec: PolicySpec): Promise<void> {
    const guest = this.#broker.users.get("guest");
    if (guest === undefined) throw new Error("there is no user guest");
    try {
      setPolicy(this.#broker.administrationContext(guest), { kind, vhost, name }, spec);
    } catch (error) {
      throw error instanceof BrokerError ? new RefusedError(error.message) : error;
    }
  }

  async deletePolicy(kind: PolicyKind, vhost: string, name: string): Promise<void> {
    this.#broker.policies.delete(kind, vhost, name);
  }

  async setVhostLimit(vhost: string, name: string, value: number): Promise<void> {
    this.#broker.usage.vhosts.update(vhost, { [name]: value });
  }

  async setUserLimit(user: string, name: string, value: number): Promise<void> {
    this.#broker.usage.users.update(user, { [name]: value });
  }
}

/** For a broker with RabbitMQ's HTTP API. */
export class HttpAdministration implements Administration {
  readonly #base: string;
  readonly #authorization: string;

  /** @param url with user and password, e.g. `http://guest:guest@127.0.0.1:15672` */
  constructor(url: string) {
    const { origin, username, password } = new URL(url);
    this.#base = `${origin}/api`;
    this.#authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  }

  async addVhost(name: string, defaultQueueType?: QueueType): Promise<void> {
    await this.#request("PUT", ["vhosts", name], { default_queue_type: defaultQueueType });
    await this.setPermissions(name, "guest", { configure: ".*", write: ".*", read: ".*" });
  }

  deleteVhost(name: string): Promise<void> {
    return this.#request("DELETE", ["vhosts", name]);
  }

  addUser(name: string, password: string): Promise<void> {
    return this.#request("PUT", ["users", name], { password, tags: "" });
  }

  deleteUser(name: string): Promise<void> {
    return this.#request("DELETE", ["users", name]);
  }

  setPermissions(vhost: string, user: string, patterns: Patterns): Promise<void> {
    return this.#request("PUT", ["permissions", vhost, user], { configure: "", write: "", read: "", ...patterns });
  }

  clearPermissions(vhost: string, user: string): Promise<void> {
    return this.#request("DELETE", ["permissions", vhost, user]);
  }

  setPolicy(kind: PolicyKind, vhost: string, name: string, spec: PolicySpec): Promise<void> {
    const { applyTo, ...rest } = spec;
    return this.#request("PUT", [COLLECTIONS[kind], vhost, name], { ...rest, "apply-to": applyTo });
  }

  deletePolicy(kind: PolicyKind, vhost: string, name: string): Promise<void> {
    return this.#request("DELETE", [COLLECTIONS[kind], vhost, name]);
  }

  setVhostLimit(vhost: string, name: string, value: number): Promise<void> {
    return this.#request("PUT", ["vhost-limits", vhost, name], { value });
  }

  setUserLimit(user: string, name: string, value: number): Promise<void> {
    return this.#request("PUT", ["user-limits", user, name], { value });
  }

  async #request(method: string, path: readonly string[], body?: object): Promise<void> {
    const response = await fetch(`${this.#base}/${path.map(encodeURIComponent).join("/")}`, {
      method,
      headers: { authorization: this.#authorization, "content-type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (response.ok) {
      await response.arrayBuffer();
      return;
    }
    const { reason = `${response.status}` } = (await response.json()) as { reason?: string };
    throw new RefusedError(reason);
  }
}

const COLLECTIONS: Readonly<Record<PolicyKind, string>> = {
  policy: "policies",
  "operator-policy": "operator-policies",
};
