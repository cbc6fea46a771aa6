import type { FieldTable } from "../../wire/field-table.ts";
import type { QueueType } from "../queue-type.ts";
import { QUEUE_TYPE } from "./argument-names.ts";

/** What a queue.declare asks for that decides whether a queue type can be had. */
export interface DeclaredProperties {
  readonly durable: boolean;
  readonly exclusive: boolean;
  readonly autoDelete: boolean;
}

/**
 * The arguments of a queue.declare with the type filled in that its virtual host has for queues that ask for none: that
 * type if it can have these properties, classic otherwise. RabbitMQ: "Virtual Hosts", default queue type.
 *
 * @param defaultQueueType undefined: the virtual host has none, and nothing is filled in
 */
export function withDefaultQueueType(
  queueArguments: FieldTable,
  properties: DeclaredProperties,
  defaultQueueType: QueueType | undefined,
): FieldTable {
  if (defaultQueueType === undefined || queueArguments.has(QUEUE_TYPE)) return queueArguments;
  const { durable, exclusive, autoDelete } = properties;
  const lasts = durable && !exclusive && !autoDelete;
  const value = lasts ? defaultQueueType : "classic";
  return new Map([...queueArguments, [QUEUE_TYPE, { type: "longstr", value }]]);
}
