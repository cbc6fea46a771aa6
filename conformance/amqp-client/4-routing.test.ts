import assert from "node:assert/strict";
import { test } from "node:test";
import { brokerUnderTest } from "../support/broker-under-test.ts";
import { Inbox } from "../support/inbox.ts";
import { ROUTING } from "../support/scenarios.ts";
import { bindExclusiveQueue, declareExchange, openConnection } from "./connection.ts";

const url = await brokerUnderTest();

test("routing: a queue gets the severities it is bound to", async (t) => {
  const connection = await openConnection(t, url);
  const logs = await declareExchange(t, connection, "direct");
  const channel = await connection.channel();
  const subscribe = async (severities: string[]): Promise<Inbox<string | null>> => {
    const inbox = new Inbox<string | null>();
    const queue = await bindExclusiveQueue(channel, logs, [...severities, "end"]);
    await channel.basicConsume(queue, { noAck: true }, (message) => inbox.put(message.bodyString()));
    return inbox;
  };
  const file = await subscribe(ROUTING.bindings.file);
  const screen = await subscribe(ROUTING.bindings.screen);

  for (const line of ROUTING.lines) await channel.basicPublish(logs, line.severity, line.text);
  await channel.basicPublish(logs, "end", "end");

  assert.deepEqual(await file.takeUntil("end"), ROUTING.received.file);
  assert.deepEqual(await screen.takeUntil("end"), ROUTING.received.screen);
});

test("routing: a severity that is unbound no longer arrives", async (t) => {
  const connection = await openConnection(t, url);
  const logs = await declareExchange(t, connection, "direct");
  const channel = await connection.channel();
  const inbox = new Inbox<string | null>();
  const queue = await bindExclusiveQueue(channel, logs, ["info", "error"]);
  await channel.basicConsume(queue, { noAck: true }, (message) => inbox.put(message.bodyString()));

  await channel.basicPublish(logs, "info", "before");
  await channel.queueUnbind(queue, logs, "info");
  await channel.basicPublish(logs, "info", "after");
  await channel.basicPublish(logs, "error", "end");

  assert.deepEqual(await inbox.takeUntil("end"), ["before"]);
});
