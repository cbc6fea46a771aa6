import { type FieldTable, integerValue } from "../../wire/field-table.ts";
import { BrokerError } from "../errors.ts";
import { resourceText } from "../names.ts";
import type { ConsumedQueue } from "../queue/consumer.ts";
import type { QueueType } from "../queue-type.ts";

/** The arguments of consumers that not every type of queue knows, in the order RabbitMQ checks them. */
const ARGUMENTS_OF_TYPES: readonly (readonly [name: string, types: readonly QueueType[]])[] = [
  ["x-priority", ["classic", "quorum"]],
  ["x-consumer-timeout", ["quorum"]],
  ["x-stream-offset", ["stream"]],
  ["x-stream-filter", ["stream"]],
  ["x-stream-match-unfiltered", ["stream"]],
];

/** @throws BrokerError PRECONDITION_FAILED for an argument of another type of queue; those that nobody knows are fine */
export function checkConsumerArguments(
  consumerArguments: FieldTable,
  queue: Pick<ConsumedQueue, "name" | "vhostName"> & { readonly type: QueueType },
): void {
  if (consumerArguments.size === 0) return;
  for (const [name, types] of ARGUMENTS_OF_TYPES) {
    if (!consumerArguments.has(name) || types.includes(queue.type)) continue;
    throw new BrokerError(
      "PRECONDITION_FAILED",
      `invalid arg '${name}' for ${resourceText("queue", queue.name, queue.vhostName)} ` +
        `of queue type rabbit_${queue.type}_queue`,
    );
  }
}

/**
 * The x-priority of a consumer; 0 when absent.
 * @throws BrokerError PRECONDITION_FAILED when it is not an integer
 */
export function consumerPriority(consumerArguments: FieldTable, queue: ConsumedQueue): number {
  return integerArgument("x-priority", consumerArguments, queue) ?? 0;
}

/**
 * The x-consumer-timeout of a consumer, in milliseconds; undefined when absent.
 * @throws BrokerError PRECONDITION_FAILED when it is not an integer of 0 or more
 */
export function consumerTimeout(consumerArguments: FieldTable, queue: ConsumedQueue): number | undefined {
  const milliseconds = integerArgument("x-consumer-timeout", consumerArguments, queue);
  if (milliseconds !== undefined && milliseconds < 0) {
    throw invalidArgument("x-consumer-timeout", queue, `{value_negative,${milliseconds}}`);
  }
  return milliseconds;
}

function integerArgument(name: string, consumerArguments: FieldTable, queue: ConsumedQueue): number | undefined {
  const field = consumerArguments.get(name);
  if (field === undefined) return undefined;
  const value = integerValue(field);
  if (value === undefined) throw invalidArgument(name, queue, `"expected integer, got ${field.type}"`);
  return Number(value);
}

function invalidArgument(name: string, queue: ConsumedQueue, reason: string): BrokerError {
  return new BrokerError(
    "PRECONDITION_FAILED",
    `invalid arg '${name}' for queue '${queue.name}' in vhost '${queue.vhostName}': ${reason}`,
  );
}
