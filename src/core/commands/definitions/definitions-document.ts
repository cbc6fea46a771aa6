/**
 * Definitions as RabbitMQ exports and imports them: RabbitMQ, "Schema Definition Export and Import"; the fields as in
 * `rabbit_definitions` of RabbitMQ 4.3.
 */

import type { FieldTable } from "../../../wire/field-table.ts";
import type { Permission } from "../../auth/permissions.ts";
import type { TopicPermission } from "../../auth/topic-permissions.ts";
import type { Credentials } from "../../auth/user-directory.ts";
import type { ResourceKind } from "../../names.ts";
import type { PolicyKind, PolicySpec } from "../../policy/policy.ts";
import type { VhostMetadata } from "../../vhost-metadata.ts";
import type { DefinitionEntry, JsonObject } from "./definition-entry.ts";

export interface DefinedUser {
  readonly entry: DefinitionEntry;
  readonly name: string;
  readonly credentials: Credentials;
  readonly tags: readonly string[];
  readonly limits: JsonObject;
}

export interface DefinedVhost {
  readonly entry: DefinitionEntry;
  readonly name: string;
  /** What the document says of it. */
  readonly metadata: Partial<VhostMetadata>;
}

export interface DefinedPermission {
  readonly entry: DefinitionEntry;
  readonly permission: Permission;
}

export interface DefinedTopicPermission {
  readonly entry: DefinitionEntry;
  readonly permission: TopicPermission;
}

export interface DefinedPolicy {
  readonly entry: DefinitionEntry;
  readonly kind: PolicyKind;
  readonly vhost: string;
  readonly name: string;
  readonly spec: PolicySpec;
}

export interface DefinedVhostLimits {
  readonly entry: DefinitionEntry;
  readonly vhost: string;
  readonly limits: JsonObject;
}

export interface DefinedExchange {
  readonly entry: DefinitionEntry;
  readonly vhost: string;
  readonly name: string;
  readonly type: string;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly internal: boolean;
  readonly arguments: FieldTable;
}

export interface DefinedQueue {
  readonly entry: DefinitionEntry;
  readonly vhost: string;
  readonly name: string;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  /** With the type the document says the queue has. */
  readonly arguments: FieldTable;
  /** False: the type is left to the virtual host. */
  readonly isTyped: boolean;
}

export interface DefinedBinding {
  readonly entry: DefinitionEntry;
  readonly vhost: string;
  readonly source: string;
  readonly targetKind: ResourceKind;
  readonly target: string;
  readonly routingKey: string;
  readonly arguments: FieldTable;
}

/** Everything a document defines, each part of it well-formed; whether the parts fit a broker is not known yet. */
export interface DefinitionsDocument {
  readonly users: readonly DefinedUser[];
  readonly vhosts: readonly DefinedVhost[];
  readonly permissions: readonly DefinedPermission[];
  readonly topicPermissions: readonly DefinedTopicPermission[];
  readonly policies: readonly DefinedPolicy[];
  readonly vhostLimits: readonly DefinedVhostLimits[];
  readonly exchanges: readonly DefinedExchange[];
  readonly queues: readonly DefinedQueue[];
  readonly bindings: readonly DefinedBinding[];
  /** What is in the document and will not be taken, one line each. */
  readonly ignored: readonly string[];
}
