import assert from "node:assert/strict";
import { test } from "node:test";
import type { Connection } from "rabbitmq-client";
import { brokerUnderTest } from "../support/broker-under-test.ts";
import { Inbox } from "../support/inbox.ts";
import { numbered } from "../support/scenarios.ts";
import { uniqueName } from "../support/unique-name.ts";
import { createConsumer, createPublisher, declareQueue, openConnection } from "./connection.ts";

const url = await brokerUnderTest();

async function messageCount(connection: Connection, queue: string): Promise<number> {
  return (await connection.queueDeclare({ queue, passive: true })).messageCount;
}

test("publisher confirms: one message at a time", async (t) => {
  const connection = await openConnection(t, url);
  const queue = await declareQueue(t, connection, "confirms");
  const publisher = createPublisher(t, connection, { confirm: true });
  for (const [i, message] of numbered("message", 50).entries()) {
    await publisher.send({ routingKey: queue, durable: true }, message);
    assert.equal(await messageCount(connection, queue), i + 1);
  }
});

test("publisher confirms: in batches", async (t) => {
  const connection = await openConnection(t, url);
  const queue = await declareQueue(t, connection, "confirms");
  const publisher = createPublisher(t, connection, { confirm: true });
  for (const batch of [0, 1, 2]) {
    const messages = numbered(`batch ${batch} message`, 100);
    await Promise.all(messages.map((message) => publisher.send({ routingKey: queue, durable: true }, message)));
    assert.equal(await messageCount(connection, queue), (batch + 1) * 100);
  }
});

test("publisher confirms: asynchronously, every message once and in order", async (t) => {
  const connection = await openConnection(t, url);
  const queue = await declareQueue(t, connection, "confirms");
  const publisher = createPublisher(t, connection, { confirm: true });
  const messages = numbered("message", 1000);
  const confirmed = new Set<string>();
  const publishes = messages.map(async (message) => {
    await publisher.send({ routingKey: queue, durable: true }, message);
    confirmed.add(message);
  });
  await Promise.all(publishes);
  assert.equal(confirmed.size, messages.length);
  assert.equal(await messageCount(connection, queue), messages.length);

  const inbox = new Inbox<string>();
  const props = { queue, noAck: true, queueOptions: { passive: true } };
  await createConsumer(t, connection, props, (message) => inbox.put(message.body));
  assert.deepEqual(await inbox.take(messages.length), messages);
});

test("publisher confirms: an unroutable mandatory message is returned and confirmed", async (t) => {
  const connection = await openConnection(t, url);
  const nowhere = uniqueName("nowhere");
  const returned = new Inbox<unknown>();
  const publisher = createPublisher(t, connection, { confirm: true });
  publisher.on("basic.return", ({ replyCode, replyText, routingKey, body }) => {
    returned.put({ replyCode, replyText, routingKey, body });
  });

  await publisher.send({ routingKey: nowhere, mandatory: true }, "unroutable");

  const expected = { replyCode: 312, replyText: "NO_ROUTE", routingKey: nowhere, body: "unroutable" };
  assert.deepEqual(await returned.take(1), [expected]);
});
