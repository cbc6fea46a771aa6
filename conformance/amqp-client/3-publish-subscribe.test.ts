import assert from "node:assert/strict";
import { test } from "node:test";
import { AMQPClient } from "@cloudamqp/amqp-client";
import { brokerUnderTest } from "../support/broker-under-test.ts";
import { cleanUp } from "../support/clean-up.ts";
import { Inbox } from "../support/inbox.ts";
import { numbered } from "../support/scenarios.ts";
import { uniqueName } from "../support/unique-name.ts";
import { bindExclusiveQueue, declareExchange, openConnection, openSession } from "./connection.ts";

const url = await brokerUnderTest();

test("publish/subscribe: every subscriber gets every log line, in order", async (t) => {
  const publisher = await openSession(t, url);
  const logs = await publisher.fanoutExchange(uniqueName("logs"));
  cleanUp(t, () => logs.delete());
  const inboxes = [new Inbox<string | null>(), new Inbox<string | null>()];
  const names = new Set<string>();
  for (const inbox of inboxes) {
    const subscriber = await openSession(t, url);
    const queue = await subscriber.queue("", { exclusive: true });
    assert.match(queue.name, /^amq\.gen-/);
    names.add(queue.name);
    await queue.bind(logs.name);
    await queue.subscribe({ noAck: true }, (message) => inbox.put(message.bodyString()));
  }
  assert.equal(names.size, 2);

  for (const line of numbered("line", 20)) await logs.publish(line, { routingKey: "ignored" });

  for (const inbox of inboxes) assert.deepEqual(await inbox.take(20), numbered("line", 20));
});

test("publish/subscribe: a late subscriber gets only what is published after it has bound its queue", async (t) => {
  const connection = await openConnection(t, url);
  const logs = await declareExchange(t, connection, "fanout");
  const channel = await connection.channel();
  await channel.basicPublish(logs, "", "lost");
  const queue = await bindExclusiveQueue(channel, logs, [""]);
  await channel.basicPublish(logs, "", "seen");

  const inbox = new Inbox<string | null>();
  await channel.basicConsume(queue, { noAck: true }, (message) => inbox.put(message.bodyString()));
  assert.deepEqual(await inbox.takeUntil("seen"), []);
});

test("publish/subscribe: a subscriber's exclusive queue is nobody else's and goes with its connection", async (t) => {
  const observer = await openConnection(t, url);
  const subscriber = await new AMQPClient(url, undefined, null).connect();
  const { name } = await (await subscriber.channel()).queueDeclare("", { exclusive: true });
  const check = async (): Promise<unknown> => (await observer.channel()).queueDeclare(name, { passive: true });

  await assert.rejects(check, /RESOURCE_LOCKED - cannot obtain exclusive access to locked queue/);
  await subscriber.close();
  await assert.rejects(check, /NOT_FOUND - no queue/);
});
