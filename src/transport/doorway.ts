import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../lib/logger.ts";
import type { PeerInfo } from "../lib/peer-info.ts";
import type { AddressList } from "./address-list.ts";
import { readFirstOctets } from "./first-octets.ts";
import { proxiedPeer, proxyHeader } from "./proxy-header.ts";
import { type SpokenProtocol, spokenProtocol } from "./spoken-protocol.ts";
import type { TlsGate } from "./tls-gate.ts";

/** Takes over a paused stream, from whose first octets nothing is missing, and resumes it. */
export type Serve = (stream: Duplex, peer: PeerInfo) => void;

/** The versions of AMQP that may be spoken. One of them also refuses what nobody understands. */
export interface AmqpServers {
  /** AMQP 0-9-1. */
  readonly amqp?: Serve;
  /** AMQP 1.0. */
  readonly amqp1?: Serve;
}

/** Speaks HTTP with a client on a paused stream until that has become a WebSocket. */
export interface HttpDoor {
  /** Calls `onWebSocket` with what is said on the WebSocket, if it comes to that. */
  take(stream: Duplex, peer: PeerInfo, onWebSocket: (stream: Duplex) => void): void;
}

/** What may be spoken where a client has come in. */
export interface DoorwayOptions {
  /** On a socket, and inside TLS. */
  readonly onSocket: AmqpServers;
  readonly onWebSocket: AmqpServers;
  /** For clients that speak HTTP; undefined: nobody may. */
  readonly http: HttpDoor | undefined;
  /** TLS, inside of which everything else may be spoken. */
  readonly tls: TlsGate | undefined;
  /** True: nothing but TLS may be spoken. */
  readonly tlsRequired: boolean;
  /** The proxies whose PROXY protocol header opens every connection; undefined: clients connect themselves. */
  readonly proxies: AddressList | undefined;
  /** Time a client has from being accepted until it is known what it speaks, TLS and WebSocket handshakes included. */
  readonly handshakeMilliseconds: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How far a client has come. */
type Layer = "socket" | "tls" | "websocket";

/** A client on its way in: its socket, who it is, and what to call when somebody serves it. */
interface Entrant {
  readonly socket: Socket;
  readonly peer: PeerInfo;
  readonly served: () => void;
}

/** Leads a client from the socket that was accepted to the protocol that it speaks, which its first octets tell. */
export class Doorway {
  readonly #options: DoorwayOptions;
  readonly #entering = new Set<Socket>();

  constructor(options: DoorwayOptions) {
    this.#options = options;
  }

  /** Takes over a socket. A client that does not come to a protocol within the time limit is dropped. */
  enter(socket: Socket, peer: PeerInfo): void {
    const { clock, handshakeMilliseconds, logger, proxies } = this.#options;
    const timer = clock.after(handshakeMilliseconds, () => {
      logger.warn("handshake timed out", { peer: `${peer.host}:${peer.port}` });
      socket.destroy();
    });
    const served = (): void => {
      timer.cancel();
      this.#entering.delete(socket);
      socket.off("close", served);
    };
    this.#entering.add(socket);
    socket.on("close", served);
    const entrant = { socket, peer, served };
    if (proxies === undefined) this.#listen(socket, entrant, "socket");
    else this.#readProxyHeader(entrant, proxies);
  }

  /** Drops those who are still on their way in. */
  dropEntering(): void {
    for (const socket of this.#entering) socket.destroy();
  }

  #readProxyHeader(entrant: Entrant, proxies: AddressList): void {
    const { socket, peer } = entrant;
    if (!proxies.has(peer.host)) {
      this.#drop(entrant, "its address is no proxy's: the option proxyTrusted does not name it");
      return;
    }
    readFirstOctets(socket, proxyHeader, (header) => {
      if (header.kind === "malformed") this.#drop(entrant, `PROXY protocol: ${header.reason}`);
      else this.#listen(socket, { ...entrant, peer: proxiedPeer(peer, header) }, "socket");
    });
  }

  #listen(stream: Duplex, entrant: Entrant, layer: Layer): void {
    readFirstOctets(stream, spokenProtocol, (protocol) => this.#lead(stream, entrant, layer, protocol));
  }

  #lead(stream: Duplex, entrant: Entrant, layer: Layer, protocol: SpokenProtocol): void {
    const { onSocket, onWebSocket, http, tls, tlsRequired } = this.#options;
    if (layer === "socket" && protocol === "tls" && tls !== undefined) {
      this.#secure(entrant, tls);
      return;
    }
    if (layer === "socket" && tlsRequired) {
      this.#drop(entrant, "it does not speak TLS");
      return;
    }
    const { amqp, amqp1 } = layer === "websocket" ? onWebSocket : onSocket;
    // What nobody understands, or may not be spoken here, is for a protocol that refuses it.
    const serve = protocol === "amqp1" ? (amqp1 ?? amqp) : (amqp ?? amqp1);
    if (layer !== "websocket" && http !== undefined && (protocol === "http" || serve === undefined)) {
      this.#upgrade(stream, entrant, http);
    } else if (serve === undefined) {
      this.#drop(entrant, "it speaks nothing that is spoken here");
    } else {
      entrant.served();
      serve(stream, entrant.peer);
    }
  }

  #secure(entrant: Entrant, tls: TlsGate): void {
    const { socket, peer } = entrant;
    tls.take(socket, peer, (stream, certificateName) => {
      this.#watchErrors(stream, peer);
      const known = certificateName === undefined ? peer : { ...peer, certificateName };
      this.#listen(stream, { ...entrant, peer: known }, "tls");
    });
  }

  #upgrade(stream: Duplex, entrant: Entrant, http: HttpDoor): void {
    http.take(stream, entrant.peer, (upgraded) => {
      this.#watchErrors(upgraded, entrant.peer);
      this.#listen(upgraded, entrant, "websocket");
    });
  }

  #watchErrors(stream: Duplex, { host, port }: PeerInfo): void {
    const { logger } = this.#options;
    stream.on("error", (error) => logger.debug("stream error", { error, peer: `${host}:${port}` }));
  }

  #drop({ socket, peer }: Entrant, reason: string): void {
    this.#options.logger.warn("client dropped", { peer: `${peer.host}:${peer.port}`, reason });
    socket.destroy();
  }
}
