import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import type { Logger } from "../lib/logger.ts";
import type { PeerInfo } from "../lib/peer-info.ts";
import type { HttpDoor } from "./doorway.ts";
import { isOriginAllowed } from "./origins.ts";
import { WEBSOCKET_PATHS } from "./websocket-paths.ts";
import { WebSocketStream } from "./websocket-stream.ts";

/**
 * Names under which clients ask for AMQP: the registered one, then those of clients that are older. What is spoken the
 * octets tell, as on a socket. AMQP WebSocket Binding 1.0, section 2.1.
 */
const SUBPROTOCOLS: readonly string[] = ["amqp", "AMQPWSB10", "binary"];

/** A request line and header fields longer than this are no handshake. */
const HEADER_BYTES_MAX = 16 * 1024;

export interface WebSocketDoorOptions {
  /** Origins of pages that may connect besides those served from the same host. */
  readonly origins: readonly string[];
  /** The largest message a client may send; it is held in memory until it is complete. */
  readonly messageBytesMax: number;
  readonly logger: Logger;
  /** True while no further connection can be served. */
  readonly isFull: () => boolean;
}

/** A stream on which HTTP is spoken, and who waits for it to become a WebSocket. */
interface Visitor {
  readonly peer: PeerInfo;
  readonly onWebSocket: (stream: Duplex) => void;
}

interface Refusal {
  readonly status: number;
  readonly explanation: string;
}

const NOT_FOUND: Refusal = {
  status: 404,
  explanation: `There is nothing here. AMQP over a WebSocket is at ${WEBSOCKET_PATHS[0]}.`,
};
const UPGRADE_REQUIRED: Refusal = { status: 426, explanation: "AMQP over a WebSocket is spoken here." };

/** Speaks HTTP with clients until they have turned their connection into a WebSocket, or are refused. */
export class WebSocketDoor implements HttpDoor {
  readonly #options: WebSocketDoorOptions;
  readonly #http: Server;
  readonly #webSockets: WebSocketServer;
  readonly #visitors = new WeakMap<Duplex, Visitor>();

  constructor(options: WebSocketDoorOptions) {
    this.#options = options;
    this.#webSockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      skipUTF8Validation: true,
      maxPayload: options.messageBytesMax,
      handleProtocols: (offered) => SUBPROTOCOLS.find((each) => offered.has(each)) ?? false,
    });
    this.#http = createServer({ maxHeaderSize: HEADER_BYTES_MAX });
    this.#http.on("request", (request, response) => this.#answer(request, response));
    this.#http.on("upgrade", (request, stream, head) => this.#upgrade(request, stream, head));
  }

  /** A client that does not ask for a WebSocket, or may not have one, gets an answer and the stream ends. */
  take(stream: Duplex, peer: PeerInfo, onWebSocket: (stream: Duplex) => void): void {
    this.#visitors.set(stream, { peer, onWebSocket });
    this.#http.emit("connection", stream);
    stream.resume();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { status, explanation } = isWebSocketPath(request) ? UPGRADE_REQUIRED : NOT_FOUND;
    if (status === UPGRADE_REQUIRED.status) response.setHeader("Upgrade", "websocket");
    response.writeHead(status, { "Content-Type": "text/plain", Connection: "close" });
    response.end(`${explanation}\n`);
  }

  #upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    const visitor = this.#visitors.get(stream) as Visitor;
    const refusal = this.#refusalOf(request, visitor.peer);
    if (refusal !== undefined) {
      const { origin } = request.headers;
      this.#options.logger.info("WebSocket refused", { peer: visitor.peer.host, origin, reason: refusal.explanation });
      refuse(stream, refusal);
      return;
    }
    this.#webSockets.handleUpgrade(request, stream, head, (socket) =>
      visitor.onWebSocket(new WebSocketStream(socket, stream)),
    );
  }

  #refusalOf(request: IncomingMessage, { loopback }: PeerInfo): Refusal | undefined {
    const { origin, host, "sec-websocket-protocol": offered } = request.headers;
    if (!isWebSocketPath(request)) return NOT_FOUND;
    if (!isOriginAllowed({ origin, host, loopback }, this.#options.origins)) {
      return {
        status: 403,
        explanation: `Pages of ${origin} may not connect: the option websocketOrigins does not name it.`,
      };
    }
    if (offered !== undefined && !offered.split(",").some((each) => SUBPROTOCOLS.includes(each.trim()))) {
      return { status: 400, explanation: `The subprotocol must be one of ${SUBPROTOCOLS.join(", ")}, or none.` };
    }
    if (this.#options.isFull()) return { status: 503, explanation: "The limit of connections is reached." };
    return undefined;
  }
}

function isWebSocketPath({ url = "" }: IncomingMessage): boolean {
  return WEBSOCKET_PATHS.includes(url.split("?", 1)[0] as string);
}

/** Answers a request for which node:http has no response object, and ends the stream. */
function refuse(stream: Duplex, { status, explanation }: Refusal): void {
  const body = `${explanation}\n`;
  stream.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      "Connection: close",
      "Content-Type: text/plain",
      `Content-Length: ${Buffer.byteLength(body)}`,
      "",
      body,
    ].join("\r\n"),
  );
}
