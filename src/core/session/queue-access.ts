import type { Permissions } from "../auth/permissions.ts";
import { checkExclusiveAccess } from "../exclusive-access.ts";
import type { Queue } from "../queue/queue.ts";
import type { Vhost } from "../vhost.ts";

/**
 * The queue a client wants to read from.
 *
 * @throws BrokerError ACCESS_REFUSED without read permission, NOT_FOUND, RESOURCE_LOCKED when it is exclusive to another connection
 */
export function checkQueueAccess(
  vhost: Vhost,
  permissions: Permissions,
  userName: string,
  connection: object,
  queueName: string,
): Queue {
  permissions.checkResource(userName, vhost.name, "queue", queueName, "read");
  const queue = vhost.requireQueue(queueName);
  checkExclusiveAccess(queue, connection);
  return queue;
}
