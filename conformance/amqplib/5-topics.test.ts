import assert from "node:assert/strict";
import { test } from "node:test";
import type { Channel } from "amqplib";
import { brokerUnderTest } from "../support/broker-under-test.ts";
import { Inbox } from "../support/inbox.ts";
import { TOPICS } from "../support/scenarios.ts";
import { declareExchange, openConnection } from "./connection.ts";

const url = await brokerUnderTest();

async function subscribe(channel: Channel, exchange: string, bindingKeys: string[]): Promise<Inbox<string>> {
  const inbox = new Inbox<string>();
  const { queue } = await channel.assertQueue("", { exclusive: true });
  for (const bindingKey of bindingKeys) await channel.bindQueue(queue, exchange, bindingKey);
  await channel.consume(queue, (message) => inbox.put(message?.fields.routingKey ?? "(cancelled)"), { noAck: true });
  return inbox;
}

test("topics: `*` stands for one word, `#` for any number; a message that matches twice comes once", async (t) => {
  const connection = await openConnection(t, url);
  const animals = await declareExchange(t, connection, "topic");
  const channel = await connection.createChannel();
  const orange = await subscribe(channel, animals, TOPICS.bindings.orange);
  const lazyOrRabbit = await subscribe(channel, animals, TOPICS.bindings.lazyOrRabbit);

  for (const routingKey of [...TOPICS.routingKeys, TOPICS.last])
    channel.publish(animals, routingKey, Buffer.from("animal"));

  assert.deepEqual(await orange.takeUntil(TOPICS.last), TOPICS.received.orange);
  assert.deepEqual(await lazyOrRabbit.takeUntil(TOPICS.last), TOPICS.received.lazyOrRabbit);
});

test("topics: bound with `#` the exchange is a fanout, bound without a wildcard it is direct", async (t) => {
  const connection = await openConnection(t, url);
  const animals = await declareExchange(t, connection, "topic");
  const channel = await connection.createChannel();
  const all = await subscribe(channel, animals, ["#"]);
  const one = await subscribe(channel, animals, ["lazy.orange.end"]);

  for (const routingKey of [...TOPICS.routingKeys, TOPICS.last])
    channel.publish(animals, routingKey, Buffer.from("animal"));

  assert.deepEqual(await all.takeUntil(TOPICS.last), TOPICS.routingKeys);
  assert.deepEqual(await one.takeUntil(TOPICS.last), []);
});
