/**
 * What makes a super stream: streams that are the partitions of one, bound to an exchange. In RabbitMQ it is a direct
 * exchange with the argument x-super-stream, whose bindings say with x-stream-partition-order which partition each
 * stream is; the clients of its stream protocol hash. The type x-super-stream is Leveret's: it hashes itself, alike.
 */

import { type FieldTable, integerValue } from "../wire/field-table.ts";
import { BrokerError } from "./errors.ts";
import { resourceText } from "./names.ts";

/** The type of exchange that has partitions of its own. */
export const SUPER_STREAM = "x-super-stream";

/** Its argument: how many partitions. */
export const PARTITIONS = "partitions";

/** The argument of a binding that says which partition its stream is, from 0. */
export const PARTITION_ORDER = "x-stream-partition-order";

const PARTITIONS_MAX = 1024;

/** True for both kinds of super stream. */
export function isSuperStream(exchange: { readonly type: string; readonly arguments: FieldTable }): boolean {
  return exchange.type === SUPER_STREAM || exchange.arguments.get("x-super-stream")?.value === true;
}

/** The partition that a binding with these arguments leads to; undefined when they do not say. */
export function partitionOrder(bindingArguments: FieldTable): number | undefined {
  return countOf(bindingArguments, PARTITION_ORDER);
}

/**
 * How many partitions an exchange of type x-super-stream has.
 * @throws BrokerError PRECONDITION_FAILED when its arguments do not say, or the number is not from 1 to 1024
 */
export function partitionCount(spec: {
  readonly name: string;
  readonly vhost: string;
  readonly arguments: FieldTable;
}): number {
  const count = countOf(spec.arguments, PARTITIONS);
  if (count !== undefined && count >= 1 && count <= PARTITIONS_MAX) return count;
  throw new BrokerError(
    "PRECONDITION_FAILED",
    `invalid arg '${PARTITIONS}' for ${resourceText("exchange", spec.name, spec.vhost)}: ` +
      `an integer from 1 to ${PARTITIONS_MAX} is needed`,
  );
}

/** The name of a partition's stream, as RabbitMQ's tools give it. */
export function partitionName(superStream: string, partition: number): string {
  return `${superStream}-${partition}`;
}

function countOf(table: FieldTable, name: string): number | undefined {
  const value = integerValue(table.get(name));
  return value !== undefined && value >= 0 ? Number(value) : undefined;
}
