import { BrokerError } from "../errors.ts";
import { checkNotDefaultExchange, cleanName, isReservedName, resourceText } from "../names.ts";
import { type CommandContext, checkAccess } from "./context.ts";

/** exchange.delete (40.20). */
export interface DeleteExchange {
  readonly name: string;
  /** Only when no binding has the exchange as its source. */
  readonly ifUnused: boolean;
}

/**
 * Removes an exchange and its bindings; one that is not there is fine.
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
  if (spec.ifUnused && exchange.bindingCount > 0) throw new BrokerError("PRECONDITION_FAILED", `${resource} in use`);
  vhost.deleteExchange(exchange);
}
