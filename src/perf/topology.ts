import type { FieldTable } from "../wire/field-table.ts";
import type { PerfConnection } from "./connection.ts";

/** Names that differ in a number. */
export interface QueuePattern {
  /** `%d` in it stands for the number. */
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/** The queues of a run and how messages get there. */
export interface TopologyOptions {
  /** Name of the queue; empty: one per consumer that the broker names. */
  readonly queue: string;
  /** Many queues instead of one. */
  readonly queuePattern: QueuePattern | undefined;
  /** Queues are bound to it, unless it is the default exchange. */
  readonly exchange: string;
  /** undefined: the name of the queue. */
  readonly routingKey: string | undefined;
  readonly queueArguments: FieldTable;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly exclusive: boolean;
}

/** The names of all queues. */
export function queueNames({ queue, queuePattern }: TopologyOptions): string[] {
  if (queuePattern === undefined) return [queue];
  const { name, from, to } = queuePattern;
  return Array.from({ length: to - from + 1 }, (_, index) => name.replaceAll("%d", String(from + index)));
}

/** Which of `names` are for the client with this index out of `clients`: one at least, and each at least once. */
export function shareOf(names: readonly string[], index: number, clients: number): string[] {
  if (clients >= names.length) return [names[index % names.length] as string];
  return names.filter((_, position) => position % clients === index);
}

/** What a publisher puts on its messages so that they reach `queues`. */
export function routingKeys({ routingKey }: TopologyOptions, queues: readonly string[]): readonly string[] {
  return routingKey === undefined ? queues : [routingKey];
}

/** Declares a queue and binds it; returns its name. */
export async function declareQueue(
  connection: PerfConnection,
  options: TopologyOptions,
  name: string,
): Promise<string> {
  const { exchange, routingKey, durable, autoDelete, exclusive, queueArguments } = options;
  const declare = { queue: name, durable, autoDelete, exclusive, arguments: queueArguments };
  const { queue } = await connection.call("queue.declare", declare);
  if (exchange !== "") await connection.call("queue.bind", { queue, exchange, routingKey: routingKey ?? name });
  return queue;
}
