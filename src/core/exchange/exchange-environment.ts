import type { Clock } from "../../lib/clock.ts";
import type { Random } from "../../lib/random.ts";
import type { DeduplicationEnvironment } from "../deduplication/deduplication-window.ts";
import type { CreateDelayLine } from "../delay-line.ts";
import type { CreateMessageHistory } from "../message-history.ts";
import type { Exchange } from "./exchange.ts";
import type { RouteChanges } from "./route-changes.ts";

/** What exchanges need of their virtual host. */
export interface ExchangeEnvironment {
  readonly random: Random;
  readonly clock: Clock;
  /** Finds an exchange of the virtual host. */
  readonly exchangeByName: (name: string) => Exchange | undefined;
  /** What has changed of late, for those who keep routes. */
  readonly routeChanges: RouteChanges;
  /** Gives out the id of an exchange that keeps something in the store. */
  readonly allocateId: () => number;
  /** Takes it back: the exchange is deleted. */
  readonly releaseId: (id: number) => void;
  readonly deduplication: DeduplicationEnvironment;
  readonly createDelayLine: CreateDelayLine;
  readonly createMessageHistory: CreateMessageHistory;
}
