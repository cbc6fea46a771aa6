import type { Clock } from "../../lib/clock.ts";
import type { Random } from "../../lib/random.ts";
import type { Exchange } from "./exchange.ts";

/** What exchanges need of their virtual host. */
export interface ExchangeEnvironment {
  readonly random: Random;
  readonly clock: Clock;
  /** Finds an exchange of the virtual host. */
  readonly exchangeByName: (name: string) => Exchange | undefined;
}
