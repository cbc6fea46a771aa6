import { type ServedConnection, serveConnection } from "../amqp091/connection.ts";
import type { Broker } from "../core/broker.ts";
import type { Logger } from "../lib/logger.ts";
import { formatEndpoint } from "../lib/peer-info.ts";
import { ListenError, TcpListener } from "../transport/tcp.ts";
import type { ServerConfig } from "./options.ts";
import { StartError } from "./start-error.ts";

/** How long clients get to answer connection.close before their sockets are dropped. */
const CLOSE_MILLISECONDS_MAX = 2_000;

/**
 * Sockets beyond the core's limit of connections that are still accepted, so that their clients are told why they
 * are refused instead of seeing a dropped socket.
 */
const REFUSABLE_SOCKETS = 100;

/** The open ports of a server, and what is connected to them. */
export class Listeners {
  private readonly connections = new Set<ServedConnection>();
  private readonly tcp: TcpListener;

  private constructor(tcp: TcpListener, connections: Set<ServedConnection>) {
    this.tcp = tcp;
    this.connections = connections;
  }

  /** Opens the configured ports; rejects with a {@link StartError}. */
  static async open(config: ServerConfig, broker: Broker, logger: Logger): Promise<Listeners> {
    const connections = new Set<ServedConnection>();
    const tcp = await TcpListener.open({
      host: config.bind,
      port: config.port,
      socketsMax: config.connectionsMax + REFUSABLE_SOCKETS,
      logger,
      onConnection: (stream, peer) => {
        const connection = serveConnection(broker, stream, peer);
        connections.add(connection);
        void connection.closed.then(() => connections.delete(connection));
      },
    }).catch((error: unknown) => {
      throw explain(error, config);
    });
    return new Listeners(tcp, connections);
  }

  get host(): string {
    return this.tcp.host;
  }

  get port(): number {
    return this.tcp.port;
  }

  /** Stops accepting and closes every connection with 320; those that do not answer in time are dropped. */
  async close(reason: string): Promise<void> {
    this.tcp.stop();
    const closed = Promise.all([...this.connections].map((connection) => connection.closed));
    for (const connection of this.connections) connection.close(reason);
    const timer = setTimeout(() => this.tcp.destroyConnections(), CLOSE_MILLISECONDS_MAX);
    await closed;
    clearTimeout(timer);
  }
}

function explain(error: unknown, { bind, port }: ServerConfig): unknown {
  if (!(error instanceof ListenError)) return error;
  const endpoint = formatEndpoint(bind, port);
  switch (error.code) {
    case "EADDRINUSE":
      return new StartError(
        `${endpoint} is in use by another process; choose another port with --port, LEVERET_PORT or "port" in the ` +
          "configuration file",
        { cause: error },
      );
    case "EACCES":
      return new StartError(`${endpoint} may not be listened on by this user; choose a port above 1023 with --port`, {
        cause: error,
      });
    default:
      return new StartError(`${error.message}; choose another address with --bind, or port with --port`, {
        cause: error,
      });
  }
}
