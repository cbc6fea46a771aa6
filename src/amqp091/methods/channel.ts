import { BrokerError } from "../../core/errors.ts";
import { secondChannelOpen } from "../second-open.ts";
import type { Handlers } from "./handler.ts";

export const channelMethods: Handlers = {
  "channel.open"() {
    throw secondChannelOpen();
  },

  "channel.flow"(channel, { active }) {
    if (!active) throw new BrokerError("NOT_IMPLEMENTED", "active=false");
    channel.send("channel.flow-ok", { active: true });
  },

  "channel.close"(channel) {
    channel.remove();
    channel.send("channel.close-ok", {});
  },

  // Answers a channel.flow of ours, which we never send.
  "channel.flow-ok"() {},
};
