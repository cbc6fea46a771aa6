import type { TestContext } from "node:test";
import { type LogFields, type Logger, silentLogger } from "../../src/lib/logger.ts";
import { keyedSource, resolveConfig } from "../../src/server/config.ts";
import { type RunningServer, startServer } from "../../src/server/lifecycle.ts";

/** A server in memory on a free port, as the configuration says otherwise. It is closed when the test ends. */
export async function openServer(
  context: TestContext,
  options: Readonly<Record<string, unknown>> = {},
  logger: Logger = silentLogger,
): Promise<RunningServer> {
  const config = resolveConfig([keyedSource({ memory: true, port: 0, ...options }, "of the test")]);
  const server = await startServer(config, logger);
  context.after(() => server.close());
  return server;
}

/** A logger that keeps what is logged. */
export function keepingLogger(): { logger: Logger; lines: { message: string; fields: LogFields }[] } {
  const lines: { message: string; fields: LogFields }[] = [];
  const keep = (message: string, fields: LogFields = {}): void => {
    lines.push({ message, fields });
  };
  return { logger: { debug: () => {}, info: keep, warn: keep, error: keep }, lines };
}
