import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConsumeMessage } from "amqplib";
import { brokerUnderTest } from "../support/broker-under-test.ts";
import { Inbox } from "../support/inbox.ts";
import { declareQueue, openConnection, text } from "./connection.ts";

const url = await brokerUnderTest();

test("hello world: a waiting receiver gets what the sender puts into the queue", async (t) => {
  const sender = await openConnection(t, url);
  const receiver = await openConnection(t, url);
  const queue = await declareQueue(t, sender, "hello");

  const inbox = new Inbox<ConsumeMessage | null>();
  const receiving = await receiver.createChannel();
  const { consumerTag } = await receiving.consume(queue, (message) => inbox.put(message), { noAck: true });
  const sending = await sender.createChannel();
  assert.equal(sending.sendToQueue(queue, Buffer.from("Hello World!")), true);

  const [message] = await inbox.take(1);
  assert.equal(text(message ?? null), "Hello World!");
  assert.deepEqual(message?.fields, {
    consumerTag,
    deliveryTag: 1,
    redelivered: false,
    exchange: "",
    routingKey: queue,
  });
});

test("hello world: the queue keeps messages, in order, until a receiver comes", async (t) => {
  const connection = await openConnection(t, url);
  const queue = await declareQueue(t, connection, "hello");
  const channel = await connection.createChannel();
  for (const word of ["one", "two", "three"]) channel.sendToQueue(queue, Buffer.from(word));
  await channel.close();

  const receiver = await openConnection(t, url);
  const receiving = await receiver.createChannel();
  assert.equal((await receiving.checkQueue(queue)).messageCount, 3);
  const inbox = new Inbox<string>();
  await receiving.consume(queue, (message) => inbox.put(text(message)), { noAck: true });

  assert.deepEqual(await inbox.take(3), ["one", "two", "three"]);
  assert.deepEqual(await receiving.checkQueue(queue), { queue, messageCount: 0, consumerCount: 1 });
});

test("hello world: properties and a body larger than a frame arrive as they were sent", async (t) => {
  const connection = await openConnection(t, url);
  const queue = await declareQueue(t, connection, "hello");
  const channel = await connection.createChannel();
  const body = Buffer.alloc(300_000, "leveret ");
  const sent = {
    contentType: "text/plain",
    contentEncoding: "identity",
    headers: { text: "å", number: 7, list: [1, "two", { three: 3 }], flag: false },
    deliveryMode: 2,
    priority: 3,
    correlationId: "correlation",
    replyTo: "reply",
    messageId: "id",
    timestamp: 1_700_000_000,
    type: "greeting",
    appId: "conformance",
  };
  channel.sendToQueue(queue, body, sent);
  await channel.checkQueue(queue);

  const message = await channel.get(queue, { noAck: true });
  assert.ok(message !== false);
  assert.deepEqual(
    { ...message.properties },
    { ...sent, clusterId: undefined, expiration: undefined, userId: undefined },
  );
  assert.ok(message.content.equals(body));
});
