import { readFileSync } from "node:fs";
import type { Broker } from "../core/broker.ts";
import { importDefinitions } from "../core/commands/definitions/import-definitions.ts";
import { readDefinitions } from "../core/commands/definitions/read-definitions.ts";
import { BrokerError } from "../core/errors.ts";
import type { Logger } from "../lib/logger.ts";
import { ConfigError } from "./config.ts";

/**
 * Imports the definitions in the JSON file `path` into an open broker, all of them or none. RabbitMQ: "Schema
 * Definition Export and Import", import at boot time.
 *
 * @throws ConfigError when the file cannot be read, is not JSON, or has an entry that the broker cannot take
 */
export function importDefinitionsFile(broker: Broker, path: string, logger: Logger): void {
  try {
    const document = readDefinitions(parseFile(path));
    for (const what of document.ignored) logger.warn("definition ignored", { file: path, what });
    importDefinitions(broker, document);
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    throw new ConfigError([`the definitions file ${path} cannot be imported: ${error.message}`]);
  }
  logger.info("definitions imported", { file: path });
}

function parseFile(path: string): unknown {
  const text = readText(path);
  try {
    return JSON.parse(text.startsWith("\ufeff") ? text.slice(1) : text);
  } catch (error) {
    throw new ConfigError([`the definitions file ${path} is not JSON: ${(error as Error).message}`]);
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new ConfigError([`the definitions file ${path} cannot be read: ${(error as Error).message}`]);
  }
}
