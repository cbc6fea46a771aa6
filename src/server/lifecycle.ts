import { type Broker, DEFAULT_USER } from "../core/broker.ts";
import type { Logger } from "../lib/logger.ts";
import { type BrokerParts, composeBroker } from "./compose.ts";
import { listenerUrls } from "./listener-urls.ts";
import { Listeners, type ListenerState } from "./listeners.ts";
import { NOTHING } from "./option-types.ts";
import type { ServerConfig } from "./options.ts";
import { type ConfiguredTls, openTls } from "./tls.ts";
import { type WatchedResources, watchResources } from "./watch-resources.ts";

/** The text of the connection.close (320) that clients get when the server stops; RabbitMQ's. */
const SHUTDOWN_REASON = "broker forced connection closure with reason 'shutdown'";

/** A server that accepts connections until it is closed. */
export interface RunningServer {
  readonly broker: Broker;
  /** IP address it listens on. */
  readonly host: string;
  readonly port: number;
  /**
   * The URL with which a client on this machine can connect to `port`, with user and password if that is guest:
   * `amqp://`, or `amqps://` where TLS is required. With the option `proxyProtocol` a proxy has to be in between.
   */
  readonly url: string;
  /**
   * The URLs of all listeners to which clients connect themselves and not through a proxy, that of `port` first; where
   * TLS is optional with and without it. A Unix socket's is its path.
   */
  readonly urls: readonly string[];
  /** Drops every connection without another octet; returns how many there were. */
  dropConnections(): number;
  /** Stops accepting, closes connections with 320, commits and closes the store. May be called repeatedly. */
  close(): Promise<void>;
}

/** What runs on top of an open broker. */
interface OpenServer {
  readonly listeners: Listeners;
  readonly resources: WatchedResources;
  readonly tls: ConfiguredTls | undefined;
}

/** Opens the store, recovers what it holds and starts to listen. Rejects with a StartError or the store's error. */
export async function startServer(
  config: ServerConfig,
  logger: Logger,
  parts: BrokerParts = {},
): Promise<RunningServer> {
  const broker = await composeBroker(config, logger, parts);
  const { listeners, resources, tls } = await openBroker(broker, config, logger);
  const credentials = broker.users.get(DEFAULT_USER) === undefined ? "" : `${DEFAULT_USER}:${DEFAULT_USER}@`;
  const close = async (): Promise<void> => {
    resources.stop();
    tls?.stop();
    await listeners.close(SHUTDOWN_REASON);
    await broker.close();
  };
  let closing: Promise<void> | undefined;
  const direct = listeners.states.filter(({ settings }) => !settings.proxyProtocol);
  const [url] = listenerUrls(listeners.states[0] as ListenerState, credentials);
  return {
    broker,
    host: listeners.main.host,
    port: listeners.main.port,
    url: url as string,
    urls: direct.flatMap((state) => listenerUrls(state, credentials)),
    dropConnections: () => listeners.dropConnections(),
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

async function openBroker(broker: Broker, config: ServerConfig, logger: Logger): Promise<OpenServer> {
  let resources: WatchedResources | undefined;
  let tls: ConfiguredTls | undefined;
  try {
    await openWithDefinitions(broker, config, logger);
    resources = await watchResources(config, broker);
    tls = await openTls(config, broker.clock, logger);
    return { resources, tls, listeners: await Listeners.open({ config, broker, tls: tls?.gate, logger }) };
  } catch (error) {
    resources?.stop();
    tls?.stop();
    await broker.close();
    throw error;
  }
}

/** What RabbitMQ does too: a broker that imports definitions has no virtual host and no user but those. */
async function openWithDefinitions(broker: Broker, { definitions }: ServerConfig, logger: Logger): Promise<void> {
  if (definitions === NOTHING) {
    broker.open(true);
    return;
  }
  const { importDefinitionsFile } = await import("./definitions-file.ts");
  broker.open(false);
  importDefinitionsFile(broker, definitions, logger);
}
