import type { Broker } from "../core/broker.ts";
import type { Logger } from "../lib/logger.ts";
import { formatEndpoint } from "../lib/peer-info.ts";
import { composeBroker } from "./compose.ts";
import { Listeners } from "./listeners.ts";
import type { ServerConfig } from "./options.ts";

/** The text of the connection.close (320) that clients get when the server stops; RabbitMQ's. */
const SHUTDOWN_REASON = "broker forced connection closure with reason 'shutdown'";

/** A server that accepts connections until it is closed. */
export interface RunningServer {
  /** IP address it listens on. */
  readonly host: string;
  readonly port: number;
  /** An `amqp://` URL with which a client on this machine can connect. */
  readonly url: string;
  /** Stops accepting, closes connections with 320, commits and closes the store. May be called repeatedly. */
  close(): Promise<void>;
}

/** Opens the store, recovers what it holds and starts to listen. Rejects with a StartError or the store's error. */
export async function startServer(config: ServerConfig, logger: Logger): Promise<RunningServer> {
  const broker = await composeBroker(config, logger);
  const listeners = await openBroker(broker, config, logger);
  let closing: Promise<void> | undefined;
  return {
    host: listeners.host,
    port: listeners.port,
    url: `amqp://guest:guest@${formatEndpoint(reachableHost(listeners.host), listeners.port)}`,
    close: () => {
      closing ??= listeners.close(SHUTDOWN_REASON).then(() => broker.close());
      return closing;
    },
  };
}

async function openBroker(broker: Broker, config: ServerConfig, logger: Logger): Promise<Listeners> {
  try {
    broker.open();
    return await Listeners.open(config, broker, logger);
  } catch (error) {
    await broker.close();
    throw error;
  }
}

/** Where a server that listens on every address is reached from its own machine. */
function reachableHost(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  return host === "::" ? "::1" : host;
}
