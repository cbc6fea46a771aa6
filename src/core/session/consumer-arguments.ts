import type { FieldTable, FieldValue } from "../../wire/field-table.ts";
import { BrokerError } from "../errors.ts";
import type { ConsumedQueue } from "../queue/consumer.ts";

const INTEGER_TYPES: ReadonlySet<FieldValue["type"]> = new Set([
  "signedint",
  "unsignedint",
  "long",
  "short",
  "unsignedshort",
  "byte",
  "unsignedbyte",
]);

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
