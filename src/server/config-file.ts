import { readFileSync } from "node:fs";
import { ConfigError, type ConfigSource, keyedSource } from "./config.ts";

/**
 * Reads a configuration file: a YAML 1.2 mapping (so JSON too) from option keys to values.
 * Throws a {@link ConfigError} when it cannot be read or is no such mapping.
 */
export async function readConfigFile(path: string): Promise<ConfigSource> {
  const values = parseMapping(readText(path), path, await import("yaml"));
  return keyedSource(values, `in ${path}`);
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new ConfigError([`the configuration file ${path} cannot be read: ${(error as Error).message}`]);
  }
}

function parseMapping(text: string, path: string, yaml: typeof import("yaml")): Record<string, unknown> {
  const document = yaml.parseDocument(text);
  if (document.errors.length > 0) {
    throw new ConfigError(document.errors.map((error) => `${path} is not valid YAML or JSON: ${error.message}`));
  }
  const values: unknown = document.toJS() ?? {};
  if (typeof values !== "object" || values === null || Array.isArray(values)) {
    throw new ConfigError([`${path} must hold a mapping from option keys to values, such as "port: 5672"`]);
  }
  return values as Record<string, unknown>;
}
