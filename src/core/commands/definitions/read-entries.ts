import { type FieldTable, longstr, type PlainFieldValue, tableFrom } from "../../../wire/field-table.ts";
import { QUEUE_TYPE } from "../../arguments/argument-names.ts";
import { DEFAULT_HASHING_ALGORITHM, isHashingAlgorithm, isPasswordHash } from "../../auth/password.ts";
import type { Credentials } from "../../auth/user-directory.ts";
import { cleanName, type ResourceKind } from "../../names.ts";
import type { PolicyKind } from "../../policy/policy.ts";
import { defaultQueueTypeOf } from "../../vhost-metadata.ts";
import type { DefinitionEntry } from "./definition-entry.ts";
import type {
  DefinedBinding,
  DefinedExchange,
  DefinedPermission,
  DefinedPolicy,
  DefinedQueue,
  DefinedTopicPermission,
  DefinedUser,
  DefinedVhost,
} from "./definitions-document.ts";

/** Releases that hashed passwords with MD5 and did not say so. */
const MD5_VERSIONS = /^3\.[0-5]\./;

/** @param version the RabbitMQ release that has written the document, if it says so */
export function readUser(entry: DefinitionEntry, version: unknown): DefinedUser {
  if (!entry.has("tags")) entry.fail("tags must be a list of strings");
  const name = entry.string("name");
  if (name === "") entry.fail("name must not be empty");
  return {
    entry,
    name,
    credentials: readCredentials(entry, version),
    tags: entry.words("tags"),
    limits: entry.object("limits"),
  };
}

function readCredentials(entry: DefinitionEntry, version: unknown): Credentials {
  if (entry.has("password") && entry.has("password_hash")) entry.fail("password and password_hash exclude each other");
  if (entry.has("password")) return { password: entry.string("password") };
  if (!entry.has("password_hash")) return undefined;
  const passwordHash = entry.string("password_hash");
  if (!isPasswordHash(passwordHash)) entry.fail("password_hash must be base64");
  const hashingAlgorithm = entry.has("hashing_algorithm") ? entry.string("hashing_algorithm") : hashingOf(version);
  if (!isHashingAlgorithm(hashingAlgorithm)) entry.fail(`hashing_algorithm '${hashingAlgorithm}' is not known`);
  return { passwordHash, hashingAlgorithm };
}

function hashingOf(version: unknown): string {
  const isOld = typeof version === "string" && MD5_VERSIONS.test(version);
  return isOld ? "rabbit_password_hashing_md5" : DEFAULT_HASHING_ALGORITHM;
}

/** What is known of a virtual host may be in the entry itself or in its metadata. */
export function readVhost(entry: DefinitionEntry): DefinedVhost {
  const metadata = entry.object("metadata");
  const description = entry.get("description") ?? metadata["description"] ?? undefined;
  const tags = entry.has("tags") ? entry.words("tags") : tagsOf(entry, metadata["tags"] ?? undefined);
  const queueType = metadata["default_queue_type"] ?? entry.get("default_queue_type");
  const defaultQueueType = entry.attempt(() => defaultQueueTypeOf(queueType));
  return {
    entry,
    name: entry.string("name"),
    metadata: {
      ...(description === undefined ? {} : { description: textOf(entry, description) }),
      ...(tags === undefined ? {} : { tags }),
      ...(defaultQueueType === undefined ? {} : { defaultQueueType }),
    },
  };
}

function textOf(entry: DefinitionEntry, description: unknown): string {
  return typeof description === "string" ? description : entry.fail("description must be a string");
}

function tagsOf(entry: DefinitionEntry, tags: unknown): readonly string[] | undefined {
  if (tags === undefined || (Array.isArray(tags) && tags.every((tag) => typeof tag === "string"))) return tags;
  return entry.fail("the tags of metadata must be a list of strings");
}

export function readPermission(entry: DefinitionEntry): DefinedPermission {
  const permission = {
    user: entry.string("user"),
    vhost: entry.string("vhost"),
    configure: entry.string("configure"),
    write: entry.string("write"),
    read: entry.string("read"),
  };
  return { entry, permission };
}

export function readTopicPermission(entry: DefinitionEntry): DefinedTopicPermission {
  const permission = {
    user: entry.string("user"),
    vhost: entry.string("vhost"),
    exchange: entry.string("exchange"),
    write: entry.string("write"),
    read: entry.string("read"),
  };
  return { entry, permission };
}

/** @param get gives the fields that make the policy up */
export function readPolicy(entry: DefinitionEntry, kind: PolicyKind, get: (field: string) => unknown): DefinedPolicy {
  const spec = {
    pattern: get("pattern"),
    definition: get("definition"),
    priority: get("priority"),
    applyTo: get("apply-to"),
  };
  return { entry, kind, vhost: entry.string("vhost"), name: entry.string("name"), spec };
}

export function readExchange(entry: DefinitionEntry): DefinedExchange {
  return {
    entry,
    vhost: entry.string("vhost"),
    name: readName(entry, "exchange", "name"),
    type: entry.string("type"),
    durable: entry.boolean("durable", true),
    autoDelete: entry.boolean("auto_delete", false),
    internal: entry.boolean("internal", false),
    arguments: readArguments(entry),
  };
}

/** The type of a queue is in its arguments or beside them; RabbitMQ writes both. */
export function readQueue(entry: DefinitionEntry): DefinedQueue {
  const queueArguments = readArguments(entry);
  const type = entry.has("type") ? entry.string("type") : undefined;
  const isInArguments = queueArguments.has(QUEUE_TYPE);
  const isAdded = !isInArguments && type !== undefined && type !== "classic";
  return {
    entry,
    vhost: entry.string("vhost"),
    name: readName(entry, "queue", "name"),
    durable: entry.boolean("durable", true),
    autoDelete: entry.boolean("auto_delete", false),
    arguments: isAdded ? new Map([...queueArguments, [QUEUE_TYPE, longstr(type)]]) : queueArguments,
    isTyped: isInArguments || type !== undefined,
  };
}

export function readBinding(entry: DefinitionEntry): DefinedBinding {
  const targetKind = entry.string("destination_type");
  if (targetKind !== "queue" && targetKind !== "exchange") {
    return entry.fail("destination_type must be queue or exchange");
  }
  return {
    entry,
    vhost: entry.string("vhost"),
    source: readName(entry, "exchange", "source"),
    targetKind,
    target: readName(entry, targetKind, "destination"),
    routingKey: entry.string("routing_key"),
    arguments: readArguments(entry),
  };
}

function readName(entry: DefinitionEntry, kind: ResourceKind, field: string): string {
  return entry.attempt(() => cleanName(kind, entry.string(field)));
}

function readArguments(entry: DefinitionEntry): FieldTable {
  return tableFrom(entry.object("arguments") as Record<string, PlainFieldValue>);
}
