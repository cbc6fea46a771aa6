import type { BrokerAddress } from "./broker-uri.ts";

/** What can be made and unmade over and over. */
export const CHURNS = ["connection", "channel", "queue", "binding", "consumer"] as const;

export type Churn = (typeof CHURNS)[number];

/** A run that makes and unmakes something over and over. */
export interface ChurnOptions {
  readonly address: BrokerAddress;
  readonly churn: Churn;
  /** Connections that do so at the same time. */
  readonly workers: number;
  /** How often in all; 0: no end. */
  readonly operations: number;
  /** Operations per second and worker; 0: as fast as it goes. */
  readonly rate: number;
  /** Seconds to measure; 0: until something else ends the run. */
  readonly duration: number;
  /** Seconds before, in which nothing is measured. */
  readonly warmup: number;
  /** Whether queues are durable. */
  readonly durable: boolean;
  /** Where queues are bound; empty: amq.direct. */
  readonly exchange: string;
}
