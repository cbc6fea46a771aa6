/**
 * Durable exchanges, queues and bindings as stored definitions.
 *
 * | kind | id | value |
 * |---|---|---|
 * | exchange | `compositeId(vhost, name)` | `{ vhost, name, type, autoDelete, internal, arguments, exchangeId? }` |
 * | queue | `compositeId(vhost, name)` | `{ vhost, name, queueId, autoDelete, arguments }` |
 * | binding | SHA-256 (base64url) of everything that identifies it | `{ vhost, source, targetKind, target, routingKey, arguments }` |
 *
 * `arguments` is what `tableToJson` makes of the field table, `queueId` the u32 the store knows the queue by, `exchangeId`
 * the same of an exchange that keeps something there, `targetKind` "queue" or "exchange". Durability is not in the values, since nothing else is stored. The id of a
 * binding is a digest because names, key and arguments together exceed what a store takes as a key.
 */

import { createHash } from "node:crypto";
import { type FieldTable, type FieldValue, type TableJson, tableFromJson, tableToJson } from "../wire/field-table.ts";
import { compositeId, StoredFields } from "./definitions.ts";
import type { Binding, Exchange } from "./exchange/exchange.ts";
import type { ExchangeSpec } from "./exchange/exchange-spec.ts";
import { isExchange } from "./exchange/target.ts";
import type { ResourceKind } from "./names.ts";
import type { Queue } from "./queue/queue.ts";

const ID_MAX = 0xffff_ffff;

/** A definition ready to be put, or, by its id, to be deleted. */
export interface StoredDefinition {
  readonly id: string;
  readonly value: unknown;
}

/** A queue as it was stored. */
export interface StoredQueue {
  readonly vhost: string;
  readonly name: string;
  readonly queueId: number;
  readonly autoDelete: boolean;
  readonly arguments: FieldTable;
}

/** A binding as it was stored; its ends are names. */
export interface StoredBinding {
  readonly vhost: string;
  readonly source: string;
  readonly targetKind: ResourceKind;
  readonly target: string;
  readonly routingKey: string;
  readonly arguments: FieldTable;
}

export function exchangeDefinition(vhost: string, exchange: Exchange): StoredDefinition {
  const { name, type, autoDelete, internal } = exchange;
  const exchangeId = exchange.stored?.id;
  const value = {
    vhost,
    name,
    type,
    autoDelete,
    internal,
    arguments: tableToJson(exchange.arguments),
    ...(exchangeId !== undefined && { exchangeId }),
  };
  return { id: compositeId(vhost, name), value };
}

export function queueDefinition(vhost: string, queue: Queue): StoredDefinition {
  const { name, id: queueId, autoDelete } = queue;
  const value = { vhost, name, queueId, autoDelete, arguments: tableToJson(queue.arguments) };
  return { id: compositeId(vhost, name), value };
}

export function bindingDefinition(vhost: string, binding: Binding): StoredDefinition {
  const value = {
    vhost,
    source: binding.source.name,
    targetKind: isExchange(binding.target) ? "exchange" : "queue",
    target: binding.target.name,
    routingKey: binding.routingKey,
    arguments: tableToJson(binding.arguments),
  };
  const identity = [
    vhost,
    value.source,
    value.targetKind,
    value.target,
    value.routingKey,
    tableToJson(tableInKeyOrder(binding.arguments)),
  ];
  return { id: createHash("sha256").update(JSON.stringify(identity)).digest("base64url"), value };
}

/** @throws InvalidDefinitionError */
export function exchangeFromDefinition(id: string, value: unknown): ExchangeSpec {
  const fields = new StoredFields("exchange", id, value);
  const { exchangeId } = value as { exchangeId?: unknown };
  return {
    vhost: fields.string("vhost"),
    name: fields.string("name"),
    type: fields.string("type"),
    durable: true,
    autoDelete: fields.boolean("autoDelete"),
    internal: fields.boolean("internal"),
    arguments: storedArguments(fields, value),
    ...(exchangeId !== undefined && { id: storedId(fields, "exchangeId", exchangeId) }),
  };
}

/** @throws InvalidDefinitionError */
export function queueFromDefinition(id: string, value: unknown): StoredQueue {
  const fields = new StoredFields("queue", id, value);
  const { queueId } = value as { queueId?: unknown };
  return {
    vhost: fields.string("vhost"),
    name: fields.string("name"),
    queueId: storedId(fields, "queueId", queueId),
    autoDelete: fields.boolean("autoDelete"),
    arguments: storedArguments(fields, value),
  };
}

/** @throws InvalidDefinitionError */
export function bindingFromDefinition(id: string, value: unknown): StoredBinding {
  const fields = new StoredFields("binding", id, value);
  const targetKind = fields.string("targetKind");
  if (targetKind !== "queue" && targetKind !== "exchange") fields.fail(`targetKind '${targetKind}' is not known`);
  return {
    vhost: fields.string("vhost"),
    source: fields.string("source"),
    targetKind: targetKind as ResourceKind,
    target: fields.string("target"),
    routingKey: fields.string("routingKey"),
    arguments: storedArguments(fields, value),
  };
}

function storedId(fields: StoredFields, name: string, value: unknown): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= ID_MAX) return value;
  return fields.fail(`${name} is not an unsigned 32-bit integer`);
}

function storedArguments(fields: StoredFields, value: unknown): FieldTable {
  const { arguments: json } = value as { arguments?: unknown };
  try {
    return tableFromJson(json as TableJson);
  } catch (error) {
    return fields.fail(`arguments is not a field table: ${(error as Error).message}`);
  }
}

/** The same table with its keys in order at every level: tables that are equal come out alike. */
function tableInKeyOrder(table: FieldTable): FieldTable {
  const keys = [...table.keys()].sort();
  return new Map(keys.map((key) => [key, valueInKeyOrder(table.get(key) as FieldValue)]));
}

function valueInKeyOrder(field: FieldValue): FieldValue {
  if (field.type === "table") return { type: "table", value: tableInKeyOrder(field.value) };
  if (field.type === "array") return { type: "array", value: field.value.map(valueInKeyOrder) };
  return field;
}
