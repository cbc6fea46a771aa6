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
  const value = consumerArguments.get("x-priority");
  if (value === undefined) return 0;
  if (!INTEGER_TYPES.has(value.type)) {
    throw new BrokerError(
      "PRECONDITION_FAILED",
      `invalid arg 'x-priority' for queue '${queue.name}' in vhost '${queue.vhostName}': "expected integer, got ${value.type}"`,
    );
  }
  return Number(value.value);
}
