import assert from "node:assert/strict";
import { test } from "node:test";
import { openReceiver, openSender, receive, send, startAmqp10Broker } from "./test-client.ts";

test("[link] a message sent to /queues/:queue is received from it", async (t) => {
  const broker = startAmqp10Broker(t);
  const client091 = await broker.client091();
  const channel = await client091.openChannel();
  await channel.call("queue.declare", { queue: "a queue" });

  const client = await broker.client();
  const sender = await openSender(client, "/queues/a%20queue");
  assert.equal((await send(sender, { body: "hello", subject: "s" })).outcome, "accepted");

  const receiver = await openReceiver(client, "/queues/a%20queue");
  const { message, delivery } = await receive(receiver);
  assert.equal(message?.body, "hello");
  assert.equal(message?.subject, "s");
  delivery?.accept();
});
