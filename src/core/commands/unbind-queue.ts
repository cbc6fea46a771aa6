import { checkExclusiveAccess } from "../exclusive-access.ts";
import type { QueueBinding } from "./bind-queue.ts";
import { checkBindingAccess } from "./binding-access.ts";
import type { CommandContext } from "./context.ts";

/**
 * Removes a binding of a queue; neither it nor its ends need exist.
 * @throws BrokerError 403 for the default exchange, a direct reply-to queue or missing permissions; 405 for another
 *   connection's exclusive queue
 */
export function unbindQueue(context: CommandContext, spec: QueueBinding): void {
  const { vhost, connection } = context.actor;
  const names = checkBindingAccess(context, {
    source: spec.exchange,
    targetKind: "queue",
    target: spec.queue,
    routingKey: spec.routingKey,
  });
  const exchange = vhost.findExchange(names.source);
  const queue = vhost.findQueue(names.target);
  if (exchange === undefined || queue === undefined) return;
  checkExclusiveAccess(queue, connection);
  vhost.unbind(exchange, queue, spec.routingKey, spec.arguments);
}
