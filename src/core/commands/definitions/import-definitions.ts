import type { Vhost } from "../../vhost.ts";
import { NO_METADATA } from "../../vhost-metadata.ts";
import { checkDefinitions } from "./check-definitions.ts";
import { QueuePropertiesReader } from "./defined-queue.ts";
import type { DefinitionsBroker } from "./definitions-broker.ts";
import type {
  DefinedBinding,
  DefinedExchange,
  DefinedQueue,
  DefinedVhost,
  DefinitionsDocument,
} from "./definitions-document.ts";
import { importPermission, importTopicPermission, importUser } from "./import-access.ts";

/**
 * Makes everything in a document be there: what is missing is created; users, permissions, policies and limits are
 * replaced; queues and exchanges must be the same if they exist. What the document does not name stays as it is, and a
 * second import changes nothing. All of it happens, or nothing.
 *
 * @throws BrokerError PRECONDITION_FAILED that names the first entry that cannot be taken; nothing has changed then
 */
export function importDefinitions(broker: DefinitionsBroker, document: DefinitionsDocument): void {
  checkDefinitions(broker, document);
  new TopologyImport(broker, document).run();
  for (const { name, metadata } of document.vhosts) updateVhost(broker, vhostOf(broker, name), metadata);
  for (const user of document.users) importUser(broker, user);
  for (const { permission } of document.permissions) importPermission(broker, permission);
  for (const { permission } of document.topicPermissions) importTopicPermission(broker, permission);
  for (const { vhost, limits } of document.vhostLimits) broker.usage.vhosts.replace(vhost, limits);
  broker.policies.together(() => {
    for (const { kind, vhost, name, spec } of document.policies) broker.policies.set(kind, vhost, name, spec);
  });
}

/**
 * Creates virtual hosts, exchanges, queues and bindings. Types of exchanges refuse arguments of theirs and of bindings
 * when it comes to it; then all that has been created is removed again, before anyone has seen it.
 */
class TopologyImport {
  readonly #broker: DefinitionsBroker;
  readonly #document: DefinitionsDocument;
  readonly #queueProperties: QueuePropertiesReader;
  readonly #undo: (() => void)[] = [];

  constructor(broker: DefinitionsBroker, document: DefinitionsDocument) {
    this.#broker = broker;
    this.#document = document;
    this.#queueProperties = new QueuePropertiesReader(broker, document);
  }

  run(): void {
    const { vhosts, exchanges, queues, bindings } = this.#document;
    try {
      for (const vhost of vhosts) this.#createVhost(vhost);
      for (const exchange of exchanges) exchange.entry.attempt(() => this.#createExchange(exchange));
      for (const queue of queues) this.#createQueue(queue);
      for (const binding of bindings) binding.entry.attempt(() => this.#bind(binding));
    } catch (error) {
      for (const action of this.#undo.reverse()) action();
      throw error;
    }
  }

  #createVhost({ name, metadata }: DefinedVhost): void {
    if (this.#broker.findVhost(name) !== undefined) return;
    const vhost = this.#broker.createVhost(name, { ...NO_METADATA, ...metadata });
    this.#undo.push(() => this.#broker.deleteVhost(vhost));
  }

  #createExchange({ vhost: vhostName, name, type, durable, autoDelete, internal, arguments: table }: DefinedExchange) {
    const vhost = vhostOf(this.#broker, vhostName);
    if (vhost.findExchange(name) !== undefined) return;
    const exchange = vhost.addExchange({ name, type, durable, autoDelete, internal, arguments: table });
    this.#undo.push(() => vhost.deleteExchange(exchange));
  }

  #createQueue(defined: DefinedQueue): void {
    const vhost = vhostOf(this.#broker, defined.vhost);
    if (vhost.findQueue(defined.name) !== undefined) return;
    const { durable, autoDelete, arguments: table } = this.#queueProperties.read(defined);
    const spec = { name: defined.name, durable, autoDelete, exclusiveOwner: undefined, arguments: table };
    const queue = vhost.addQueue(spec);
    this.#undo.push(() => vhost.deleteQueue(queue));
  }

  #bind({ vhost: vhostName, source: sourceName, targetKind, target: targetName, routingKey, ...rest }: DefinedBinding) {
    const vhost = vhostOf(this.#broker, vhostName);
    const source = vhost.requireExchange(sourceName);
    const target = targetKind === "queue" ? vhost.requireQueue(targetName) : vhost.requireExchange(targetName);
    const before = vhost.topologyGeneration;
    vhost.bind(source, target, routingKey, rest.arguments);
    const isNew = vhost.topologyGeneration !== before;
    if (isNew) this.#undo.push(() => vhost.unbind(source, target, routingKey, rest.arguments));
  }
}

function vhostOf(broker: DefinitionsBroker, name: string): Vhost {
  return broker.findVhost(name) as Vhost;
}

/** What an entry does not say of a virtual host stays as it is. */
function updateVhost(broker: DefinitionsBroker, vhost: Vhost, metadata: DefinedVhost["metadata"]): void {
  const updated = { ...vhost.metadata, ...metadata };
  if (JSON.stringify(updated) !== JSON.stringify(vhost.metadata)) broker.updateVhost(vhost, updated);
}
