import { Broker } from "../core/broker.ts";
import type { Store } from "../core/ports.ts";
import type { PublishTap } from "../core/publish-tap.ts";
import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../lib/logger.ts";
import { type Random, systemRandom } from "../lib/random.ts";
import { SystemClock } from "../lib/system-clock.ts";
import { limitsOf, type ServerConfig } from "./options.ts";
import { StartError } from "./start-error.ts";
import { VERSION } from "./version.ts";

/** What a program that embeds the broker may bring itself; what is left out is the real thing. */
export interface BrokerParts {
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
  readonly publishTap?: PublishTap | undefined;
  /** Puts another store in front of the one that the configuration asks for. */
  readonly wrapStore?: ((store: Store) => Store) | undefined;
}

/** Builds the broker a configuration describes, not yet opened. The one place that picks a store. */
export async function composeBroker(config: ServerConfig, logger: Logger, parts: BrokerParts = {}): Promise<Broker> {
  const { clock = new SystemClock(), random = systemRandom, publishTap, wrapStore } = parts;
  const store = await openStore(config, logger);
  return new Broker({
    store: wrapStore === undefined ? store : wrapStore(store),
    clock,
    random,
    logger,
    limits: limitsOf(config),
    identity: { product: config.product, version: VERSION },
    ...(publishTap === undefined ? {} : { publishTap }),
  });
}

// Only the store that is wanted is loaded: LMDB is native code.
async function openStore({ memory, dataDir }: ServerConfig, logger: Logger): Promise<Store> {
  if (memory) {
    const { MemoryStore } = await import("../store/memory-store.ts");
    return new MemoryStore();
  }
  const { openLmdbStore } = await import("../store/lmdb-store.ts");
  const { DataDirectoryLockedError } = await import("../store/directory-lock.ts");
  try {
    return openLmdbStore({ directory: dataDir, logger });
  } catch (cause) {
    const { message } = cause as Error;
    if (cause instanceof DataDirectoryLockedError) {
      throw new StartError(`${message}; choose another one with --data-dir`, { cause });
    }
    throw new StartError(`the data directory ${dataDir} cannot be used: ${message}`, { cause });
  }
}
