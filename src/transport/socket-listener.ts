import { chmodSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import type { Logger } from "../lib/logger.ts";
import { formatEndpoint, isLoopbackAddress, type PeerInfo } from "../lib/peer-info.ts";
import type { OpenSockets } from "./open-sockets.ts";
import { clearStaleSocket } from "./unix-socket-file.ts";

/** Idle time after which the kernel starts to probe whether a silent client is still there. */
const KEEP_ALIVE_DELAY_MILLISECONDS = 60_000;

/** Connections the kernel completes and holds while the event loop is busy. */
const ACCEPT_BACKLOG = 1024;

/** Who a client of a Unix socket is taken for: it has no address, and is on this machine. */
const UNIX_SOCKET_PEER: PeerInfo = {
  host: "127.0.0.1",
  port: 0,
  localHost: "127.0.0.1",
  localPort: 0,
  loopback: true,
};

export interface TcpEndpoint {
  /** IP address or host name. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

export interface UnixEndpoint {
  readonly path: string;
  /** Permissions of the socket file, e.g. 0o660. */
  readonly mode: number;
}

/** Where to listen. */
export type ListenEndpoint = TcpEndpoint | UnixEndpoint;

/** A listener could not be opened; `code` is the operating system's, e.g. `EADDRINUSE`. */
export class ListenError extends Error {
  override readonly name = "ListenError";
  readonly code: string | undefined;

  constructor(endpoint: ListenEndpoint, cause: NodeJS.ErrnoException) {
    super(`cannot listen on ${endpointName(endpoint)}: ${cause.message}`, { cause });
    this.code = cause.code;
  }
}

export interface SocketListenerOptions {
  readonly endpoint: ListenEndpoint;
  /** Shared by the listeners of a server. */
  readonly sockets: OpenSockets;
  readonly logger: Logger;
  /** Takes over an accepted socket. When the client ends its side, the taker ends the other. */
  readonly onConnection: (socket: Socket, peer: PeerInfo) => void;
}

/** Accepts connections on a TCP port or a Unix socket and hands each on as a stream and who is behind it. */
export class SocketListener {
  /** Where it listens, with the port that was picked. */
  readonly endpoint: ListenEndpoint;
  readonly #server: Server;

  private constructor(server: Server, endpoint: ListenEndpoint) {
    const address = server.address();
    this.#server = server;
    this.endpoint =
      address === null || typeof address === "string" ? endpoint : { host: address.address, port: address.port };
  }

  /** Resolves when connections are accepted; rejects with a {@link ListenError}. */
  static async open(options: SocketListenerOptions): Promise<SocketListener> {
    const { endpoint, sockets, logger } = options;
    const server = createServer({
      noDelay: true,
      // A client that has said its last may still want the answer.
      allowHalfOpen: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_DELAY_MILLISECONDS,
    });
    server.on("connection", (socket) => {
      if (sockets.admit(socket)) accept(socket, options);
    });
    try {
      await listen(server, endpoint);
    } catch (cause) {
      server.close();
      throw new ListenError(endpoint, cause as NodeJS.ErrnoException);
    }
    // A failed accept (out of file descriptors, for one) concerns only the client that is trying to connect.
    server.on("error", (error) => logger.error("a connection could not be accepted", { error }));
    return new SocketListener(server, endpoint);
  }

  /**
   * Accepts no more connections; those that are open stay. A Unix socket's file is removed. Resolves when they have
   * closed as well and nothing is left.
   */
  async stop(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }
}

/** `host:port`, or the path of a Unix socket. */
export function endpointName(endpoint: ListenEndpoint): string {
  return "path" in endpoint ? endpoint.path : formatEndpoint(endpoint.host, endpoint.port);
}

async function listen(server: Server, endpoint: ListenEndpoint): Promise<void> {
  if ("path" in endpoint) await clearStaleSocket(endpoint.path);
  const where = "path" in endpoint ? { path: endpoint.path } : { host: endpoint.host, port: endpoint.port };
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ ...where, backlog: ACCEPT_BACKLOG }, () => {
      server.off("error", reject);
      resolve();
    });
  });
  if ("path" in endpoint) chmodSync(endpoint.path, endpoint.mode);
}

function accept(socket: Socket, { endpoint, logger, onConnection }: SocketListenerOptions): void {
  const peer = "path" in endpoint ? UNIX_SOCKET_PEER : tcpPeer(socket);
  socket.on("error", (error) => logger.debug("socket error", { error, client: `${peer?.host}:${peer?.port}` }));
  // Without an address the client was gone before its connection was looked at.
  if (peer === undefined) socket.destroy();
  else onConnection(socket, peer);
}

function tcpPeer({ remoteAddress, remotePort, localAddress, localPort }: Socket): PeerInfo | undefined {
  if (
    remoteAddress === undefined ||
    remotePort === undefined ||
    localAddress === undefined ||
    localPort === undefined
  ) {
    return undefined;
  }
  return {
    host: remoteAddress,
    port: remotePort,
    localHost: localAddress,
    localPort,
    loopback: isLoopbackAddress(remoteAddress),
  };
}
