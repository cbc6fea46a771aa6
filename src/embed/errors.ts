/** What the methods of an in-process channel reject with. */
export {
  ChannelClosedError,
  type CloseReason,
  ConnectionClosedError,
  ConnectionLostError,
  PublishRejectedError,
} from "../client/errors.ts";
