import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import type { Channel } from "amqplib";
import { brokerUnderTest } from "../support/broker-under-test.ts";
import { Inbox } from "../support/inbox.ts";
import { numbered } from "../support/scenarios.ts";
import { uniqueName } from "../support/unique-name.ts";
import { declareQueue, openConnection, text } from "./connection.ts";

const url = await brokerUnderTest();
const PERSISTENT = { persistent: true };

async function assertContents(channel: Channel, queue: string, expected: string[]): Promise<void> {
  assert.equal((await channel.checkQueue(queue)).messageCount, expected.length);
  const inbox = new Inbox<string>();
  await channel.consume(queue, (message) => inbox.put(text(message)), { noAck: true });
  assert.deepEqual(await inbox.take(expected.length), expected);
}

test("publisher confirms: one message at a time", async (t) => {
  const connection = await openConnection(t, url);
  const queue = await declareQueue(t, connection, "confirms");
  const channel = await connection.createConfirmChannel();
  for (const message of numbered("message", 50)) {
    channel.sendToQueue(queue, Buffer.from(message), PERSISTENT);
    await channel.waitForConfirms();
  }
  await assertContents(channel, queue, numbered("message", 50));
});

test("publisher confirms: in batches", async (t) => {
  const connection = await openConnection(t, url);
  const queue = await declareQueue(t, connection, "confirms");
  const channel = await connection.createConfirmChannel();
  for (const batch of [0, 1, 2]) {
    for (const message of numbered(`batch ${batch} message`, 100))
      channel.sendToQueue(queue, Buffer.from(message), PERSISTENT);
    await channel.waitForConfirms();
    assert.equal((await channel.checkQueue(queue)).messageCount, (batch + 1) * 100);
  }
});

test("publisher confirms: asynchronously, each sequence number exactly once", async (t) => {
  const connection = await openConnection(t, url);
  const queue = await declareQueue(t, connection, "confirms");
  const channel = await connection.createConfirmChannel();
  const outstanding = new Set<number>();
  const allConfirmed = new Promise<void>((resolve) => {
    channel.on("nack", ({ deliveryTag }) => assert.fail(`${deliveryTag} was refused`));
    channel.on("ack", ({ deliveryTag, multiple }) => {
      assert.ok(outstanding.has(deliveryTag), `${deliveryTag} is confirmed but not outstanding`);
      for (const number of outstanding)
        if (number === deliveryTag || (multiple && number < deliveryTag)) outstanding.delete(number);
      if (outstanding.size === 0) resolve();
    });
  });

  const messages = numbered("message", 1000);
  for (const [i, message] of messages.entries()) {
    outstanding.add(i + 1);
    channel.sendToQueue(queue, Buffer.from(message), PERSISTENT);
  }
  await allConfirmed;

  await assertContents(channel, queue, messages);
});

test("publisher confirms: an unroutable mandatory message is returned before it is confirmed", async (t) => {
  const connection = await openConnection(t, url);
  const channel = await connection.createConfirmChannel();
  const nowhere = uniqueName("nowhere");
  const events: unknown[] = [];
  channel.on("return", ({ fields, content }) => events.push({ ...fields, content: content.toString() }));
  channel.on("ack", ({ deliveryTag }) => events.push(deliveryTag));

  channel.sendToQueue(nowhere, Buffer.from("unroutable"), { mandatory: true });
  await once(channel, "ack");

  const returned = { replyCode: 312, replyText: "NO_ROUTE", exchange: "", routingKey: nowhere, content: "unroutable" };
  assert.deepEqual(events, [returned, 1]);
});
