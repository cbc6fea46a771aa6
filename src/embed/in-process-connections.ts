import type { Duplex } from "node:stream";
import { serveConnection } from "../amqp091/connection.ts";
import type { Broker } from "../core/broker.ts";
import { duplexPair } from "../lib/duplex-pair.ts";
import type { PeerInfo } from "../lib/peer-info.ts";
import type { ServedConnection } from "../lib/served-connection.ts";

/** Who the broker takes an in-process client for: one on this machine. */
const PEER: PeerInfo = { host: "127.0.0.1", port: 0, localHost: "127.0.0.1", localPort: 0, loopback: true };

/** Connections to a broker of the same process, made of streams in memory. */
export class InProcessConnections {
  readonly #broker: Broker;
  readonly #open = new Map<ServedConnection, Duplex>();
  #closed = false;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /** The client's end of a new connection. @throws Error when they have been closed */
  connect(): Duplex {
    if (this.#closed) throw new Error("the broker has been closed");
    const [client, server] = duplexPair();
    const connection = serveConnection(this.#broker, server, PEER);
    this.#open.set(connection, server);
    void connection.closed.then(() => this.#open.delete(connection));
    return client;
  }

  /** Drops every connection; returns how many there were. */
  drop(): number {
    const streams = [...this.#open.values()];
    for (const stream of streams) stream.destroy();
    return streams.length;
  }

  /** Drops every connection, makes no more, and waits until all that belonged to them is gone. */
  async close(): Promise<void> {
    this.#closed = true;
    const closed = Array.from(this.#open.keys(), (connection) => connection.closed);
    this.drop();
    await Promise.all(closed);
  }
}
