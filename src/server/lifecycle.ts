import { type Broker, DEFAULT_USER } from "../core/broker.ts";
import type { Logger } from "../lib/logger.ts";
import { type BrokerParts, composeBroker } from "./compose.ts";
import { importDefinitionsFile, NO_DEFINITIONS_FILE } from "./definitions-file.ts";
import { listenerUrls } from "./listener-urls.ts";
import { Listeners } from "./listeners.ts";
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
   * `amqp://`, or `amqps://` where TLS is required.
   */
  readonly url: string;
  /** The URLs of all listeners, where TLS is optional with and without it, and the paths of Unix sockets; `url` is the first. */
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
  const urls = listeners.states.flatMap((state) => listenerUrls(state, credentials));
  return {
    broker,
    host: listeners.main.host,
    port: listeners.main.port,
    url: urls[0] as string,
    urls,
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
    openWithDefinitions(broker, config, logger);
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
function openWithDefinitions(broker: Broker, { definitions }: ServerConfig, logger: Logger): void {
  broker.open(definitions === NO_DEFINITIONS_FILE);
  if (definitions !== NO_DEFINITIONS_FILE) importDefinitionsFile(broker, definitions, logger);
}
