import { type FieldTable, longstr } from "../../wire/field-table.ts";
import { QUEUE_TYPE } from "../arguments/argument-names.ts";
import { comparedQueueArguments } from "../arguments/queue-arguments.ts";
import { BrokerError } from "../errors.ts";
import type { Exchange } from "../exchange/exchange.ts";
import { cleanName, resourceText } from "../names.ts";
import type { Queue } from "../queue/queue.ts";
import { PARTITION_ORDER, partitionCount, partitionName, SUPER_STREAM } from "../super-stream.ts";
import type { NewExchange, NewQueue, Vhost } from "../vhost.ts";
import { type CommandContext, checkAccess } from "./context.ts";
import { checkNewQueue, checkQueueLimits, checkSameQueue } from "./declare-queue.ts";

/** The streams of a super stream, which are declared with it. */
export interface Partitions {
  /** Creates those that are missing and binds all of them. */
  create(exchange: Exchange): void;
}

/**
 * Checks that the partitions of a super stream can be had: streams `<name>-0`, `<name>-1`, …, with those of the
 * exchange's arguments that are a stream's. Nothing is changed yet.
 *
 * @throws BrokerError 403 unless the actor may declare and bind each of them; 406 for a bad argument, a limit, or a
 *   queue that is there and differs
 */
export function checkPartitions(context: CommandContext, spec: NewExchange): Partitions {
  const { vhost } = context.actor;
  checkLasts(spec, vhost.name);
  const count = partitionCount({ ...spec, vhost: vhost.name });
  checkAccess(context, "exchange", spec.name, "read");
  const partitions = Array.from({ length: count }, (_, partition) => ({
    name: cleanName("queue", partitionName(spec.name, partition)),
    durable: true,
    autoDelete: false,
    exclusiveOwner: undefined,
    arguments: streamArguments(spec.arguments),
  }));
  for (const partition of partitions) checkPartition(context, partition);
  const missing = partitions.filter(({ name }) => vhost.findQueue(name) === undefined);
  if (missing[0] !== undefined) checkQueueLimits(context, missing[0], missing.length);
  return { create: (exchange) => createPartitions(vhost, exchange, partitions) };
}

/** The partitions that were declared with an exchange and are still bound to it; none for other types. */
export function partitionsOf(vhost: Vhost, exchange: Exchange): Queue[] {
  if (exchange.type !== SUPER_STREAM) return [];
  const bound = new Set(Array.from(exchange.bindings, ({ target }) => target));
  const count = partitionCount({ name: exchange.name, vhost: vhost.name, arguments: exchange.arguments });
  return Array.from({ length: count }, (_, partition) =>
    vhost.findQueue(partitionName(exchange.name, partition)),
  ).filter((queue) => queue !== undefined && bound.has(queue)) as Queue[];
}

function checkLasts({ name, durable, autoDelete }: NewExchange, vhostName: string): void {
  const refused = !durable ? "non-durable" : autoDelete ? "auto-delete" : undefined;
  if (refused === undefined) return;
  const resource = resourceText("exchange", name, vhostName);
  throw new BrokerError("PRECONDITION_FAILED", `invalid property '${refused}' for ${resource}`);
}

function checkPartition(context: CommandContext, partition: NewQueue): void {
  const { vhost } = context.actor;
  checkAccess(context, "queue", partition.name, "configure");
  checkAccess(context, "queue", partition.name, "write");
  const resource = resourceText("queue", partition.name, vhost.name);
  const properties = { ...partition, exclusive: false };
  const existing = vhost.findQueue(partition.name);
  if (existing === undefined) checkNewQueue(resource, properties);
  else checkSameQueue(resource, existing, properties);
}

function createPartitions(vhost: Vhost, exchange: Exchange, partitions: readonly NewQueue[]): void {
  for (const [order, partition] of partitions.entries()) {
    const queue = vhost.findQueue(partition.name) ?? vhost.addQueue(partition);
    vhost.bind(exchange, queue, String(order), new Map([[PARTITION_ORDER, { type: "signedint", value: order }]]));
  }
}

function streamArguments(exchangeArguments: FieldTable): FieldTable {
  const names = comparedQueueArguments("stream");
  return new Map([
    ...[...exchangeArguments].filter(([name]) => name !== QUEUE_TYPE && names.includes(name)),
    [QUEUE_TYPE, longstr("stream")],
  ]);
}
