import { BrokerError } from "../../core/errors.ts";
import type { Handlers, MethodChannel } from "./handler.ts";

export const basicMethods: Handlers = {
  // As in RabbitMQ 4.3, `global` makes no difference.
  "basic.qos"(channel, { prefetchSize, prefetchCount }) {
    if (prefetchSize !== 0) throw new BrokerError("NOT_IMPLEMENTED", `prefetch_size!=0 (${prefetchSize})`);
    channel.session.setPrefetch(prefetchCount);
    channel.send("basic.qos-ok", {});
  },

  "basic.consume"(channel, { queue, consumerTag, noAck, exclusive, noWait, arguments: consumerArguments }) {
    const queueName = channel.queueName(queue);
    if (channel.session.hasConsumer(consumerTag)) {
      throw new BrokerError("NOT_ALLOWED", `attempt to reuse consumer tag '${consumerTag}'`);
    }
    const request = { queueName, consumerTag, noAck, exclusive, arguments: consumerArguments };
    channel.session.consume(request, (startedTag) => {
      if (!noWait) channel.send("basic.consume-ok", { consumerTag: startedTag });
    });
  },

  "basic.cancel"(channel, { consumerTag, noWait }) {
    channel.session.cancel(consumerTag);
    if (!noWait) channel.send("basic.cancel-ok", { consumerTag });
  },

  // Answers a basic.cancel of ours, which asks for no answer; the consumer may still be there, as after a timeout.
  "basic.cancel-ok"(channel, { consumerTag }) {
    channel.session.cancel(consumerTag);
  },

  "basic.get"(channel, { queue, noAck }) {
    const result = channel.session.get(channel.queueName(queue), noAck);
    if (result === undefined) {
      channel.send("basic.get-empty", {});
      return;
    }
    const { message, deliveryTag, redelivered, messageCount } = result;
    const { exchangeName: exchange, routingKey } = message;
    channel.send("basic.get-ok", { deliveryTag, redelivered, exchange, routingKey, messageCount });
    channel.sendContent(message);
    message.release();
  },

  "basic.ack"(channel, { deliveryTag, multiple }) {
    channel.session.acknowledge(deliveryTag, multiple, "accepted");
  },

  "basic.nack"(channel, { deliveryTag, multiple, requeue }) {
    channel.session.acknowledge(deliveryTag, multiple, requeue ? "released" : "rejected");
  },

  "basic.reject"(channel, { deliveryTag, requeue }) {
    channel.session.acknowledge(deliveryTag, false, requeue ? "failed" : "failed-for-good");
  },

  "basic.recover"(channel, { requeue }) {
    recover(channel, requeue);
    channel.send("basic.recover-ok", {});
  },

  "basic.recover-async"(channel, { requeue }) {
    recover(channel, requeue);
  },
};

function recover(channel: MethodChannel, requeue: boolean): void {
  if (!requeue) throw new BrokerError("NOT_IMPLEMENTED", "requeue=false");
  channel.session.requeueAll();
}
