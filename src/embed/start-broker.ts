import { type Logger, silentLogger } from "../lib/logger.ts";
import { ManualClock } from "../lib/manual-clock.ts";
import { SeededRandom } from "../lib/seeded-random.ts";
import { SystemClock } from "../lib/system-clock.ts";
import { keyedSource, resolveConfig } from "../server/config.ts";
import { startServer } from "../server/lifecycle.ts";
import { OPTIONS } from "../server/options.ts";
import { ConfirmFaults } from "./confirm-faults.ts";
import { EmbeddedBroker, publishTap } from "./embedded-broker.ts";
import { FailingStore } from "./failing-store.ts";
import { Faults } from "./faults.ts";
import { InProcessConnections } from "./in-process-connections.ts";
import { PublishLog } from "./publish-log.ts";
import type { ServerOptions } from "./server-options.ts";

/** Options of `leveret start` that make no sense inside another program, which brings its own logger. */
const PROCESS_OPTIONS: ReadonlySet<string> = new Set(["logLevel", "logFormat", "memory"]);

/**
 * What is different inside another program: the memory in use is the program's, so that it is no reason to hold
 * publishers back.
 */
const EMBEDDED_DEFAULTS = { port: 0, memoryHighWatermarkFraction: 1 };

/**
 * With a clock that leaps, clients that go by the real one would be taken for dead and refusals would never come; and a
 * look at memory in use for every second of a day would take longer than the test.
 */
const MANUAL_CLOCK_DEFAULTS = {
  heartbeatSeconds: 0,
  loginRefusedDelayMilliseconds: 0,
  resourceCheckMilliseconds: 600_000,
};

/** What {@link startBroker} takes. */
export interface BrokerOptions extends ServerOptions {
  /** Where log lines go; they are discarded by default. */
  readonly logger?: Logger;
  /**
   * A clock that {@link EmbeddedBroker.advance} moves, for tests of what takes time. Unless told otherwise no
   * heartbeats are agreed on then, and refused logins are told at once. Default: the system's clock.
   */
  readonly clock?: ManualClock;
  /** Makes the names that the broker makes up (of queues and consumers) the same in every run. Default: random ones. */
  readonly seed?: number;
  /** How many of the messages that clients publish are kept for {@link EmbeddedBroker.published}. Default: 0, none. */
  readonly publishLogMessagesMax?: number;
}

/**
 * Starts a broker inside this process, by default in memory and on a free port of the loopback interface. Rejects with
 * a {@link ConfigError} for options that are not allowed, and with a {@link StartError} when the port or the data
 * directory cannot be had. Several brokers fit in one process.
 */
export async function startBroker(options: BrokerOptions = {}): Promise<EmbeddedBroker> {
  const { logger = silentLogger, clock = new SystemClock(), seed, publishLogMessagesMax = 0, ...values } = options;
  const allowed = OPTIONS.filter(({ key }) => !PROCESS_OPTIONS.has(key));
  const given = clock instanceof ManualClock ? { ...MANUAL_CLOCK_DEFAULTS, ...values } : values;
  const config = resolveConfig([keyedSource({ ...EMBEDDED_DEFAULTS, ...given }, "of startBroker")], allowed);

  const publishLog = new PublishLog(publishLogMessagesMax);
  const confirms = new ConfirmFaults(clock);
  let failingStore: FailingStore | undefined;
  const server = await startServer({ ...config, memory: options.dataDir === undefined }, logger, {
    clock,
    random: seed === undefined ? undefined : new SeededRandom(seed),
    publishTap: publishTap(publishLog, confirms),
    wrapStore: (store) => {
      failingStore = new FailingStore(store);
      return failingStore;
    },
  });
  const { broker } = server;
  const connections = new InProcessConnections(broker);
  const faults = new Faults({
    broker,
    store: failingStore as FailingStore,
    confirms,
    dropConnections: () => server.dropConnections() + connections.drop(),
  });
  const close = async (): Promise<void> => {
    await connections.close();
    await server.close();
  };
  return new EmbeddedBroker({
    broker,
    url: server.url,
    urls: server.urls,
    port: server.port,
    publishLog,
    faults,
    connections,
    close,
  });
}
