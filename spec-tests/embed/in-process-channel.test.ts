import assert from "node:assert/strict";
import { test } from "node:test";
import type { InProcessMessage } from "../../src/index.ts";
import { brokerOfTest } from "./broker-of-test.ts";

test("[embedding/channel] publishes and consumes without a socket, properties and all", async (context) => {
  const broker = await brokerOfTest(context, {});
  const channel = await broker.openChannel();
  await channel.declareExchange("orders", "topic", { durable: true });
  const { name } = await channel.declareQueue("", { exclusive: true, arguments: { "x-max-priority": 3 } });
  await channel.bindQueue(name, "orders", "order.*");
  const received: InProcessMessage[] = [];
  const consumer = await channel.consume(name, (message) => {
    received.push(message);
    message.ack();
  });
  const timestamp = new Date("2026-01-02T03:04:05Z");
  const properties = { priority: 2, headers: { tries: 1, tags: ["a", "b"] }, persistent: true, timestamp };
  await channel.publish("orders", "order.new", "héllo", { ...properties, messageId: "m1" });
  await broker.waitForQueue(name, ({ readyCount, unackedCount }) => readyCount + unackedCount === 0);

  const [message] = received;
  assert.equal(message?.text, "héllo");
  assert.equal(message?.exchange, "orders");
  assert.equal(message?.routingKey, "order.new");
  assert.equal(message?.redelivered, false);
  const { priority, headers, persistent, messageId } = message?.properties ?? {};
  assert.deepEqual(
    { priority, headers, persistent, messageId },
    {
      priority: 2,
      headers: { tries: 1, tags: ["a", "b"] },
      persistent: true,
      messageId: "m1",
    },
  );
  assert.deepEqual(message?.properties.timestamp, timestamp);
  await consumer.cancel();
  assert.equal(broker.queue(name)?.consumerCount, 0);
});

test("[embedding/channel] get, nack and purge", async (context) => {
  const broker = await brokerOfTest(context, {});
  const channel = await broker.openChannel();
  await channel.declareQueue("q");
  assert.equal(await channel.get("q"), undefined);
  await channel.sendToQueue("q", new Uint8Array([1, 2, 3]));
  const first = await channel.get("q");
  assert.deepEqual([...(first as InProcessMessage).body], [1, 2, 3]);
  first?.nack();
  const second = await channel.get("q");
  assert.equal(second?.redelivered, true);
  second?.nack({ requeue: false });
  await broker.waitForMessages("q", 0);
  await channel.sendToQueue("q", "rest");
  assert.equal(await channel.purgeQueue("q"), 1);
  assert.equal(await channel.deleteQueue("q"), 0);
  assert.equal(broker.queue("q"), undefined);
});

test("[embedding/channel] prefetch limits what a consumer holds; its queue's end is told", async (context) => {
  const broker = await brokerOfTest(context, {});
  const channel = await broker.openChannel();
  await channel.declareQueue("q");
  for (let number = 0; number < 5; number++) await channel.sendToQueue("q", String(number));
  const cancelled = new Promise<void>((resolve) => {
    void channel.consume("q", () => {}, { prefetch: 2, onCancel: resolve });
  });
  await broker.waitForQueue("q", ({ unackedCount }) => unackedCount === 2);
  await channel.deleteQueue("q");
  await cancelled;
});

test("[embedding/channel] each consumer has its own prefetch, however they are started", async (context) => {
  const broker = await brokerOfTest(context, {});
  const channel = await broker.openChannel();
  const limits = [1, 3, 2];
  for (const limit of limits) {
    await channel.declareQueue(`q${limit}`);
    for (let number = 0; number < 5; number++) await channel.sendToQueue(`q${limit}`, String(number));
  }
  await Promise.all(limits.map((limit) => channel.consume(`q${limit}`, () => {}, { prefetch: limit })));
  for (const limit of limits) await broker.waitForQueue(`q${limit}`, ({ unackedCount }) => unackedCount === limit);
});

test("[embedding/channel] what the broker refuses closes the channel with its reason", async (context) => {
  const broker = await brokerOfTest(context, {});
  await assert.rejects(broker.openChannel({ vhost: "none" }), /530|NOT_ALLOWED/);
  await assert.rejects(broker.openChannel({ username: "guest", password: "wrong" }), /ACCESS_REFUSED/);
  const channel = await broker.openChannel();
  await assert.rejects(
    channel.declareQueue("none", { passive: true }),
    /404 NOT_FOUND - no queue 'none' in vhost '\/'/,
  );
  await assert.rejects(channel.declareQueue("other"), /404 NOT_FOUND/);
});
