import assert from "node:assert/strict";
import { test } from "node:test";
import { Connection } from "rabbitmq-client";
import { BrokerProcess } from "../support/broker-process.ts";
import { skipUnlessOwnBroker } from "../support/broker-under-test.ts";
import { cleanUp } from "../support/clean-up.ts";
import { Inbox } from "../support/inbox.ts";
import { numbered } from "../support/scenarios.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { createConsumer, createPublisher, openConnection } from "./connection.ts";

const MESSAGES = numbered("message", 1000);
const TITLE = "durability: confirmed persistent messages are there, in order, after the broker was killed";

test(TITLE, { skip: skipUnlessOwnBroker }, async (t) => {
  const directory = temporaryDirectory(t);
  const first = await BrokerProcess.start("--data-dir", directory);
  cleanUp(t, () => first.kill());
  const connection = new Connection(first.url);
  const publisher = connection.createPublisher({
    confirm: true,
    exchanges: [{ exchange: "orders", type: "direct", durable: true }],
    queues: [{ queue: "orders", durable: true }],
    queueBindings: [{ exchange: "orders", queue: "orders", routingKey: "new" }],
  });
  const envelope = { exchange: "orders", routingKey: "new", durable: true };
  await Promise.all(MESSAGES.map((message) => publisher.send(envelope, message)));
  connection.unsafeDestroy();
  await first.kill();

  const second = await BrokerProcess.start("--data-dir", directory);
  cleanUp(t, () => second.stop());
  const reopened = await openConnection(t, second.url);
  assert.equal((await reopened.queueDeclare({ queue: "orders", passive: true })).messageCount, MESSAGES.length);
  await createPublisher(t, reopened, { confirm: true }).send(envelope, "after the restart");
  const inbox = new Inbox<string>();
  const props = { queue: "orders", noAck: true, queueOptions: { passive: true } };
  await createConsumer(t, reopened, props, (message) => inbox.put(message.body));
  assert.deepEqual(await inbox.takeUntil("after the restart"), MESSAGES);
});
