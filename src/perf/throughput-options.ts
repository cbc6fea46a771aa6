import type { FieldTable } from "../wire/field-table.ts";
import type { MessageOptions } from "./run-options.ts";

/** A run that publishes and consumes. Its rate is that of a publisher. */
export interface ThroughputOptions extends MessageOptions {
  readonly publishers: number;
  readonly consumers: number;
  /** Messages each publisher may have unconfirmed; 0: no confirms. */
  readonly confirms: number;
  /** Messages that all publishers publish, and that all consumers take, together; 0: no end. */
  readonly messages: number;
  /** Fetch with basic.get instead of basic.consume. */
  readonly polling: boolean;
  /** Arguments of basic.consume. */
  readonly consumerArguments: FieldTable;
  readonly latency: boolean;
}
