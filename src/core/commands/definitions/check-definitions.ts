import { deadLetterExchangeOf } from "../../arguments/queue-arguments.ts";
import { BrokerError } from "../../errors.ts";
import { checkExchangeType } from "../../exchange/create-exchange.ts";
import { type ResourceKind, resourceText } from "../../names.ts";
import { compilePattern } from "../../pattern/compile-pattern.ts";
import { validPolicy } from "../../policy/validate-policy.ts";
import { checkSameExchange } from "../declare-exchange.ts";
import { checkNewQueue, checkSameQueue } from "../declare-queue.ts";
import { QueuePropertiesReader } from "./defined-queue.ts";
import type { DefinitionEntry } from "./definition-entry.ts";
import type { DefinitionsBroker } from "./definitions-broker.ts";
import type { DefinedExchange, DefinedQueue, DefinitionsDocument } from "./definitions-document.ts";

/**
 * Whether a broker can take a document. What is there and differs from what the document says of it is an error for
 * queues and exchanges; anything else would be replaced.
 *
 * @throws BrokerError PRECONDITION_FAILED that names the first entry that cannot be taken
 */
export function checkDefinitions(broker: DefinitionsBroker, document: DefinitionsDocument): void {
  new DefinitionsCheck(broker, document).run();
}

class DefinitionsCheck {
  readonly #broker: DefinitionsBroker;
  readonly #document: DefinitionsDocument;
  readonly #users: ReadonlySet<string>;
  readonly #vhosts: ReadonlySet<string>;
  readonly #queueProperties: QueuePropertiesReader;

  constructor(broker: DefinitionsBroker, document: DefinitionsDocument) {
    this.#broker = broker;
    this.#document = document;
    this.#queueProperties = new QueuePropertiesReader(broker, document);
    this.#users = new Set([...names(broker.users.list()), ...names(document.users)]);
    this.#vhosts = new Set([...names(broker.vhosts), ...names(document.vhosts)]);
  }

  run(): void {
    this.#checkUsers();
    this.#checkPermissions();
    this.#checkPolicies();
    this.#checkExchanges();
    this.#checkQueues();
    this.#checkBindings();
  }

  #checkUsers(): void {
    for (const { entry, limits } of this.#document.users) {
      entry.attempt(() => this.#broker.usage.users.check(limits));
    }
  }

  #checkPermissions(): void {
    for (const { entry, permission } of this.#document.permissions) {
      this.#requireUser(entry, permission.user);
      this.#requireVhost(entry, permission.vhost);
      for (const access of ["configure", "write", "read"] as const) checkPattern(entry, access, permission[access]);
    }
    for (const { entry, permission } of this.#document.topicPermissions) {
      this.#requireUser(entry, permission.user);
      this.#requireVhost(entry, permission.vhost);
      for (const access of ["write", "read"] as const) checkPattern(entry, access, permission[access]);
    }
  }

  #checkPolicies(): void {
    for (const { entry, kind, vhost, name, spec } of this.#document.policies) {
      this.#requireVhost(entry, vhost);
      entry.attempt(() => validPolicy(kind, vhost, name, spec));
    }
    for (const { entry, vhost, limits } of this.#document.vhostLimits) {
      this.#requireVhost(entry, vhost);
      entry.attempt(() => this.#broker.usage.vhosts.check(limits));
    }
  }

  #checkExchanges(): void {
    for (const exchange of this.#document.exchanges) {
      this.#requireVhost(exchange.entry, exchange.vhost);
      exchange.entry.attempt(() => this.#checkExchange(exchange));
    }
  }

  #checkExchange(exchange: DefinedExchange): void {
    checkExchangeType(exchange.type);
    const existing = this.#broker.findVhost(exchange.vhost)?.findExchange(exchange.name);
    if (existing === undefined) return;
    checkSameExchange(resourceText("exchange", exchange.name, exchange.vhost), existing, exchange);
  }

  #checkQueues(): void {
    const newCounts = new Map<string, number>();
    for (const queue of this.#document.queues) {
      this.#requireVhost(queue.entry, queue.vhost);
      const isNew = queue.entry.attempt(() => this.#checkQueue(queue));
      if (isNew) newCounts.set(queue.vhost, (newCounts.get(queue.vhost) ?? 0) + 1);
    }
    for (const [vhost, count] of newCounts) this.#checkQueueCount(vhost, count);
  }

  /** True when there is no such queue yet. */
  #checkQueue(defined: DefinedQueue): boolean {
    const resource = resourceText("queue", defined.name, defined.vhost);
    const properties = this.#queueProperties.read(defined);
    const existing = this.#broker.findVhost(defined.vhost)?.findQueue(defined.name);
    if (existing === undefined) {
      deadLetterExchangeOf(resource, properties.arguments);
      checkNewQueue(resource, properties);
      return true;
    }
    if (existing.exclusiveOwner !== undefined) {
      throw new BrokerError("PRECONDITION_FAILED", "the queue is exclusive to a connection");
    }
    checkSameQueue(resource, existing, properties);
    return false;
  }

  /** @throws BrokerError in RabbitMQ's words when the limit in effect leaves no room for `count` more */
  #checkQueueCount(vhost: string, count: number): void {
    const max = this.#broker.usage.queuesMax(vhost);
    const present = this.#broker.findVhost(vhost)?.queueCount ?? 0;
    if (present + count <= max) return;
    throw new BrokerError(
      "PRECONDITION_FAILED",
      `Adding ${count} queue(s) to virtual host "${vhost}" would exceed the limit of ${max} queue(s).\n\n` +
        `This virtual host currently has ${present} queue(s) defined.\n\nImport aborted!`,
    );
  }

  #checkBindings(): void {
    const { exchanges, queues, bindings } = this.#document;
    const defined = new Set([
      ...exchanges.map(({ vhost, name }) => resourceText("exchange", name, vhost)),
      ...queues.map(({ vhost, name }) => resourceText("queue", name, vhost)),
    ]);
    for (const { entry, vhost, source, targetKind, target } of bindings) {
      this.#requireVhost(entry, vhost);
      for (const [kind, name] of [
        ["exchange", source],
        [targetKind, target],
      ] as const) {
        if (!defined.has(resourceText(kind, name, vhost)) && !this.#exists(kind, name, vhost)) {
          entry.fail(`there is no ${resourceText(kind, name, vhost)}`);
        }
      }
    }
  }

  #exists(kind: ResourceKind, name: string, vhostName: string): boolean {
    const vhost = this.#broker.findVhost(vhostName);
    if (vhost === undefined) return kind === "exchange" && name.startsWith("amq.");
    return (kind === "queue" ? vhost.findQueue(name) : vhost.findExchange(name)) !== undefined;
  }

  #requireUser(entry: DefinitionEntry, name: string): void {
    if (!this.#users.has(name)) entry.fail(`there is no user '${name}'`);
  }

  #requireVhost(entry: DefinitionEntry, name: string): void {
    if (!this.#vhosts.has(name)) entry.fail(`there is no virtual host '${name}'`);
  }
}

function* names(of: Iterable<{ readonly name: string }>): Generator<string, void, undefined> {
  for (const { name } of of) yield name;
}

function checkPattern(entry: DefinitionEntry, access: string, pattern: string): void {
  try {
    compilePattern(pattern);
  } catch (error) {
    if (error instanceof BrokerError) entry.fail(`${access}: ${error.message}`);
    throw error;
  }
}
