import { bindQueue } from "../../core/commands/bind-queue.ts";
import { declareQueue } from "../../core/commands/declare-queue.ts";
import { deleteQueue } from "../../core/commands/delete-queue.ts";
import { purgeQueue } from "../../core/commands/purge-queue.ts";
import { unbindQueue } from "../../core/commands/unbind-queue.ts";
import type { Handlers } from "./handler.ts";

export const queueMethods: Handlers = {
  "queue.declare"(channel, { queue, noWait, ...spec }) {
    const { name, messageCount, consumerCount } = declareQueue(channel.commandContext, { ...spec, name: queue });
    channel.lastQueueName = name;
    if (noWait) return;
    const reply = { queue: name, messageCount, consumerCount };
    if (spec.durable && !spec.exclusive && !spec.passive) channel.sendWhenDurable("queue.declare-ok", reply);
    else channel.send("queue.declare-ok", reply);
  },

  "queue.bind"(channel, { queue, noWait, ...binding }) {
    bindQueue(channel.commandContext, { ...binding, ...channel.bindingNames(queue, binding.routingKey) });
    if (!noWait) channel.sendWhenDurable("queue.bind-ok", {});
  },

  "queue.unbind"(channel, { queue, ...binding }) {
    unbindQueue(channel.commandContext, { ...binding, ...channel.bindingNames(queue, binding.routingKey) });
    channel.sendWhenDurable("queue.unbind-ok", {});
  },

  "queue.purge"(channel, { queue, noWait }) {
    const messageCount = purgeQueue(channel.commandContext, channel.queueName(queue));
    if (!noWait) channel.sendWhenAllDurable("queue.purge-ok", { messageCount });
  },

  "queue.delete"(channel, { queue, ifUnused, ifEmpty, noWait }) {
    const messageCount = deleteQueue(channel.commandContext, { name: channel.queueName(queue), ifUnused, ifEmpty });
    if (!noWait) channel.sendWhenDurable("queue.delete-ok", { messageCount });
  },
};
