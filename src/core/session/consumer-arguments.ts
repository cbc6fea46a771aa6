import type { FieldTable, FieldValue } from "../../wire/field-table.ts";
import { BrokerError } from "../errors.ts";
import { resourceText } from "../names.ts";
import type { ConsumedQueue } from "../queue/consumer.ts";
import type { QueueType } from "../queue-type.ts";

const INTEGER_TYPES: ReadonlySet<FieldValue["type"]> = new Set([
  "signedint",
  "unsignedint",
  "long",
  "short",
  "unsignedshort",
  "byte",
  "unsignedbyte",
]);

/** The most that basic.qos can ask for. */
const PREFETCH_COUNT_MAX = 0xffff;

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

/**
 * The limit of a new consumer's unacknowledged deliveries, 0: none. A stream insists on one; one that all consumers of
 * the session share will do, and holds beside this.
 */
export function consumerPrefetch(type: QueueType, prefetchCount: number, sharedPrefetchCount: number): number {
  if (type !== "stream" || prefetchCount !== 0 || sharedPrefetchCount === 0) return prefetchCount;
  return PREFETCH_COUNT_MAX;
}

function integerArgument(name: string, consumerArguments: FieldTable, queue: ConsumedQueue): number | undefined {
  const value = consumerArguments.get(name);
  if (value === undefined) return undefined;
  if (!INTEGER_TYPES.has(value.type)) throw invalidArgument(name, queue, `"expected integer, got ${value.type}"`);
  return Number(value.value);
}

function invalidArgument(name: string, queue: ConsumedQueue, reason: string): BrokerError {
  return new BrokerError(
    "PRECONDITION_FAILED",
    `invalid arg '${name}' for queue '${queue.name}' in vhost '${queue.vhostName}': ${reason}`,
  );
}
