import assert from "node:assert/strict";
import { test } from "node:test";
import type { AMQPChannel } from "@cloudamqp/amqp-client";
import { brokerUnderTest } from "../support/broker-under-test.ts";
import { Inbox } from "../support/inbox.ts";
import { TOPICS } from "../support/scenarios.ts";
import { bindExclusiveQueue, declareExchange, openConnection } from "./connection.ts";

const url = await brokerUnderTest();

async function subscribe(channel: AMQPChannel, exchange: string, bindingKeys: string[]): Promise<Inbox<string>> {
  const inbox = new Inbox<string>();
  const queue = await bindExclusiveQueue(channel, exchange, bindingKeys);
  await channel.basicConsume(queue, { noAck: true }, (message) => inbox.put(message.routingKey));
  return inbox;
}

test("topics: `*` stands for one word, `#` for any number; a message that matches twice comes once", async (t) => {
  const connection = await openConnection(t, url);
  const animals = await declareExchange(t, connection, "topic");
  const channel = await connection.channel();
  const orange = await subscribe(channel, animals, TOPICS.bindings.orange);
  const lazyOrRabbit = await subscribe(channel, animals, TOPICS.bindings.lazyOrRabbit);

  for (const routingKey of [...TOPICS.routingKeys, TOPICS.last])
    await channel.basicPublish(animals, routingKey, "animal");

  assert.deepEqual(await orange.takeUntil(TOPICS.last), TOPICS.received.orange);
  assert.deepEqual(await lazyOrRabbit.takeUntil(TOPICS.last), TOPICS.received.lazyOrRabbit);
});

test("topics: bound with `#` the exchange is a fanout, bound without a wildcard it is direct", async (t) => {
  const connection = await openConnection(t, url);
  const animals = await declareExchange(t, connection, "topic");
  const channel = await connection.channel();
  const all = await subscribe(channel, animals, ["#"]);
  const one = await subscribe(channel, animals, ["lazy.orange.end"]);

  for (const routingKey of [...TOPICS.routingKeys, TOPICS.last])
    await channel.basicPublish(animals, routingKey, "animal");

  assert.deepEqual(await all.takeUntil(TOPICS.last), TOPICS.routingKeys);
  assert.deepEqual(await one.takeUntil(TOPICS.last), []);
});
