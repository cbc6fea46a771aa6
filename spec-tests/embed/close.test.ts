import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { AMQPClient } from "@cloudamqp/amqp-client";
import { ManualClock, startBroker } from "../../src/index.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { TestAuthority, writtenFile } from "../support/test-certificates.ts";

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

test("[embedding/close] a closed broker waits for nothing any more", async (context) => {
  const clock = new ManualClock();
  const directory = temporaryDirectory(context);
  const { certificate, key } = new TestAuthority().issue();
  const tlsCertificate = writtenFile(directory, "server.pem", certificate + key);
  const broker = await startBroker({ clock, dataDir: join(directory, "data"), tlsCertificate, heartbeatSeconds: 10 });
  const client = await new AMQPClient(broker.url).connect();
  client.onerror = () => {};
  const channel = await client.channel();
  await channel.queueDeclare("q", { durable: true }, { "x-message-ttl": 60_000, "x-expires": 60_000 });
  await channel.basicPublish("", "q", "body", { deliveryMode: 2 });
  await broker.waitForMessages("q", 1);
  await broker.close();
  assert.equal(clock.pendingCount, 0);
});

test("[embedding/close] a broker that closes or has closed opens no channel", async () => {
  const broker = await startBroker();
  const closing = broker.close();
  await assert.rejects(broker.openChannel(), /the broker has been closed/);
  await closing;
  await assert.rejects(broker.openChannel(), /the broker has been closed/);
});
