import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { startBroker } from "../../src/index.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const CHILD = join(import.meta.dirname, "close-child.js");
const END_MILLISECONDS_MAX = 20_000;

async function whatIsLeftOpen(...args: string[]): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, [CHILD, ...args], { timeout: END_MILLISECONDS_MAX });
  return JSON.parse(stdout);
}

test("[embedding/close] a broker in memory leaves nothing open, and the process ends by itself", async () => {
  assert.deepEqual(await whatIsLeftOpen(), []);
});

test("[embedding/close] a broker on disk leaves nothing open, and the process ends by itself", async (context) => {
  assert.deepEqual(await whatIsLeftOpen(temporaryDirectory(context)), []);
});

test("[embedding/close] a broker that closes or has closed opens no channel", async () => {
  const broker = await startBroker();
  const closing = broker.close();
  await assert.rejects(broker.openChannel(), /the broker has been closed/);
  await closing;
  await assert.rejects(broker.openChannel(), /the broker has been closed/);
});
