import type { BrokerAddress } from "./broker-uri.ts";
import type { TopologyOptions } from "./topology.ts";

/** A run of clients that ask, and responders that answer. */
export interface RpcOptions extends TopologyOptions {
  readonly address: BrokerAddress;
  /** Connections that ask; 0: somebody else does. */
  readonly clients: number;
  /** Connections that answer; 0: somebody else does. */
  readonly responders: number;
  /** Octets of the body of a request, and of a reply. */
  readonly size: number;
  /** Whether requests are persistent; replies never are. */
  readonly persistent: boolean;
  /** Whether each client has an exclusive queue for replies instead of direct reply-to. */
  readonly replyQueues: boolean;
  /** Requests that one acknowledgement of a responder covers; 0: automatic acknowledgement. */
  readonly ack: number;
  /** basic.qos prefetch-count of a responder; 0: no limit. */
  readonly prefetch: number;
  /** Requests per second and client, answered or not; 0: each as soon as the one before is answered. */
  readonly rate: number;
  /** Requests in all; 0: no end. */
  readonly requests: number;
  /** Seconds to measure; 0: until something else ends the run. */
  readonly duration: number;
  /** Seconds before, in which nothing is measured. */
  readonly warmup: number;
  /** Delete the requests' queues at the end. */
  readonly delete: boolean;
}
