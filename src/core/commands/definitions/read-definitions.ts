import { BrokerError } from "../../errors.ts";
import { DefinitionEntry, isObject, type JsonObject } from "./definition-entry.ts";
import type { DefinedPolicy, DefinedVhostLimits, DefinitionsDocument } from "./definitions-document.ts";
import {
  readBinding,
  readExchange,
  readPermission,
  readPolicy,
  readQueue,
  readTopicPermission,
  readUser,
  readVhost,
} from "./read-entries.ts";

/** What RabbitMQ writes into a document about the document. */
const REMARKS: ReadonlySet<string> = new Set([
  "rabbit_version",
  "rabbitmq_version",
  "product_name",
  "product_version",
  "rabbitmq_definition_format",
  "original_cluster_name",
  "explanation",
]);

const CATEGORIES: ReadonlySet<string> = new Set([
  "users",
  "vhosts",
  "permissions",
  "topic_permissions",
  "parameters",
  "global_parameters",
  "policies",
  "exchanges",
  "queues",
  "bindings",
]);

/** RabbitMQ's words for a document without virtual hosts. */
const SINGLE_VHOST_EXPORT =
  "some queues, exchanges or bindings in the definition file are missing the virtual host field. Such files are " +
  "produced when definitions of a single virtual host are exported. They cannot be used to import definitions at boot time";

/**
 * Reads a document.
 *
 * @param json what JSON.parse has made of it
 * @throws BrokerError PRECONDITION_FAILED that names the first entry that is not well-formed
 */
export function readDefinitions(json: unknown): DefinitionsDocument {
  if (!isObject(json)) throw new BrokerError("PRECONDITION_FAILED", "definitions must be an object");
  const ignored: string[] = [];
  for (const key of Object.keys(json)) {
    if (!CATEGORIES.has(key) && !REMARKS.has(key)) ignored.push(`'${key}' is not known`);
  }
  if (entriesOf(json, "global_parameters").length > 0) ignored.push("global_parameters are not supported");
  const topology = ["queues", "exchanges", "bindings"].flatMap((category) => entriesOf(json, category));
  if (topology.some((entry) => !entry.has("vhost"))) throw new BrokerError("PRECONDITION_FAILED", SINGLE_VHOST_EXPORT);
  const parameters = readParameters(entriesOf(json, "parameters"), ignored);
  const version = json["rabbitmq_version"] ?? json["rabbit_version"];
  return {
    users: entriesOf(json, "users").map((entry) => readUser(entry, version)),
    vhosts: entriesOf(json, "vhosts").map(readVhost),
    permissions: entriesOf(json, "permissions").map(readPermission),
    topicPermissions: entriesOf(json, "topic_permissions").map(readTopicPermission),
    policies: [
      ...entriesOf(json, "policies").map((entry) => readPolicy(entry, "policy", (field) => entry.get(field))),
      ...parameters.operatorPolicies,
    ],
    vhostLimits: parameters.vhostLimits,
    exchanges: declarable(entriesOf(json, "exchanges"), ignored).map(readExchange),
    queues: declarable(entriesOf(json, "queues"), ignored).map(readQueue),
    bindings: entriesOf(json, "bindings").map(readBinding),
    ignored,
  };
}

function entriesOf(json: JsonObject, category: string): DefinitionEntry[] {
  const values = json[category] ?? [];
  if (!Array.isArray(values)) throw new BrokerError("PRECONDITION_FAILED", `${category} must be a list`);
  return values.map((value, index) => new DefinitionEntry(category, index, value));
}

/** Those that do not have the name of something only the broker creates. RabbitMQ passes these over too. */
function declarable(entries: readonly DefinitionEntry[], ignored: string[]): DefinitionEntry[] {
  return entries.filter((entry) => {
    const name = entry.string("name");
    const isDeclarable = name !== "" && !name.startsWith("amq.");
    if (!isDeclarable) ignored.push(`${entry.label} has a reserved name`);
    return isDeclarable;
  });
}

interface Parameters {
  readonly operatorPolicies: readonly DefinedPolicy[];
  readonly vhostLimits: readonly DefinedVhostLimits[];
}

function readParameters(entries: readonly DefinitionEntry[], ignored: string[]): Parameters {
  const operatorPolicies: DefinedPolicy[] = [];
  const vhostLimits: DefinedVhostLimits[] = [];
  for (const entry of entries) {
    const component = entry.string("component");
    const value = component === "operator_policy" || component === "vhost-limits" ? entry.object("value") : {};
    if (component === "operator_policy") {
      operatorPolicies.push(readPolicy(entry, "operator-policy", (field) => value[field] ?? undefined));
    } else if (component === "vhost-limits") {
      vhostLimits.push({ entry, vhost: entry.string("vhost"), limits: value });
    } else {
      ignored.push(`${entry.label} is of the component '${component}', which is not supported`);
    }
  }
  return { operatorPolicies, vhostLimits };
}
