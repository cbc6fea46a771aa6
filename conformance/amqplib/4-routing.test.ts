import assert from "node:assert/strict";
import { test } from "node:test";
import { brokerUnderTest } from "../support/broker-under-test.ts";
import { Inbox } from "../support/inbox.ts";
import { ROUTING } from "../support/scenarios.ts";
import { declareExchange, openConnection, text } from "./connection.ts";

const url = await brokerUnderTest();

test("routing: a queue gets the severities it is bound to", async (t) => {
  const connection = await openConnection(t, url);
  const logs = await declareExchange(t, connection, "direct");
  const channel = await connection.createChannel();
  const subscribe = async (severities: string[]): Promise<Inbox<string>> => {
    const inbox = new Inbox<string>();
    const { queue } = await channel.assertQueue("", { exclusive: true });
    for (const severity of [...severities, "end"]) await channel.bindQueue(queue, logs, severity);
    await channel.consume(queue, (message) => inbox.put(text(message)), { noAck: true });
    return inbox;
  };
  const file = await subscribe(ROUTING.bindings.file);
  const screen = await subscribe(ROUTING.bindings.screen);

  for (const line of ROUTING.lines) channel.publish(logs, line.severity, Buffer.from(line.text));
  channel.publish(logs, "end", Buffer.from("end"));

  assert.deepEqual(await file.takeUntil("end"), ROUTING.received.file);
  assert.deepEqual(await screen.takeUntil("end"), ROUTING.received.screen);
});

test("routing: a severity that is unbound no longer arrives", async (t) => {
  const connection = await openConnection(t, url);
  const logs = await declareExchange(t, connection, "direct");
  const channel = await connection.createChannel();
  const { queue } = await channel.assertQueue("", { exclusive: true });
  const inbox = new Inbox<string>();
  for (const severity of ["info", "error"]) await channel.bindQueue(queue, logs, severity);
  await channel.consume(queue, (message) => inbox.put(text(message)), { noAck: true });

  channel.publish(logs, "info", Buffer.from("before"));
  await channel.unbindQueue(queue, logs, "info");
  channel.publish(logs, "info", Buffer.from("after"));
  channel.publish(logs, "error", Buffer.from("end"));

  assert.deepEqual(await inbox.takeUntil("end"), ["before"]);
});
