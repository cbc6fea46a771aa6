import assert from "node:assert/strict";
import { test } from "node:test";
import type { AsyncMessage } from "rabbitmq-client";
import { brokerUnderTest } from "../support/broker-under-test.ts";
import { Inbox } from "../support/inbox.ts";
import { ROUTING } from "../support/scenarios.ts";
import {
  createConsumer,
  createPublisher,
  declareExchange,
  declareQueue,
  openConnection,
  subscribe,
} from "./connection.ts";

const url = await brokerUnderTest();
const bodyOf = (message: AsyncMessage): string => message.body;

test("routing: a queue gets the severities it is bound to", async (t) => {
  const connection = await openConnection(t, url);
  const logs = await declareExchange(t, connection, "direct");
  const file = await subscribe(t, connection, logs, [...ROUTING.bindings.file, "end"], bodyOf);
  const screen = await subscribe(t, connection, logs, [...ROUTING.bindings.screen, "end"], bodyOf);

  const publisher = createPublisher(t, connection);
  for (const line of ROUTING.lines) await publisher.send({ exchange: logs, routingKey: line.severity }, line.text);
  await publisher.send({ exchange: logs, routingKey: "end" }, "end");

  assert.deepEqual(await file.takeUntil("end"), ROUTING.received.file);
  assert.deepEqual(await screen.takeUntil("end"), ROUTING.received.screen);
});

test("routing: a severity that is unbound no longer arrives", async (t) => {
  const connection = await openConnection(t, url);
  const logs = await declareExchange(t, connection, "direct");
  const queue = await declareQueue(t, connection, "logs");
  for (const routingKey of ["info", "error"]) await connection.queueBind({ queue, exchange: logs, routingKey });
  const inbox = new Inbox<string>();
  const props = { queue, noAck: true, queueOptions: { passive: true } };
  await createConsumer(t, connection, props, (message) => inbox.put(message.body));

  const publisher = createPublisher(t, connection, { confirm: true });
  await publisher.send({ exchange: logs, routingKey: "info" }, "before");
  await connection.queueUnbind({ queue, exchange: logs, routingKey: "info" });
  await publisher.send({ exchange: logs, routingKey: "info" }, "after");
  await publisher.send({ exchange: logs, routingKey: "error" }, "end");

  assert.deepEqual(await inbox.takeUntil("end"), ["before"]);
});
