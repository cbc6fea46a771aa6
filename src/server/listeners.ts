import type { Duplex } from "node:stream";
import { serveConnection } from "../amqp091/connection.ts";
import type { Broker } from "../core/broker.ts";
import type { Logger } from "../lib/logger.ts";
import type { PeerInfo } from "../lib/peer-info.ts";
import type { ServedConnection } from "../lib/served-connection.ts";
import { AddressList } from "../transport/address-list.ts";
import { type AmqpServers, Doorway, type HttpDoor, type Serve } from "../transport/doorway.ts";
import { OpenSockets } from "../transport/open-sockets.ts";
import { type ListenEndpoint, SocketListener, type TcpEndpoint } from "../transport/socket-listener.ts";
import type { TlsGate } from "../transport/tls-gate.ts";
import type { WebSocketDoorOptions } from "../transport/websocket-door.ts";
import { loadAmqp10, loadWebSocketDoor } from "./late-modules.ts";
import { explainListenError } from "./listen-problem.ts";
import { type ListenerSettings, listenerSettings } from "./listener-settings.ts";
import type { ServerConfig } from "./options.ts";

/** How long clients get to answer connection.close before their sockets are dropped. */
const CLOSE_MILLISECONDS_MAX = 2_000;

/**
 * Sockets beyond the core's limit of connections that are still accepted, so that their clients are told why they
 * are refused instead of seeing a dropped socket.
 */
const REFUSABLE_SOCKETS = 100;

/** The octets of a frame around its payload. */
const FRAME_OVERHEAD_BYTES = 8;

/** What every client of a Unix socket is taken for (see SocketListener), and so what a proxy there is. */
const UNIX_SOCKET_PROXIES = ["127.0.0.1"];

export interface ListenersOptions {
  readonly config: ServerConfig;
  readonly broker: Broker;
  readonly tls: TlsGate | undefined;
  readonly logger: Logger;
}

interface OpenListener {
  readonly settings: ListenerSettings;
  readonly listener: SocketListener;
  readonly doorway: Doorway;
}

/** A listener that accepts connections. */
export interface ListenerState {
  readonly settings: ListenerSettings;
  /** Where it listens, with the port that was picked. */
  readonly endpoint: ListenEndpoint;
}

/** The open listeners of a server, and what is connected to them. */
export class Listeners {
  readonly #options: ListenersOptions;
  readonly #sockets: OpenSockets;
  #webSocketDoor: HttpDoor | undefined;
  readonly #connections = new Set<ServedConnection>();
  readonly #open: OpenListener[] = [];
  #closing = false;

  private constructor(options: ListenersOptions) {
    const { config, logger } = options;
    this.#options = options;
    this.#sockets = new OpenSockets(config.connectionsMax + REFUSABLE_SOCKETS, logger);
  }

  /** Opens all listeners of a configuration, or none; rejects with a ConfigError or a StartError. */
  static async open(options: ListenersOptions): Promise<Listeners> {
    const listeners = new Listeners(options);
    for (const settings of listenerSettings(options.config)) {
      try {
        await listeners.#listen(settings);
      } catch (error) {
        const stopped = listeners.#stop();
        listeners.#sockets.destroyAll();
        await stopped;
        throw explainListenError(error, settings);
      }
    }
    return listeners;
  }

  /** All of them, that of the option `port` first. */
  get states(): ListenerState[] {
    return this.#open.map(({ settings, listener }) => ({ settings, endpoint: listener.endpoint }));
  }

