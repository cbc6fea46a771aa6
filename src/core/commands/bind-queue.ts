import type { FieldTable } from "../../wire/field-table.ts";
import { checkExclusiveAccess } from "../exclusive-access.ts";
import { checkBindingAccess } from "./binding-access.ts";
import type { CommandContext } from "./context.ts";

/** queue.bind (50.20) and queue.unbind (50.50). */
export interface QueueBinding {
  readonly queue: string;
  readonly exchange: string;
  readonly routingKey: string;
  readonly arguments: FieldTable;
}

/**
 * Binds a queue to an exchange; a binding that is there already is fine.
 * @throws BrokerError 403 for the default exchange, a direct reply-to queue or missing permissions; 404 for exchange or
 *   queue; 405 for another connection's exclusive queue; 406 for arguments the exchange refuses
 */
export function bindQueue(context: CommandContext, spec: QueueBinding): void {
  const { vhost, connection } = context.actor;
  const names = checkBindingAccess(context, {
    source: spec.exchange,
    targetKind: "queue",
    target: spec.queue,
    routingKey: spec.routingKey,
  });
  const exchange = vhost.requireExchange(names.source);
  const queue = vhost.requireQueue(names.target);
  checkExclusiveAccess(queue, connection);
  vhost.bind(exchange, queue, spec.routingKey, spec.arguments);
}
