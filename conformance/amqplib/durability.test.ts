import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "amqplib";
import { BrokerProcess } from "../support/broker-process.ts";
import { skipUnlessOwnBroker } from "../support/broker-under-test.ts";
import { cleanUp } from "../support/clean-up.ts";
import { Inbox } from "../support/inbox.ts";
import { numbered } from "../support/scenarios.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { openConnection, text } from "./connection.ts";

const MESSAGES = numbered("message", 1000);
const TITLE = "durability: confirmed persistent messages are there, in order, after the broker was killed";

test(TITLE, { skip: skipUnlessOwnBroker }, async (t) => {
  const directory = temporaryDirectory(t);
  const first = await BrokerProcess.start("--data-dir", directory);
  cleanUp(t, () => first.kill());
  const publisher = await connect(first.url);
  publisher.on("error", () => undefined);
  const channel = await publisher.createConfirmChannel();
  await channel.assertExchange("orders", "direct", { durable: true });
  await channel.assertQueue("orders", { durable: true });
  await channel.bindQueue("orders", "orders", "new");
  for (const message of MESSAGES) channel.publish("orders", "new", Buffer.from(message), { persistent: true });
  await channel.waitForConfirms();
  await first.kill();

  const second = await BrokerProcess.start("--data-dir", directory);
  cleanUp(t, () => second.stop());
  const connection = await openConnection(t, second.url);
  const consuming = await connection.createChannel();
  assert.equal((await consuming.checkQueue("orders")).messageCount, MESSAGES.length);
  consuming.publish("orders", "new", Buffer.from("after the restart"));
  const inbox = new Inbox<string>();
  await consuming.consume("orders", (message) => inbox.put(text(message)), { noAck: true });
  assert.deepEqual(await inbox.takeUntil("after the restart"), MESSAGES);
});