  /** Where the option `port` has led to. */
  get main(): TcpEndpoint {
    return (this.#open[0] as OpenListener).listener.endpoint as TcpEndpoint;
  }

  /** Drops every connection without another octet; returns how many there were. */
  dropConnections(): number {
    const { size } = this.#connections;
    this.#sockets.destroyAll();
    return size;
  }

  /** Stops accepting and closes every connection with 320; those that do not answer in time are dropped. */
  async close(reason: string): Promise<void> {
    const stopped = this.#stop();
    const closed = Promise.all([...this.#connections].map((connection) => connection.closed));
    for (const connection of this.#connections) connection.close(reason);
    const timer = setTimeout(() => this.#sockets.destroyAll(), CLOSE_MILLISECONDS_MAX);
    await closed;
    clearTimeout(timer);
    // A WebSocket may outlive its connection while it says goodbye.
    this.#sockets.destroyAll();
    await stopped;
  }

  /** Resolves when no listener and none of the sockets it has accepted is open. */
  async #stop(): Promise<void> {
    this.#closing = true;
    for (const { doorway } of this.#open) doorway.dropEntering();
    await Promise.all(this.#open.map(({ listener }) => listener.stop()));
  }

  async #listen(settings: ListenerSettings): Promise<void> {
    const { logger } = this.#options;
    const { endpoint } = settings;
    const doorway = this.#doorway(settings);
    const onConnection = doorway.enter.bind(doorway);
    const listener = await SocketListener.open({ endpoint, sockets: this.#sockets, logger, onConnection });
    this.#open.push({ settings, listener, doorway });
  }

  #doorway({ protocols, tls, proxyProtocol, endpoint }: ListenerSettings): Doorway {
    const { config, broker, logger } = this.#options;
    const all: AmqpServers = { amqp: this.#amqp, amqp1: this.#amqp1 };
    const onSocket: AmqpServers = {
      ...(protocols.includes("amqp") ? { amqp: this.#amqp } : {}),
      ...(protocols.includes("amqp1") ? { amqp1: this.#amqp1 } : {}),
    };
    const trusted = "path" in endpoint ? UNIX_SOCKET_PROXIES : config.proxyTrusted;
    return new Doorway({
      onSocket,
      onWebSocket: Object.keys(onSocket).length === 0 ? all : onSocket,
      http: protocols.includes("websocket") ? this.#http : undefined,
      tls: tls === "off" ? undefined : this.#options.tls,
      tlsRequired: tls === "required",
      proxies: proxyProtocol ? new AddressList(trusted) : undefined,
      handshakeMilliseconds: config.handshakeTimeoutMilliseconds,
      clock: broker.clock,
      logger,
    });
  }

  readonly #amqp: Serve = (stream, peer) => this.#serve(serveConnection, stream, peer);

  readonly #amqp1: Serve = (stream, peer) => {
    loadAmqp10().then(
      ({ serveAmqp10 }) => this.#serve(serveAmqp10, stream, peer),
      (error: unknown) => this.#notLoaded(stream, error),
    );
  };

  readonly #http: HttpDoor = {
    take: (stream, peer, onWebSocket) => {
      loadWebSocketDoor().then(
        ({ WebSocketDoor }) => {
          this.#webSocketDoor ??= new WebSocketDoor(this.#webSocketOptions());
          if (!stream.destroyed) this.#webSocketDoor.take(stream, peer, onWebSocket);
        },
        (error: unknown) => this.#notLoaded(stream, error),
      );
    },
  };

  /** Files cannot be opened, for one, while strangers hold all the file descriptors that the process may have. */
  #notLoaded(stream: Duplex, error: unknown): void {
    this.#options.logger.error("client dropped: what serves it cannot be loaded", { error });
    stream.destroy();
  }

  #webSocketOptions(): WebSocketDoorOptions {
    const { config, broker, logger } = this.#options;
    return {
      origins: config.websocketOrigins,
      messageBytesMax: Math.max(config.websocketMessageBytesMax, config.frameBytesMax + FRAME_OVERHEAD_BYTES),
      isFull: () => broker.connectionCount >= config.connectionsMax,
      logger,
    };
  }

  #serve(serve: typeof serveConnection, stream: Duplex, peer: PeerInfo): void {
    // The client may have left, or the server have closed, while what serves it was loaded.
    if (this.#closing || stream.destroyed) {
      stream.destroy();
      return;
    }
    const connection = serve(this.#options.broker, stream, peer);
    this.#connections.add(connection);
    void connection.closed.then(() => this.#connections.delete(connection));
    stream.resume();
  }
}
