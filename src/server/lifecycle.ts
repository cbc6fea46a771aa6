import { type Broker, DEFAULT_USER } from "../core/broker.ts";
import type { Logger } from "../lib/logger.ts";
import { formatEndpoint } from "../lib/peer-info.ts";
import { composeBroker } from "./compose.ts";
import { importDefinitionsFile, NO_DEFINITIONS_FILE } from "./definitions-file.ts";
import { Listeners } from "./listeners.ts";
import type { ServerConfig } from "./options.ts";
import { type WatchedResources, watchResources } from "./watch-resources.ts";

/** The text of the connection.close (320) that clients get when the server stops; RabbitMQ's. */
const SHUTDOWN_REASON = "broker forced connection closure with reason 'shutdown'";

/** A server that accepts connections until it is closed. */
export interface RunningServer {
  /** IP address it listens on. */
  readonly host: string;
  readonly port: number;
  /** An `amqp://` URL with which a client on this machine can connect; with user and password if that is guest. */
  readonly url: string;
  /** Stops accepting, closes connections with 320, commits and closes the store. May be called repeatedly. */
  close(): Promise<void>;
}

/** What runs on top of an open broker. */
interface OpenServer {
  readonly listeners: Listeners;
  readonly resources: WatchedResources;
}

/** Opens the store, recovers what it holds and starts to listen. Rejects with a StartError or the store's error. */
export async function startServer(config: ServerConfig, logger: Logger): Promise<RunningServer> {
  const broker = await composeBroker(config, logger);
  const { listeners, resources } = await openBroker(broker, config, logger);
  const credentials = broker.users.get(DEFAULT_USER) === undefined ? "" : `${DEFAULT_USER}:${DEFAULT_USER}@`;
  const close = async (): Promise<void> => {
    resources.stop();
    await listeners.close(SHUTDOWN_REASON);
    await broker.close();
  };
  let closing: Promise<void> | undefined;
  return {
    host: listeners.host,
    port: listeners.port,
    url: `amqp://${credentials}${formatEndpoint(reachableHost(listeners.host), listeners.port)}`,
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

async function openBroker(broker: Broker, config: ServerConfig, logger: Logger): Promise<OpenServer> {
  let resources: WatchedResources | undefined;
  try {
    openWithDefinitions(broker, config, logger);
    resources = await watchResources(config, broker);
    return { resources, listeners: await Listeners.open(config, broker, logger) };
  } catch (error) {
    resources?.stop();
    await broker.close();
    throw error;
  }
}

/** What RabbitMQ does too: a broker that imports definitions has no virtual host and no user but those. */
function openWithDefinitions(broker: Broker, { definitions }: ServerConfig, logger: Logger): void {
  broker.open(definitions === NO_DEFINITIONS_FILE);
  if (definitions !== NO_DEFINITIONS_FILE) importDefinitionsFile(broker, definitions, logger);
}

/** Where a server that listens on every address is reached from its own machine. */
function reachableHost(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  return host === "::" ? "::1" : host;
}
