import assert from "node:assert/strict";
import { test } from "node:test";
import { Connection } from "rabbitmq-client";
import { brokerUnderTest } from "../support/broker-under-test.ts";
import { Inbox } from "../support/inbox.ts";
import { numbered } from "../support/scenarios.ts";
import { createConsumer, createPublisher, declareExchange, openConnection, subscribe } from "./connection.ts";

const url = await brokerUnderTest();

test("publish/subscribe: every subscriber gets every log line, in order", async (t) => {
  const connection = await openConnection(t, url);
  const logs = await declareExchange(t, connection, "fanout");
  const inboxes = [new Inbox<string>(), new Inbox<string>()];
  const names = new Set<string>();
  for (const inbox of inboxes) {
    const props = { noAck: true, queueOptions: { exclusive: true }, queueBindings: [{ exchange: logs }] };
    const subscriber = await openConnection(t, url);
    const { queue } = await createConsumer(t, subscriber, props, (message) => inbox.put(message.body));
    assert.match(queue, /^amq\.gen-/);
    names.add(queue);
  }
  assert.equal(names.size, 2);

  const publisher = createPublisher(t, connection);
  for (const line of numbered("line", 20)) await publisher.send({ exchange: logs, routingKey: "ignored" }, line);

  for (const inbox of inboxes) assert.deepEqual(await inbox.take(20), numbered("line", 20));
});

test("publish/subscribe: a late subscriber gets only what is published after it has bound its queue", async (t) => {
  const connection = await openConnection(t, url);
  const logs = await declareExchange(t, connection, "fanout");
  const publisher = createPublisher(t, connection, { confirm: true });
  await publisher.send({ exchange: logs }, "lost");
  const inbox = await subscribe(t, connection, logs, [""], (message): string => message.body);
  await publisher.send({ exchange: logs }, "seen");

  assert.deepEqual(await inbox.takeUntil("seen"), []);
});

test("publish/subscribe: a subscriber's exclusive queue is nobody else's and goes with its connection", async (t) => {
  const observer = await openConnection(t, url);
  const subscriber = new Connection(url);
  const { queue } = await subscriber.queueDeclare({ exclusive: true });
  const check = async (): Promise<unknown> => {
    const channel = await observer.acquire();
    channel.on("error", () => undefined);
    return channel.queueDeclare({ queue, passive: true });
  };

  await assert.rejects(check, { code: "RESOURCE_LOCKED" });
  await subscriber.close();
  await assert.rejects(check, { code: "NOT_FOUND" });
});
