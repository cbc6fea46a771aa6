import assert from "node:assert/strict";
import { test } from "node:test";
import type { AMQPMessage } from "@cloudamqp/amqp-client";
import { brokerUnderTest } from "../support/broker-under-test.ts";
import { cleanUp } from "../support/clean-up.ts";
import { Inbox } from "../support/inbox.ts";
import { uniqueName } from "../support/unique-name.ts";
import { declareQueue, openConnection, openSession } from "./connection.ts";

const url = await brokerUnderTest();

test("hello world: a waiting receiver gets what the sender puts into the queue", async (t) => {
  const sender = await openConnection(t, url);
  const receiver = await openConnection(t, url);
  const queue = await declareQueue(t, sender, "hello");

  const inbox = new Inbox<AMQPMessage>();
  const receiving = await receiver.channel();
  const consumer = await receiving.basicConsume(queue, { noAck: true }, (message) => inbox.put(message));
  await (await sender.channel()).basicPublish("", queue, "Hello World!");

  const [message] = await inbox.take(1);
  assert.equal(message?.bodyString(), "Hello World!");
  const { consumerTag, deliveryTag, redelivered, exchange, routingKey } = message as AMQPMessage;
  assert.deepEqual(
    { consumerTag, deliveryTag, redelivered, exchange, routingKey },
    { consumerTag: consumer.tag, deliveryTag: 1, redelivered: false, exchange: "", routingKey: queue },
  );
});

test("hello world: the queue keeps messages, in order, until a receiver comes", async (t) => {
  const sender = await openSession(t, url);
  const name = uniqueName("hello");
  const queue = await sender.queue(name);
  cleanUp(t, () => queue.delete());
  for (const word of ["one", "two", "three"]) await queue.publish(word);

  const receiver = await openSession(t, url);
  const received: (string | null)[] = [];
  for await (const message of await (await receiver.queue(name, { passive: true })).subscribe({ noAck: true })) {
    received.push(message.bodyString());
    if (received.length === 3) break;
  }
  assert.deepEqual(received, ["one", "two", "three"]);
  assert.equal(await queue.get(), null);
});

test("hello world: properties and a body larger than a frame arrive as they were sent", async (t) => {
  const connection = await openConnection(t, url);
  const queue = await declareQueue(t, connection, "hello");
  const channel = await connection.channel();
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
    timestamp: new Date(1_700_000_000_000),
    type: "greeting",
    appId: "conformance",
  };
  await channel.basicPublish("", queue, body, sent);

  const message = await channel.basicGet(queue, { noAck: true });
  assert.deepEqual({ ...message?.properties }, sent);
  assert.ok(body.equals(message?.body as Uint8Array));
});
