import { type PlainJson, tableToRecord } from "../../../wire/field-table.ts";
import type { Binding, Exchange } from "../../exchange/exchange.ts";
import { isExchange } from "../../exchange/target.ts";
import { isReservedName } from "../../names.ts";
import type { Policy } from "../../policy/policy.ts";
import type { Queue } from "../../queue/queue.ts";
import type { Vhost } from "../../vhost.ts";
import type { JsonObject } from "./definition-entry.ts";
import type { DefinitionsBroker } from "./definitions-broker.ts";

/** A definitions document as JSON can hold it. RabbitMQ: "Schema Definition Export and Import". */
export interface ExportedDefinitions {
  readonly rabbit_version: string;
  readonly rabbitmq_version: string;
  readonly product_name: string;
  readonly product_version: string;
  readonly rabbitmq_definition_format: "cluster";
  readonly users: readonly JsonObject[];
  readonly vhosts: readonly JsonObject[];
  readonly permissions: readonly JsonObject[];
  readonly topic_permissions: readonly JsonObject[];
  readonly parameters: readonly JsonObject[];
  readonly global_parameters: readonly JsonObject[];
  readonly policies: readonly JsonObject[];
  readonly exchanges: readonly JsonObject[];
  readonly queues: readonly JsonObject[];
  readonly bindings: readonly JsonObject[];
}

/**
 * Everything the broker's definitions are, in RabbitMQ's format, so that either can import it. Exclusive queues, what
 * has a reserved name and the bindings of either are left out. Other than in RabbitMQ, exchanges that are internal are
 * not, since bindings may lead to them.
 *
 * @param identity what the broker calls itself
 */
export function exportDefinitions(
  broker: DefinitionsBroker,
  identity: { readonly product: string; readonly version: string },
): ExportedDefinitions {
  const vhosts = [...broker.vhosts];
  return {
    rabbit_version: identity.version,
    rabbitmq_version: identity.version,
    product_name: identity.product,
    product_version: identity.version,
    rabbitmq_definition_format: "cluster",
    users: [...broker.users.list()].map(({ name, passwordHash, hashingAlgorithm, tags }) => ({
      name,
      password_hash: passwordHash,
      hashing_algorithm: hashingAlgorithm,
      tags,
      limits: Object.fromEntries(broker.usage.users.of(name)),
    })),
    vhosts: vhosts.map((vhost) => exportVhost(broker, vhost)),
    permissions: [...broker.permissions.list()].map((permission) => ({ ...permission })),
    topic_permissions: [...broker.permissions.topics.list()].map((permission) => ({ ...permission })),
    parameters: [...exportOperatorPolicies(broker), ...exportVhostLimits(broker)],
    global_parameters: [],
    policies: [...broker.policies.list("policy")].map((policy) => ({
      vhost: policy.vhost,
      name: policy.name,
      ...exportPolicy(policy),
    })),
    exchanges: vhosts.flatMap(exportExchanges),
    queues: vhosts.flatMap(exportQueues),
    bindings: vhosts.flatMap(exportBindings),
  };
}

function exportVhost(broker: DefinitionsBroker, { name, metadata }: Vhost): JsonObject {
  const { description, tags, defaultQueueType } = metadata;
  return {
    name,
    metadata: {
      description,
      tags,
      ...(defaultQueueType === undefined ? {} : { default_queue_type: defaultQueueType }),
    },
    limits: Object.fromEntries(broker.usage.vhosts.of(name)),
  };
}

function exportPolicy({ pattern, applyTo, priority, definition }: Policy): JsonObject {
  return { pattern, "apply-to": applyTo, priority, definition: Object.fromEntries(definition) };
}

function exportOperatorPolicies({ policies }: DefinitionsBroker): JsonObject[] {
  return [...policies.list("operator-policy")].map((policy) => ({
    vhost: policy.vhost,
    component: "operator_policy",
    name: policy.name,
    value: exportPolicy(policy),
  }));
}

function exportVhostLimits({ usage }: DefinitionsBroker): JsonObject[] {
  return [...usage.vhosts.owners()].map((vhost) => ({
    vhost,
    component: "vhost-limits",
    name: "limits",
    value: Object.fromEntries(usage.vhosts.of(vhost)),
  }));
}

function exportExchanges(vhost: Vhost): JsonObject[] {
  return [...vhost.exchanges].filter(isDeclared).map((exchange) => ({
    vhost: vhost.name,
    name: exchange.name,
    type: exchange.type,
    durable: exchange.durable,
    auto_delete: exchange.autoDelete,
    ...(exchange.internal ? { internal: true } : {}),
    arguments: tableToRecord(exchange.arguments),
  }));
}

function exportQueues(vhost: Vhost): JsonObject[] {
  return [...vhost.queues].filter(isShared).map((queue) => ({
    vhost: vhost.name,
    name: queue.name,
    type: queue.type,
    durable: queue.durable,
    auto_delete: queue.autoDelete,
    arguments: tableToRecord(queue.arguments),
  }));
}

function exportBindings(vhost: Vhost): JsonObject[] {
  return [...vhost.bindings()].filter(isExported).map(({ source, target, routingKey, arguments: table }) => ({
    vhost: vhost.name,
    source: source.name,
    destination: target.name,
    destination_type: isExchange(target) ? "exchange" : "queue",
    routing_key: routingKey,
    arguments: tableToRecord(table) satisfies PlainJson,
  }));
}

function isDeclared({ name }: Exchange): boolean {
  return name !== "" && !isReservedName(name);
}

function isShared({ name, exclusiveOwner }: Queue): boolean {
  return exclusiveOwner === undefined && !isReservedName(name);
}

function isExported({ target }: Binding): boolean {
  // A virtual host binds to nothing but its own queues and exchanges.
  return isExchange(target) || isShared(target as Queue);
}
