import type { FieldTable } from "../wire/field-table.ts";
import type { BrokerAddress } from "./broker-uri.ts";
import type { TopologyOptions } from "./topology.ts";

/** A run that publishes and consumes. */
export interface ThroughputOptions extends TopologyOptions {
  readonly address: BrokerAddress;
  readonly publishers: number;
  readonly consumers: number;
  /** Octets of a body. */
  readonly size: number;
  readonly persistent: boolean;
  /** Messages each publisher may have unconfirmed; 0: no confirms. */
  readonly confirms: number;
  /** Messages that one acknowledgement covers; 0: automatic acknowledgement. */
  readonly ack: number;
  /** basic.qos prefetch-count; 0: no limit. */
  readonly prefetch: number;
  /** Messages per second and publisher; 0: as fast as it goes. */
  readonly rate: number;
  /** Seconds to measure; 0: until something else ends the run. */
  readonly duration: number;
  /** Seconds before, in which nothing is measured. */
  readonly warmup: number;
  /** Messages that all publishers publish, and that all consumers take, together; 0: no end. */
  readonly messages: number;
  /** Fetch with basic.get instead of basic.consume. */
  readonly polling: boolean;
  /** Arguments of basic.consume. */
  readonly consumerArguments: FieldTable;
  readonly latency: boolean;
  /** Delete the queues at the end. */
  readonly delete: boolean;
}
