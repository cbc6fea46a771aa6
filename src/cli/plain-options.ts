import { type ParseArgsConfig, parseArgs } from "node:util";
import { OPTIONS } from "../server/options.ts";
import type { GivenOptions } from "./given-options.ts";

/**
 * The options of `leveret start`, where `words` are so plain that Node's own parser takes them without complaint.
 * Undefined for everything else: help, and whatever has to be explained or refused, is for yargs, without which a broker
 * starts faster by a quarter.
 */
export function plainOptions(words: readonly string[]): GivenOptions | undefined {
  const described = OPTIONS.map(({ commandLineName, kind }): [string, OptionConfig] => {
    return [commandLineName, { type: kind === "boolean" ? "boolean" : "string" }];
  });
  const options = Object.fromEntries<OptionConfig>([["config", { type: "string" }], ...described]);
  try {
    return { ...parseArgs({ args: [...words], options }).values };
  } catch (error) {
    if (isRefusal(error)) return undefined;
    throw error;
  }
}

type OptionConfig = NonNullable<ParseArgsConfig["options"]>[string];

function isRefusal(error: unknown): boolean {
  return String((error as NodeJS.ErrnoException).code).startsWith("ERR_PARSE_ARGS_");
}
