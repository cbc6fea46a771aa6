import type { BrokerAddress } from "./broker-uri.ts";
import type { TopologyOptions } from "./topology.ts";

/** What every run is told. */
export interface RunOptions {
  readonly address: BrokerAddress;
  /** Messages, requests or operations per second and client; 0: as fast as it goes. */
  readonly rate: number;
  /** Seconds to measure; 0: until something else ends the run. */
  readonly duration: number;
  /** Seconds before, in which nothing is measured. */
  readonly warmup: number;
}

/** What a run is told in which messages pass through queues. */
export interface MessageOptions extends RunOptions, TopologyOptions {
  /** Octets of a body. */
  readonly size: number;
  readonly persistent: boolean;
  /** Messages that one acknowledgement covers; 0: automatic acknowledgement. */
  readonly ack: number;
  /** basic.qos prefetch-count of a consumer; 0: no limit. */
  readonly prefetch: number;
  /** Delete the queues at the end. */
  readonly delete: boolean;
}
