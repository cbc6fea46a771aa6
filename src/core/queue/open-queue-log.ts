import { groupKeySource } from "./groups/group-arguments.ts";
import { GroupedLog, type GroupedQueue } from "./groups/grouped-log.ts";
import { MessageLog } from "./message-log.ts";
import { PriorityLog } from "./priority-log.ts";
import type { QueueOptions } from "./queue.ts";
import type { QueueEnvironment } from "./queue-environment.ts";
import type { QueueLog } from "./queue-log.ts";

/** A quorum queue has 32 levels of priority, and a message without one is at the fifth. RabbitMQ 4.3. */
const QUORUM_PRIORITY_MAX = 31;
const QUORUM_PRIORITY_DEFAULT = 4;

/** The log that the type and the arguments of a queue, which is `queue`, ask for. */
export function openQueueLog(options: QueueOptions, environment: QueueEnvironment, queue: GroupedQueue): QueueLog {
  const { id, type, durable } = options;
  const groupKeys = groupKeySource(options.arguments);
  // In order means that priorities mean nothing, and that what comes back does so at its old place.
  if (groupKeys !== undefined) return new GroupedLog(new MessageLog(id, durable, environment), groupKeys, queue);
  if (type === "quorum") {
    return new PriorityLog(id, durable, environment, {
      priorityMax: QUORUM_PRIORITY_MAX,
      priorityDefault: QUORUM_PRIORITY_DEFAULT,
      isQuorum: true,
    });
  }
  const priorityMax = Number(options.arguments.get("x-max-priority")?.value ?? 0);
  if (priorityMax === 0) return new MessageLog(id, durable, environment);
  return new PriorityLog(id, durable, environment, { priorityMax, priorityDefault: 0, isQuorum: false });
}
