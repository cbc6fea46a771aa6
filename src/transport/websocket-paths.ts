/** Where AMQP is to be had: the path LavinMQ's clients use, and that of RabbitMQ's Web AMQP plugin. */
export const WEBSOCKET_PATHS: readonly string[] = ["/ws/amqp", "/ws"];
