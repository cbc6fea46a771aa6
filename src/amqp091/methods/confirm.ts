import type { Handlers } from "./handler.ts";

export const confirmMethods: Handlers = {
  "confirm.select"(channel, { noWait }) {
    channel.session.selectConfirms();
    if (!noWait) channel.send("confirm.select-ok", {});
  },
};
