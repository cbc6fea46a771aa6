import { resolve } from "node:path";
import type { Logger } from "../lib/logger.ts";
import { formatEndpoint } from "../lib/peer-info.ts";
import { ConfigError, commandLineSource, environmentSource, resolveConfig } from "../server/config.ts";
import { readConfigFile } from "../server/config-file.ts";
import { EXIT_CODES } from "../server/exit-codes.ts";
import { loadLateModulesSoon } from "../server/late-modules.ts";
import type { RunningServer } from "../server/lifecycle.ts";
import type { ServerConfig } from "../server/options.ts";
import { StartError } from "../server/start-error.ts";
import { exitOnDefect, stopOnSignal } from "../server/supervise.ts";
import { VERSION } from "../server/version.ts";
import type { GivenOptions } from "./given-options.ts";

/** `leveret start`: runs a broker in the foreground until it is told to stop. */
export async function start(given: GivenOptions): Promise<void> {
  try {
    const config = await loadConfig(given, process.env);
    // The broker itself is loaded only now, so that help and refusals come at once.
    const [{ createLogger }, { startServer }] = await Promise.all([
      import("../server/logger.ts"),
      import("../server/lifecycle.ts"),
    ]);
    const pretty = config.logFormat === "pretty" || (config.logFormat === "auto" && process.stdout.isTTY);
    const logger = await createLogger({ level: config.logLevel, format: pretty ? "pretty" : "json" });
    exitOnDefect(logger);
    const server = await startServer(config, logger);
    stopOnSignal(server, logger);
    loadLateModulesSoon(config, logger);
    if (pretty) process.stdout.write(banner(server, config));
    else logListening(server, config, logger);
  } catch (error) {
    exitBecauseOf(error);
  }
}

/** Command line over environment over configuration file over default. */
async function loadConfig(given: GivenOptions, environment: NodeJS.ProcessEnv): Promise<ServerConfig> {
  const { config: fileOption, ...options } = given;
  const { LEVERET_CONFIG: fileVariable, ...variables } = environment;
  const sources = [commandLineSource(options), environmentSource(variables)];
  const path = (fileOption as string | undefined) ?? (fileVariable === "" ? undefined : fileVariable);
  if (path !== undefined) sources.push(await readConfigFile(path));
  return resolveConfig(sources);
}

function banner(server: RunningServer, config: ServerConfig): string {
  return [
    `Leveret ${VERSION} listens on ${formatEndpoint(server.host, server.port)}`,
    `  data     ${dataPlace(config)}`,
    ...server.urls.map((url, index) => `  ${index === 0 ? "connect" : "       "}  ${url}`),
    "",
  ].join("\n");
}

function logListening(server: RunningServer, config: ServerConfig, logger: Logger): void {
  logger.info("listening", {
    version: VERSION,
    host: server.host,
    port: server.port,
    url: server.urls[0],
    urls: server.urls,
    data: dataPlace(config),
  });
}

function dataPlace(config: ServerConfig): string {
  return config.memory ? "in memory, gone when the broker stops" : resolve(config.dataDir);
}

function exitBecauseOf(error: unknown): never {
  if (error instanceof ConfigError) {
    process.stderr.write(`leveret: ${error.message.replaceAll("\n", "\nleveret: ")}\n`);
    process.exit(EXIT_CODES.config);
  }
  if (error instanceof StartError) {
    process.stderr.write(`leveret: ${error.message}\n`);
    process.exit(EXIT_CODES.unavailable);
  }
  throw error;
}
