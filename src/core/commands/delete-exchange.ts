import { BrokerError } from "../errors.ts";
import { checkNotDefaultExchange, cleanName, isReservedName, resourceText } from "../names.ts";
import { type CommandContext, checkAccess } from "./context.ts";
import { partitionsOf } from "./declare-super-stream.ts";

/** exchange.delete (40.20). */
export interface DeleteExchange {
  readonly name: string;
  /** Only when no binding has the exchange as its source, or nobody reads a partition if it is a super stream. */
  readonly ifUnused: boolean;
}

/**
 * Removes an exchange and its bindings, and the partitions of a super stream; one that is not there is fine.
 * @throws BrokerError 403 for the default exchange, any `amq.` exchange or missing permission; 406 when in use
 */
export function deleteExchange(context: CommandContext, spec: DeleteExchange): void {
  const { vhost } = context.actor;
  const name = cleanName("exchange", spec.name);
  const resource = resourceText("exchange", name, vhost.name);
  checkNotDefaultExchange(name);
  if (isReservedName(name)) {
    throw new BrokerError("ACCESS_REFUSED", `deletion of system ${resource} not allowed`);
  }
  checkAccess(context, "exchange", name, "configure");
  const exchange = vhost.findExchange(name);
  if (exchange === undefined) return;
  const partitions = partitionsOf(vhost, exchange);
  for (const partition of partitions) checkAccess(context, "queue", partition.name, "configure");
  const inUse =
    exchange.bindingCount > partitions.length || partitions.some((partition) => partition.consumerCount > 0);
  if (spec.ifUnused && inUse) throw new BrokerError("PRECONDITION_FAILED", `${resource} in use`);
  vhost.deleteExchange(exchange);
  for (const partition of partitions) vhost.deleteQueue(partition);
}
