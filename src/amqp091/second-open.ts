import { WireError } from "../wire/errors.ts";
import { METHODS } from "../wire/methods.ts";

/** The answer to channel.open on a channel that is open, or whose close the client has not answered yet. */
export function secondChannelOpen(): WireError {
  const { classId, methodId } = METHODS["channel.open"];
  return new WireError("CHANNEL_ERROR", "second 'channel.open' seen", classId, methodId);
}
