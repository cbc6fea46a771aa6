import type { FieldTable } from "../wire/field-table.ts";
import type { PerfConnection } from "./connection.ts";

/** The queues of a run and how messages get there. */
export interface TopologyOptions {
  /** Name of the queue; empty: one per consumer that the broker names. `%d` in it stands for a number. */
  readonly queue: string;
  /** With `%d` in the name: first and last number. */
  readonly queueFrom: number;
  readonly queueTo: number;
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
export function queueNames({ queue, queueFrom, queueTo }: TopologyOptions): string[] {
  if (!queue.includes("%d")) return [queue];
  return Array.from({ length: queueTo - queueFrom + 1 }, (_, index) =>
    queue.replaceAll("%d", String(queueFrom + index)),
  );
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
  const { exchange, routingKey, durable, autoDelete, exclusive } = options;
  const declare = {
    queue: name,
    passive: false,
    durable,
    exclusive,
    autoDelete,
    noWait: false,
    arguments: options.queueArguments,
  };
  const { queue } = await connection.call("queue.declare", declare, "queue.declare-ok");
  if (exchange === "") return queue;
  const bind = { queue, exchange, routingKey: routingKey ?? name, noWait: false, arguments: new Map() };
  await connection.call("queue.bind", bind, "queue.bind-ok");
  return queue;
}
