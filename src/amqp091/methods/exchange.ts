import { bindExchange } from "../../core/commands/bind-exchange.ts";
import { declareExchange } from "../../core/commands/declare-exchange.ts";
import { deleteExchange } from "../../core/commands/delete-exchange.ts";
import { unbindExchange } from "../../core/commands/unbind-exchange.ts";
import type { Handlers } from "./handler.ts";

export const exchangeMethods: Handlers = {
  "exchange.declare"(channel, { exchange, noWait, ...spec }) {
    declareExchange(channel.commandContext, { ...spec, name: exchange });
    if (noWait) return;
    if (spec.durable && !spec.passive) channel.sendWhenDurable("exchange.declare-ok", {});
    else channel.send("exchange.declare-ok", {});
  },

  "exchange.delete"(channel, { exchange, ifUnused, noWait }) {
    deleteExchange(channel.commandContext, { name: exchange, ifUnused });
    if (!noWait) channel.sendWhenDurable("exchange.delete-ok", {});
  },

  "exchange.bind"(channel, { noWait, ...binding }) {
    bindExchange(channel.commandContext, binding);
    if (!noWait) channel.sendWhenDurable("exchange.bind-ok", {});
  },

  "exchange.unbind"(channel, { noWait, ...binding }) {
    unbindExchange(channel.commandContext, binding);
    if (!noWait) channel.sendWhenDurable("exchange.unbind-ok", {});
  },
};
