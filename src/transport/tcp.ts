import { createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Logger } from "../lib/logger.ts";
import { formatEndpoint, isLoopbackAddress, type PeerInfo } from "../lib/peer-info.ts";

/** Idle time after which the kernel starts to probe whether a silent client is still there. */
const KEEP_ALIVE_DELAY_MILLISECONDS = 60_000;

/** Connections the kernel completes and holds while the event loop is busy. */
const ACCEPT_BACKLOG = 1024;

/** A listener could not be opened; `code` is the operating system's, e.g. `EADDRINUSE`. */
export class ListenError extends Error {
  override readonly name = "ListenError";
  readonly code: string | undefined;

  constructor(endpoint: string, cause: NodeJS.ErrnoException) {
    super(`cannot listen on ${endpoint}: ${cause.message}`, { cause });
    this.code = cause.code;
  }
}

export interface TcpListenerOptions {
  /** IP address or host name to listen on. */
  readonly host: string;
  /** 0: the operating system picks a free port. */
  readonly port: number;
  /** Sockets open at the same time; further ones are dropped as they are accepted. */
  readonly socketsMax: number;
  readonly logger: Logger;
  /** Takes over an accepted stream. When the client ends its side, the taker ends the other. */
  readonly onConnection: (stream: Duplex, peer: PeerInfo) => void;
}

/** Accepts TCP connections and hands each on as a stream and who is behind it. */
export class TcpListener {
  readonly host: string;
  readonly port: number;
  private readonly server: Server;
  private readonly sockets: Set<Socket>;

  private constructor(server: Server, sockets: Set<Socket>) {
    const address = server.address();
    if (address === null || typeof address === "string") throw new TypeError("a TCP server has an address and a port");
    this.host = address.address;
    this.port = address.port;
    this.server = server;
    this.sockets = sockets;
  }

  /** Resolves when connections are accepted; rejects with a {@link ListenError}. */
  static open(options: TcpListenerOptions): Promise<TcpListener> {
    const { host, port, socketsMax, logger } = options;
    const sockets = new Set<Socket>();
    const server = createServer({
      noDelay: true,
      // A client that has said its last may still want the answer.
      allowHalfOpen: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_DELAY_MILLISECONDS,
    });
    let limitReported = false;

    server.maxConnections = socketsMax;
    server.on("drop", () => {
      if (limitReported) return;
      limitReported = true;
      logger.warn("connections dropped: the limit of open sockets is reached", { socketsMax });
    });
    server.on("connection", (socket) => {
      limitReported = false;
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
      accept(socket, options);
    });

    return new Promise((resolve, reject) => {
      const refuse = (cause: NodeJS.ErrnoException): void => reject(new ListenError(formatEndpoint(host, port), cause));
      server.once("error", refuse);
      server.listen({ host, port, backlog: ACCEPT_BACKLOG }, () => {
        server.off("error", refuse);
        // A failed accept (out of file descriptors, for one) concerns only the client that is trying to connect.
        server.on("error", (error) => logger.error("a connection could not be accepted", { error }));
        resolve(new TcpListener(server, sockets));
      });
    });
  }

  /** Accepts no more connections; those that are open stay. */
  stop(): void {
    this.server.close();
  }

  /** Drops every open connection without another byte. */
  destroyConnections(): void {
    for (const socket of this.sockets) socket.destroy();
  }
}

function accept(socket: Socket, { logger, onConnection }: TcpListenerOptions): void {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  socket.on("error", (error) => logger.debug("socket error", { error, client: `${remoteAddress}:${remotePort}` }));
  if (
    remoteAddress === undefined ||
    remotePort === undefined ||
    localAddress === undefined ||
    localPort === undefined
  ) {
    // The client was gone before its connection was looked at.
    socket.destroy();
    return;
  }
  onConnection(socket, {
    host: remoteAddress,
    port: remotePort,
    localHost: localAddress,
    localPort,
    loopback: isLoopbackAddress(remoteAddress),
  });
}
