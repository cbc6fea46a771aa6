import assert from "node:assert/strict";
import { test } from "node:test";
import type { AsyncMessage } from "rabbitmq-client";
import { brokerUnderTest } from "../support/broker-under-test.ts";
import { TOPICS } from "../support/scenarios.ts";
import { createPublisher, declareExchange, openConnection, subscribe } from "./connection.ts";

const url = await brokerUnderTest();
const routingKeyOf = (message: AsyncMessage): string => message.routingKey;

test("topics: `*` stands for one word, `#` for any number; a message that matches twice comes once", async (t) => {
  const connection = await openConnection(t, url);
  const animals = await declareExchange(t, connection, "topic");
  const orange = await subscribe(t, connection, animals, TOPICS.bindings.orange, routingKeyOf);
  const lazyOrRabbit = await subscribe(t, connection, animals, TOPICS.bindings.lazyOrRabbit, routingKeyOf);

  const publisher = createPublisher(t, connection);
  for (const routingKey of [...TOPICS.routingKeys, TOPICS.last])
    await publisher.send({ exchange: animals, routingKey }, "animal");

  assert.deepEqual(await orange.takeUntil(TOPICS.last), TOPICS.received.orange);
  assert.deepEqual(await lazyOrRabbit.takeUntil(TOPICS.last), TOPICS.received.lazyOrRabbit);
});

test("topics: bound with `#` the exchange is a fanout, bound without a wildcard it is direct", async (t) => {
  const connection = await openConnection(t, url);
  const animals = await declareExchange(t, connection, "topic");
  const all = await subscribe(t, connection, animals, ["#"], routingKeyOf);
  const one = await subscribe(t, connection, animals, ["lazy.orange.end"], routingKeyOf);

  const publisher = createPublisher(t, connection);
  for (const routingKey of [...TOPICS.routingKeys, TOPICS.last])
    await publisher.send({ exchange: animals, routingKey }, "animal");

  assert.deepEqual(await all.takeUntil(TOPICS.last), TOPICS.routingKeys);
  assert.deepEqual(await one.takeUntil(TOPICS.last), []);
});
