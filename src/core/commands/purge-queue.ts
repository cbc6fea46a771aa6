import { checkExclusiveAccess } from "../exclusive-access.ts";
import { type CommandContext, checkAccess } from "./context.ts";

/**
 * queue.purge (50.30): removes the ready messages of a queue; those that are delivered and not acknowledged stay.
 * @returns how many were removed
 * @throws BrokerError 403 without permission; 404 when there is no such queue; 405 for another connection's exclusive queue
 */
export function purgeQueue(context: CommandContext, name: string): number {
  const { vhost, connection } = context.actor;
  checkAccess(context, "queue", name, "read");
  const queue = vhost.requireQueue(name);
  checkExclusiveAccess(queue, connection);
  return queue.purge();
}
