import type { Duplex } from "node:stream";
import { serveConnection } from "../../src/amqp091/connection.ts";
import { Broker } from "../../src/core/broker.ts";
import { type BrokerLimits, DEFAULT_LIMITS } from "../../src/core/limits.ts";
import type { Store } from "../../src/core/ports.ts";
import type { Clock } from "../../src/lib/clock.ts";
import { duplexPair } from "../../src/lib/duplex-pair.ts";
import { type Logger, silentLogger } from "../../src/lib/logger.ts";
import type { PeerInfo } from "../../src/lib/peer-info.ts";
import { type Random, systemRandom } from "../../src/lib/random.ts";
import { SystemClock } from "../../src/lib/system-clock.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";

export interface TestBrokerOptions {
  /** A new memory store by default. Closed together with the broker. */
  readonly store?: Store;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
  /** Limits that differ from the defaults. */
  readonly limits?: Partial<BrokerLimits>;
  readonly product?: string;
}

/** A broker in this process that is reached without a port. */
export interface TestBroker {
  readonly broker: Broker;
  /** The client's end of a new connection; `peer` overrides who the broker takes the client for. */
  connect(peer?: Partial<PeerInfo>): Duplex;
  /** Drops every connection, then closes the broker and its store. */
  close(): Promise<void>;
}

/** A client on the same machine. */
export const LOCAL_PEER: PeerInfo = {
  host: "127.0.0.1",
  port: 50_000,
  localHost: "127.0.0.1",
  localPort: 5672,
  loopback: true,
};

/** Starts a broker over a memory store, or the store given, with connections made of in-memory streams. */
export function startTestBroker(options: TestBrokerOptions = {}): TestBroker {
  const broker = new Broker({
    store: options.store ?? new MemoryStore(),
    clock: options.clock ?? new SystemClock(),
    random: options.random ?? systemRandom,
    logger: options.logger ?? silentLogger,
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    identity: { product: options.product ?? "Leveret", version: "0.0.0" },
  });
  broker.open();
  const serverEnds = new Set<Duplex>();
  return {
    broker,
    connect: (peer) => {
      const [client, server] = duplexPair();
      serverEnds.add(server);
      server.on("close", () => serverEnds.delete(server));
      serveConnection(broker, server, { ...LOCAL_PEER, ...peer });
      return client;
    },
    close: async () => {
      for (const end of serverEnds) end.destroy();
      await broker.close();
    },
  };
}
