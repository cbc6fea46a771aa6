import type { RunOptions } from "./run-options.ts";

/** What can be made and unmade over and over. */
export const CHURNS = ["connection", "channel", "queue", "binding", "consumer"] as const;

export type Churn = (typeof CHURNS)[number];

/** A run that makes and unmakes something over and over. Its rate is that of a worker. */
export interface ChurnOptions extends RunOptions {
  readonly churn: Churn;
  /** Connections that do so at the same time. */
  readonly workers: number;
  /** How often in all; 0: no end. */
  readonly operations: number;
  /** Whether queues are durable. */
  readonly durable: boolean;
  /** Where queues are bound; empty: amq.direct. */
  readonly exchange: string;
}
