import assert from "node:assert/strict";
import { test } from "node:test";
import { AMQPClient } from "@cloudamqp/amqp-client";
import { BrokerProcess } from "../support/broker-process.ts";
import { skipUnlessOwnBroker } from "../support/broker-under-test.ts";
import { cleanUp } from "../support/clean-up.ts";
import { Inbox } from "../support/inbox.ts";
import { numbered } from "../support/scenarios.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { openConnection } from "./connection.ts";

const MESSAGES = numbered("message", 1000);
const TITLE = "durability: confirmed persistent messages are there, in order, after the broker was killed";

test(TITLE, { skip: skipUnlessOwnBroker }, async (t) => {
  const directory = temporaryDirectory(t);
  const first = await BrokerProcess.start("--data-dir", directory);
  cleanUp(t, () => first.kill());
  const publisher = await new AMQPClient(first.url, undefined, null).connect();
  publisher.onerror = () => undefined;
  const channel = await publisher.channel();
  await channel.exchangeDeclare("orders", "direct", { durable: true });
  await channel.queueDeclare("orders", { durable: true });
  await channel.queueBind("orders", "orders", "new");
  await channel.confirmSelect();
  await Promise.all(MESSAGES.map((message) => channel.basicPublish("orders", "new", message, { deliveryMode: 2 })));
  await first.kill();

  const second = await BrokerProcess.start("--data-dir", directory);
  cleanUp(t, () => second.stop());
  const consuming = await (await openConnection(t, second.url)).channel();
  assert.equal((await consuming.queueDeclare("orders", { passive: true })).messageCount, MESSAGES.length);
  await consuming.basicPublish("orders", "new", "after the restart");
  const inbox = new Inbox<string | null>();
  await consuming.basicConsume("orders", { noAck: true }, (message) => inbox.put(message.bodyString()));
  assert.deepEqual(await inbox.takeUntil("after the restart"), MESSAGES);
});
