import { CACHE_SIZE, CACHE_TTL, deduplicationOptions, MESSAGE_DEDUPLICATION } from "./deduplication-options.ts";
import type { DeduplicationEnvironment } from "./deduplication-window.ts";
import { KeysInQueue } from "./keys-in-queue.ts";
import type { DeduplicatedQueue, QueueDeduplication } from "./queue-deduplication.ts";
import { QueueWindow } from "./queue-window.ts";

/**
 * What the checked arguments of a queue ask for; undefined: nothing. With a size or a time the queue remembers the
 * latest keys, as in LavinMQ; without, the keys of the messages that are in it, as with the RabbitMQ plugin.
 */
export function createQueueDeduplication(
  queue: DeduplicatedQueue,
  environment: DeduplicationEnvironment,
): QueueDeduplication | undefined {
  const table = queue.arguments;
  if (table.get(MESSAGE_DEDUPLICATION)?.value !== true) return undefined;
  const options = deduplicationOptions(table);
  return table.has(CACHE_SIZE) || table.has(CACHE_TTL)
    ? new QueueWindow(queue, options, environment)
    : new KeysInQueue(queue, options, environment);
}
