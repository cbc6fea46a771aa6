import assert from "node:assert/strict";
import { test } from "node:test";
import type { AsyncMessage } from "rabbitmq-client";
import { brokerUnderTest } from "../support/broker-under-test.ts";
import { Inbox } from "../support/inbox.ts";
import { createConsumer, createPublisher, declareQueue, openConnection } from "./connection.ts";

const url = await brokerUnderTest();

test("hello world: a waiting receiver gets what the sender puts into the queue", async (t) => {
  const sender = await openConnection(t, url);
  const receiver = await openConnection(t, url);
  const queue = await declareQueue(t, sender, "hello");

  const inbox = new Inbox<AsyncMessage>();
  const props = { queue, noAck: true, queueOptions: { passive: true } };
  const { consumerTag } = await createConsumer(t, receiver, props, (message) => inbox.put(message));
  await createPublisher(t, sender).send(queue, "Hello World!");

  const [message] = await inbox.take(1);
  const { timestamp, ...rest } = message as AsyncMessage;
  assert.equal(typeof timestamp, "number");
  assert.deepEqual(rest, {
    consumerTag,
    deliveryTag: 1,
    redelivered: false,
    exchange: "",
    routingKey: queue,
    contentType: "text/plain",
    deliveryMode: 1,
    durable: false,
    body: "Hello World!",
  });
});

test("hello world: the queue keeps messages, in order, until a receiver comes", async (t) => {
  const sender = await openConnection(t, url);
  const queue = await declareQueue(t, sender, "hello");
  const publisher = createPublisher(t, sender, { confirm: true });
  for (const word of ["one", "two", "three"]) await publisher.send(queue, word);

  const receiver = await openConnection(t, url);
  const inbox = new Inbox<string>();
  const props = { queue, noAck: true, queueOptions: { passive: true } };
  const consumer = await createConsumer(t, receiver, props, (message) => inbox.put(message.body));
  assert.deepEqual(await inbox.take(3), ["one", "two", "three"]);
  assert.equal(consumer.stats.initialMessageCount, 3);
  assert.equal((await sender.queueDeclare({ queue, passive: true })).messageCount, 0);
});

test("hello world: properties and a body larger than a frame arrive as they were sent", async (t) => {
  const connection = await openConnection(t, url);
  const queue = await declareQueue(t, connection, "hello");
  const body = Buffer.alloc(300_000, "leveret ");
  const sent = {
    contentType: "application/octet-stream",
    contentEncoding: "identity",
    headers: { text: "å", number: 7, list: [1, "two", { three: 3 }], flag: false },
    durable: true,
    priority: 3,
    correlationId: "correlation",
    replyTo: "reply",
    messageId: "id",
    timestamp: 1_700_000_000,
    type: "greeting",
    appId: "conformance",
  };
  await createPublisher(t, connection, { confirm: true }).send({ routingKey: queue, ...sent }, body);

  const message = await connection.basicGet({ queue, noAck: true });
  const { deliveryTag, redelivered, exchange, routingKey, messageCount, body: received, ...properties } = message ?? {};
  assert.deepEqual(properties, { ...sent, deliveryMode: 2 });
  assert.deepEqual(
    { deliveryTag, redelivered, exchange, routingKey, messageCount },
    { deliveryTag: 1, redelivered: false, exchange: "", routingKey: queue, messageCount: 0 },
  );
  assert.ok(body.equals(received));
});
