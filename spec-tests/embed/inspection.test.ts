import assert from "node:assert/strict";
import { test } from "node:test";
import { AMQPClient } from "@cloudamqp/amqp-client";
import { WaitTimeoutError } from "../../src/index.ts";
import { brokerOfTest } from "./broker-of-test.ts";

test("[embedding/inspection] published tells what was published where, by whom, and to which queues it went", async (context) => {
  const broker = await brokerOfTest(context, { publishLogMessagesMax: 10 });
  const client = await new AMQPClient(broker.url).connect();
  const channel = await client.channel();
  await channel.queueDeclare("all", { durable: true });
  await channel.queueBind("all", "amq.topic", "#");
  await channel.basicPublish("amq.topic", "order.new", "first", { messageId: "1", headers: { tries: 3 } });
  await channel.basicPublish("amq.fanout", "", "nobody");

  const [first, second, ...others] = await broker.waitForPublished(2);
  assert.deepEqual(others, []);
  assert.equal(first?.exchange, "amq.topic");
  assert.equal(first?.routingKey, "order.new");
  assert.equal(first?.vhost, "/");
  assert.equal(first?.user, "guest");
  assert.equal(first?.body.toString(), "first");
  assert.equal(first?.properties.messageId, "1");
  assert.deepEqual(first?.properties.headers, { tries: 3 });
  assert.deepEqual(first?.queues, ["all"]);
  assert.deepEqual(second?.queues, [], "unroutable");
  await client.close();
});

test("[embedding/inspection] a filter means messages by exchange, routing key, queue and virtual host", async (context) => {
  const broker = await brokerOfTest(context, { publishLogMessagesMax: 10 });
  const channel = await broker.openChannel();
  await channel.declareQueue("a");
  await channel.declareQueue("b");
  for (const queue of ["a", "b", "a"]) await channel.sendToQueue(queue, queue);
  assert.equal(broker.published({ queue: "a" }).length, 2);
  assert.equal(broker.published({ exchange: "", routingKey: "b" }).length, 1);
  assert.equal(broker.published({ exchange: "amq.topic" }).length, 0);
  assert.equal(broker.published({ vhost: "other" }).length, 0);
});

test("[embedding/inspection] only the last messages are kept, as many as was asked for", async (context) => {
  const broker = await brokerOfTest(context, { publishLogMessagesMax: 3 });
  const channel = await broker.openChannel();
  await channel.declareQueue("q");
  for (let number = 0; number < 20; number++) await channel.sendToQueue("q", String(number));
  const bodies = broker.published().map(({ body }) => body.toString());
  assert.deepEqual(bodies, ["17", "18", "19"]);
});

test("[embedding/inspection] a broker that records nothing says so", async (context) => {
  const broker = await brokerOfTest(context, {});
  assert.throws(() => broker.published(), /publishLogMessagesMax/);
});

test("[embedding/inspection] waiting for messages ends when they are there, and fails with what is there instead", async (context) => {
  const broker = await brokerOfTest(context, {});
  const options = { timeoutMilliseconds: 20 };
  await assert.rejects(broker.waitForMessages("q", 1, options), (error) => {
    assert(error instanceof WaitTimeoutError);
    assert.equal(error.message, "queue 'q' is not as expected: there is none of that name after 20 ms");
    return true;
  });
  const channel = await broker.openChannel();
  await channel.declareQueue("q");
  const arrival = broker.waitForMessages("q", 2);
  await channel.sendToQueue("q", "1");
  await channel.sendToQueue("q", "2");
  assert.deepEqual(await arrival, { readyCount: 2, unackedCount: 0, delayedCount: 0, consumerCount: 0 });
  await assert.rejects(broker.waitForMessages("q", 3, options), /2 ready, 0 unacknowledged, 0 delayed, 0 consumers/);
});

test("[embedding/inspection] reset leaves a broker as a new one, and connections dropped", async (context) => {
  const broker = await brokerOfTest(context, { publishLogMessagesMax: 10 });
  const channel = await broker.openChannel();
  await channel.declareQueue("q", { durable: true });
  await channel.declareExchange("e", "topic", { durable: true });
  await channel.bindExchange("amq.direct", "amq.topic", "key");
  await channel.bindQueue("q", "amq.direct", "key");
  await channel.publish("amq.topic", "key", "body");
  assert.equal(broker.queue("q")?.readyCount, 1);
  broker.faults.refuseLogins();

  await broker.reset();
  assert.deepEqual(broker.queueNames(), []);
  assert.deepEqual(broker.published(), []);
  await assert.rejects(channel.declareQueue("more"));
  const fresh = await broker.openChannel();
  await fresh.declareQueue("q");
  await fresh.bindQueue("q", "amq.direct", "key");
  await fresh.publish("amq.topic", "key", "body");
  assert.equal(broker.queue("q")?.readyCount, 0, "the binding between exchanges is gone");
  await assert.rejects(fresh.publish("e", "key", "body"), /no exchange 'e'/);
});
