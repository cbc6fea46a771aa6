import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Logger } from "../../src/lib/logger.ts";
import { createLogger, type LoggerOptions } from "../../src/server/logger.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

test("[logger/json] a line is one object with level, time, message and the fields", async (context) => {
  const output = await written(context, { level: "info", format: "json" }, (logger) => {
    logger.warn("queue is full", { queue: "q", error: new RangeError("too long") });
  });
  const { time, error, ...line } = JSON.parse(output);
  assert.deepEqual(line, { level: "warn", message: "queue is full", queue: "q" });
  assert(Math.abs(Date.parse(time) - Date.now()) < 10_000);
  assert.equal(error.type, "RangeError");
  assert.match(error.stack, /too long/);
});

test("[logger/pretty] a line is readable, and written before the call returns", async (context) => {
  const output = await written(context, { level: "info", format: "pretty" }, (logger) => {
    logger.info("listening", { port: 5672 });
  });
  assert.match(output, /INFO.*listening/);
  assert.match(output, /port.*5672/);
});

test("[logger/level] lines below the level are not written", async (context) => {
  const everything = (logger: Logger): void => {
    logger.debug("one");
    logger.info("two");
    logger.warn("three");
    logger.error("four");
  };
  const count = async (level: LoggerOptions["level"]): Promise<number> =>
    (await written(context, { level, format: "json" }, everything)).split("\n").length - 1;
  assert.deepEqual([await count("debug"), await count("warn"), await count("silent")], [4, 2, 0]);
});

/** What `use` makes a logger write. */
async function written(context: TestContext, options: LoggerOptions, use: (logger: Logger) => void): Promise<string> {
  const path = join(temporaryDirectory(context), "log");
  const output = openSync(path, "w");
  try {
    use(await createLogger(options, output));
    return readFileSync(path, "utf8");
  } finally {
    closeSync(output);
  }
}
