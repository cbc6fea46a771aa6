import { Broker } from "../core/broker.ts";
import type { Store } from "../core/ports.ts";
import type { Logger } from "../lib/logger.ts";
import { systemRandom } from "../lib/random.ts";
import { SystemClock } from "../lib/system-clock.ts";
import { limitsOf, type ServerConfig } from "./options.ts";
import { StartError } from "./start-error.ts";
import { VERSION } from "./version.ts";

/** Builds the broker a configuration describes, not yet opened. The one place that picks a store. */
export async function composeBroker(config: ServerConfig, logger: Logger): Promise<Broker> {
  return new Broker({
    store: await openStore(config, logger),
    clock: new SystemClock(),
    random: systemRandom,
    logger,
    limits: limitsOf(config),
    identity: { product: config.product, version: VERSION },
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
