/** The values of x-queue-type. RabbitMQ: "Queues", section on types. */
export const QUEUE_TYPES = ["classic", "quorum", "stream"] as const;

export type QueueType = (typeof QUEUE_TYPES)[number];
