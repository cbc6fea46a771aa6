import { type DestinationStream, destination, pino, stdSerializers, stdTimeFunctions } from "pino";
import type { Logger } from "../lib/logger.ts";
import type { LOG_LEVELS } from "./options.ts";

export interface LoggerOptions {
  readonly level: (typeof LOG_LEVELS)[number];
  /** pretty: one readable line each; json: one JSON object per line, with `level`, `time` and `message`. */
  readonly format: "pretty" | "json";
}

/**
 * A logger that writes to the file descriptor `output` (1: standard output), synchronously, so that the last lines
 * before an exit are not lost.
 */
export async function createLogger(options: LoggerOptions, output = 1): Promise<Logger> {
  const lines = destination({ dest: output, sync: true });
  const target = pino(
    {
      level: options.level,
      messageKey: "message",
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: stdSerializers.err },
    },
    options.format === "pretty" ? await readableLines(lines) : lines,
  );
  return {
    debug: (message, fields) => target.debug(fields ?? {}, message),
    info: (message, fields) => target.info(fields ?? {}, message),
    warn: (message, fields) => target.warn(fields ?? {}, message),
    error: (message, fields) => target.error(fields ?? {}, message),
  };
}

// Loaded only when it is needed: a server that logs JSON starts without it.
async function readableLines(target: DestinationStream): Promise<DestinationStream> {
  const { prettyFactory } = await import("pino-pretty");
  const prettify = prettyFactory({
    messageKey: "message",
    errorLikeObjectKeys: ["error"],
    translateTime: "SYS:yyyy-mm-dd HH:MM:ss.l",
  });
  return { write: (line) => target.write(prettify(line)) };
}
