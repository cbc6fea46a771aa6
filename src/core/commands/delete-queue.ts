import { BrokerError } from "../errors.ts";
import { checkExclusiveAccess } from "../exclusive-access.ts";
import { cleanName, resourceText } from "../names.ts";
import { type CommandContext, checkAccess } from "./context.ts";

/** queue.delete (50.40). */
export interface DeleteQueue {
  readonly name: string;
  /** Only when it has no consumers. */
  readonly ifUnused: boolean;
  /** Only when no message is ready. */
  readonly ifEmpty: boolean;
}

/**
 * Removes a queue; one that is not there is fine.
 * @returns how many messages were ready
 * @throws BrokerError 403 without permission; 405 for another connection's exclusive queue; 406 when not empty or in use
 */
export function deleteQueue(context: CommandContext, spec: DeleteQueue): number {
  const { vhost, connection } = context.actor;
  const name = cleanName("queue", spec.name);
  checkAccess(context, "queue", name, "configure");
  const queue = vhost.findQueue(name);
  if (queue === undefined) return 0;
  checkExclusiveAccess(queue, connection);
  const resource = resourceText("queue", name, vhost.name);
  if (spec.ifEmpty && queue.readyCount > 0) throw new BrokerError("PRECONDITION_FAILED", `${resource} not empty`);
  if (spec.ifUnused && queue.consumerCount > 0) throw new BrokerError("PRECONDITION_FAILED", `${resource} in use`);
  return vhost.deleteQueue(queue);
}
