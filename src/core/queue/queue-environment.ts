import type { Clock } from "../../lib/clock.ts";
import type { Turn } from "../turn.ts";
import type { LogEnvironment } from "./chunk-storage.ts";

/** What every queue of a broker shares. */
export interface QueueEnvironment extends LogEnvironment {
  readonly turn: Turn;
  readonly clock: Clock;
  /** How long a consumer of a quorum queue may take to acknowledge, unless the queue or the consumer says otherwise. */
  readonly consumerTimeoutMilliseconds: number;
}
