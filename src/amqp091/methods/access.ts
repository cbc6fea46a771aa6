import type { Handlers } from "./handler.ts";

/** The ticket every access.request gets; tickets mean nothing. */
const TICKET = 1;

export const accessMethods: Handlers = {
  "access.request"(channel) {
    channel.send("access.request-ok", { ticket: TICKET });
  },
};
