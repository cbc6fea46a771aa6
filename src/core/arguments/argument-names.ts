/** Arguments of queue.declare that are looked at in more than one place. */
export const QUEUE_TYPE = "x-queue-type";
export const DEAD_LETTER_EXCHANGE = "x-dead-letter-exchange";
export const DEAD_LETTER_ROUTING_KEY = "x-dead-letter-routing-key";
export const MAX_AGE = "x-max-age";
export const MAX_PRIORITY = "x-max-priority";

/** The header by whose value messages are grouped, or the property: `group-id` is the only one that can be named. */
export const GROUP_HEADER = "x-group-header";
export const GROUP_PROPERTY = "x-group-property";
export const GROUP_ID_PROPERTY = "group-id";
