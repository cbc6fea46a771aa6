import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { PROJECT_ROOT } from "../support/project-root.ts";
import { openServer } from "../support/server.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const CHROMIUM = process.env["LEVERET_TEST_CHROMIUM"] ?? "/usr/bin/chromium";
const CLIENT = join(PROJECT_ROOT, "node_modules/@cloudamqp/amqp-client/dist/amqp-websocket-client.mjs");
const MESSAGES = 10_000;

/** Nothing but the page itself may use the network. */
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Publishes messages and waits until all are confirmed, delivered in order and acknowledged. */
const PAGE = `<!doctype html><title>AMQP</title><script type="module">
import { AMQPWebSocketClient } from "/client.mjs";
globalThis.outcome = (async () => {
  const client = new AMQPWebSocketClient(new URLSearchParams(location.search).get("url"));
  const connection = await client.connect();
  const channel = await connection.channel();
  await channel.confirmSelect();
  const { name } = await channel.queueDeclare("");
  let delivered = 0, inOrder = true;
  const allDelivered = new Promise((resolve) => channel.basicConsume(name, { noAck: false }, async (message) => {
    inOrder &&= message.bodyString() === "message " + delivered++;
    if (delivered < ${MESSAGES}) return;
    await message.ack(true);
    resolve();
  }));
  const tags = await Promise.all(
    Array.from({ length: ${MESSAGES} }, (_, index) => channel.basicPublish("", name, "message " + index)));
  await allDelivered;
  const { messageCount } = await channel.queueDeclare(name, { passive: true });
  await connection.close();
  return { confirmed: new Set(tags).size, delivered, inOrder, messageCount };
})().catch((error) => ({ error: String(error?.message ?? error?.type ?? error) }));
</script>`;

const installed = existsSync(CHROMIUM);
if (!installed) process.stderr.write(`no ${CHROMIUM}: the tests with a browser are skipped\n`);
const options = { skip: installed ? false : `${CHROMIUM} is not installed (LEVERET_TEST_CHROMIUM names another)` };

test(`[websocket/browser] a page publishes and consumes ${MESSAGES} confirmed messages`, options, async (context) => {
  const site = await openSite(context);
  const server = await openServer(context, { websocketOrigins: [site] });
  const page = await openPage(context, site, `ws://127.0.0.1:${server.port}/ws/amqp`);
  const outcome = await page.evaluate("outcome");
  assert.deepEqual(outcome, { confirmed: MESSAGES, delivered: MESSAGES, inOrder: true, messageCount: 0 });
});

test("[websocket/browser] a page whose origin is not allowed gets no connection", options, async (context) => {
  const server = await openServer(context);
  const page = await openPage(context, await openSite(context), `ws://127.0.0.1:${server.port}/ws/amqp`);
  assert.deepEqual(await page.evaluate("outcome"), { error: "error" });
});

/** Serves the page and the client; resolves with the origin. */
async function openSite(context: TestContext): Promise<string> {
  const server = createServer((request, response) => {
    const isClient = request.url === "/client.mjs";
    response.setHeader("Content-Type", isClient ? "text/javascript" : "text/html");
    response.end(isClient ? readFileSync(CLIENT) : PAGE);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => server.close().closeAllConnections());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function openPage(context: TestContext, site: string, brokerUrl: string): Promise<Page> {
  let browser: BrowserContext | undefined;
  // Before its directory is removed, that is.
  context.after(() => browser?.close());
  browser = await chromium.launchPersistentContext(temporaryDirectory(context), {
    executablePath: CHROMIUM,
    args: FLAGS,
  });
  const page = await browser.newPage();
  await page.goto(`${site}/?url=${encodeURIComponent(brokerUrl)}`);
  await page.waitForFunction("globalThis.outcome !== undefined");
  return page;
}
