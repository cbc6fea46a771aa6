import type { MessageOptions } from "./run-options.ts";

/**
 * A run of clients that ask, and responders that answer. Requests and replies have the same size; replies are never
 * persistent. It is responders that acknowledge and have a prefetch-count. Its rate is that of a client, whose requests are then
 * sent answered or not; without one it sends each as soon as the one before is answered.
 */
export interface RpcOptions extends MessageOptions {
  /** Connections that ask; 0: somebody else does. */
  readonly clients: number;
  /** Connections that answer; 0: somebody else does. */
  readonly responders: number;
  /** Whether each client has an exclusive queue for replies instead of direct reply-to. */
  readonly replyQueues: boolean;
  /** Requests in all; 0: no end. */
  readonly requests: number;
}
