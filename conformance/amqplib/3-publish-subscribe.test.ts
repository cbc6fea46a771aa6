import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "amqplib";
import { brokerUnderTest } from "../support/broker-under-test.ts";
import { Inbox } from "../support/inbox.ts";
import { numbered } from "../support/scenarios.ts";
import { declareExchange, openConnection, text } from "./connection.ts";

const url = await brokerUnderTest();

test("publish/subscribe: every subscriber gets every log line, in order", async (t) => {
  const publisher = await openConnection(t, url);
  const logs = await declareExchange(t, publisher, "fanout");
  const inboxes = [new Inbox<string>(), new Inbox<string>()];
  const names = new Set<string>();
  for (const inbox of inboxes) {
    const channel = await (await openConnection(t, url)).createChannel();
    const { queue } = await channel.assertQueue("", { exclusive: true });
    assert.match(queue, /^amq\.gen-/);
    names.add(queue);
    await channel.bindQueue(queue, logs, "");
    await channel.consume(queue, (message) => inbox.put(text(message)), { noAck: true });
  }
  assert.equal(names.size, 2);

  const channel = await publisher.createChannel();
  for (const line of numbered("line", 20)) channel.publish(logs, "ignored", Buffer.from(line));

  for (const inbox of inboxes) assert.deepEqual(await inbox.take(20), numbered("line", 20));
});

test("publish/subscribe: a late subscriber gets only what is published after it has bound its queue", async (t) => {
  const connection = await openConnection(t, url);
  const logs = await declareExchange(t, connection, "fanout");
  const channel = await connection.createChannel();
  channel.publish(logs, "", Buffer.from("lost"));
  const { queue } = await channel.assertQueue("", { exclusive: true });
  await channel.bindQueue(queue, logs, "");
  channel.publish(logs, "", Buffer.from("seen"));

  const inbox = new Inbox<string>();
  await channel.consume(queue, (message) => inbox.put(text(message)), { noAck: true });
  assert.deepEqual(await inbox.takeUntil("seen"), []);
});

test("publish/subscribe: a subscriber's exclusive queue is nobody else's and goes with its connection", async (t) => {
  const observer = await openConnection(t, url);
  const subscriber = await connect(url);
  const { queue } = await (await subscriber.createChannel()).assertQueue("", { exclusive: true });
  const check = async (): Promise<unknown> => {
    const channel = await observer.createChannel();
    channel.on("error", () => undefined);
    return channel.checkQueue(queue);
  };

  await assert.rejects(check, /RESOURCE_LOCKED - cannot obtain exclusive access to locked queue/);
  await subscriber.close();
  await assert.rejects(check, /NOT_FOUND - no queue/);
});
