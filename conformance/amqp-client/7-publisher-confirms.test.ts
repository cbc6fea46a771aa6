import assert from "node:assert/strict";
import { test } from "node:test";
import type { AMQPChannel } from "@cloudamqp/amqp-client";
import { brokerUnderTest } from "../support/broker-under-test.ts";
import { Inbox } from "../support/inbox.ts";
import { numbered } from "../support/scenarios.ts";
import { uniqueName } from "../support/unique-name.ts";
import { declareQueue, openConnection } from "./connection.ts";

const url = await brokerUnderTest();
const PERSISTENT = { deliveryMode: 2 };

async function assertContents(channel: AMQPChannel, queue: string, expected: string[]): Promise<void> {
  assert.equal((await channel.queueDeclare(queue, { passive: true })).messageCount, expected.length);
  const inbox = new Inbox<string | null>();
  await channel.basicConsume(queue, { noAck: true }, (message) => inbox.put(message.bodyString()));
  assert.deepEqual(await inbox.take(expected.length), expected);
}

test("publisher confirms: one message at a time, each with the next sequence number", async (t) => {
  const connection = await openConnection(t, url);
  const queue = await declareQueue(t, connection, "confirms");
  const channel = await connection.channel();
  await channel.confirmSelect();
  for (const [i, message] of numbered("message", 50).entries()) {
    assert.equal(await channel.basicPublish("", queue, message, PERSISTENT), i + 1);
  }
  await assertContents(channel, queue, numbered("message", 50));
});

test("publisher confirms: in batches", async (t) => {
  const connection = await openConnection(t, url);
  const queue = await declareQueue(t, connection, "confirms");
  const channel = await connection.channel();
  await channel.confirmSelect();
  for (const batch of [0, 1, 2]) {
    const messages = numbered(`batch ${batch} message`, 100);
    await Promise.all(messages.map((message) => channel.basicPublish("", queue, message, PERSISTENT)));
    const { messageCount } = await channel.queueDeclare(queue, { passive: true });
    assert.equal(messageCount, (batch + 1) * 100);
  }
});

test("publisher confirms: asynchronously, each sequence number exactly once", async (t) => {
  const connection = await openConnection(t, url);
  const queue = await declareQueue(t, connection, "confirms");
  const channel = await connection.channel();
  await channel.confirmSelect();
  const messages = numbered("message", 1000);
  const confirmed: number[] = [];
  const publishes = messages.map(async (message) => {
    confirmed.push(await channel.basicPublish("", queue, message, PERSISTENT));
  });
  await Promise.all(publishes);

  confirmed.sort((a, b) => a - b);
  assert.deepEqual(
    confirmed,
    messages.map((_, i) => i + 1),
  );
  await assertContents(channel, queue, messages);
});

test("publisher confirms: an unroutable mandatory message is returned before it is confirmed", async (t) => {
  const connection = await openConnection(t, url);
  const channel = await connection.channel();
  await channel.confirmSelect();
  const nowhere = uniqueName("nowhere");
  const events: unknown[] = [];
  channel.onReturn = ({ replyCode, replyText, routingKey }) => events.push({ replyCode, replyText, routingKey });

  events.push(await channel.basicPublish("", nowhere, "unroutable", {}, true));

  assert.deepEqual(events, [{ replyCode: 312, replyText: "NO_ROUTE", routingKey: nowhere }, 1]);
});
