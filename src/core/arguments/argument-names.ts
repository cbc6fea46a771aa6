/** Arguments of queue.declare that commands look at by name. */
export const QUEUE_TYPE = "x-queue-type";
export const DEAD_LETTER_EXCHANGE = "x-dead-letter-exchange";
export const DEAD_LETTER_ROUTING_KEY = "x-dead-letter-routing-key";
