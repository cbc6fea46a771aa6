import { type Logger, silentLogger } from "./lib/logger.ts";
import { keyedSource, resolveConfig } from "./server/config.ts";
import { startServer } from "./server/lifecycle.ts";
import { OPTIONS, type ServerConfig } from "./server/options.ts";

export type { LogFields, Logger } from "./lib/logger.ts";
export { ConfigError } from "./server/config.ts";
export { StartError } from "./server/start-error.ts";

/** Options of `leveret start` that make no sense inside another program, which brings its own logger. */
type ProcessOption = "logLevel" | "logFormat" | "memory";
const PROCESS_OPTIONS: ReadonlySet<string> = new Set<ProcessOption>(["logLevel", "logFormat", "memory"]);

/** Every option is documented in docs/configuration.md. */
export interface BrokerOptions extends Partial<Omit<ServerConfig, ProcessOption>> {
  /** Where the broker keeps its state; without it everything is in memory. */
  readonly dataDir?: string;
  /** TCP port; a free one is picked by default. */
  readonly port?: number;
  /** Where log lines go; they are discarded by default. */
  readonly logger?: Logger;
}

/** A broker that runs inside this process. */
export interface EmbeddedBroker {
  /** An `amqp://` URL with which clients on this machine connect, user and password included. */
  readonly url: string;
  readonly port: number;
  /** Closes connections with 320, commits and releases the port and the data directory. May be called repeatedly. */
  close(): Promise<void>;
}

/**
 * Starts a broker inside this process, by default in memory and on a free port of the loopback interface. Rejects with
 * a {@link ConfigError} for options that are not allowed, and with a {@link StartError} when the port or the data
 * directory cannot be had. Several brokers fit in one process.
 */
export async function startBroker(options: BrokerOptions = {}): Promise<EmbeddedBroker> {
  const { logger = silentLogger, ...values } = options;
  const allowed = OPTIONS.filter(({ key }) => !PROCESS_OPTIONS.has(key));
  const config = resolveConfig([keyedSource({ port: 0, ...values }, "of startBroker")], allowed);
  const server = await startServer({ ...config, memory: options.dataDir === undefined }, logger);
  return { url: server.url, port: server.port, close: server.close };
}
