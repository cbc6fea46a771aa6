import assert from "node:assert/strict";
import { methodTest } from "../support/method-test.ts";
import { consume, declareQueue, declareSharedQueue, deliveredBodies, expectReady, fill } from "../support/queues.ts";

const OK = { replyCode: 200, replyText: "OK" };

methodTest("[channel.close] is answered with close-ok", async (broker) => {
  const client = await broker.channel();
  await client.call(1, "channel.close", OK);
});

methodTest("[channel.close] leaves other channels alive", async (broker) => {
  const client = await broker.channel();
  await client.call(2, "channel.open");
  await client.call(1, "channel.close", OK);
  await client.call(2, "access.request");
});

methodTest("[channel.close] the number can be opened again at once", async (broker) => {
  const client = await broker.channel();
  client.send(1, "channel.close", OK);
  client.send(1, "channel.open");
  await client.expect(1, "channel.close-ok");
  await client.expect(1, "channel.open-ok");
  await client.call(1, "access.request");
});

methodTest("[channel.close] on a channel that is not open is 504 expected 'channel.open'", async (broker) => {
  const client = await broker.connect();
  client.send(1, "channel.close", OK);
  await client.expectConnectionClose(504, "CHANNEL_ERROR - expected 'channel.open'", 20, 40);
});

methodTest("[channel.close] puts unacknowledged messages back, redelivered", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a", "b"]);
  await consume(client, queue);
  await deliveredBodies(client, 2);
  await client.call(1, "channel.close", OK);
  await client.call(1, "channel.open");
  client.send(1, "basic.get", { queue });
  const { args, body } = await client.expectContent(1, "basic.get-ok");
  assert.equal(body.toString(), "a");
  assert.equal(args.redelivered, true);
  assert.equal(args.messageCount, 1);
});

methodTest("[channel.close] removes the consumers of the channel", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await consume(client, queue);
  assert.equal((await client.call(1, "queue.declare", { queue, passive: true })).consumerCount, 1);
  await client.call(1, "channel.close", OK);
  await client.call(1, "channel.open");
  assert.equal((await client.call(1, "queue.declare", { queue, passive: true })).consumerCount, 0);
});

methodTest("[channel.close] keeps the exclusive queues of the connection", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await client.call(1, "channel.close", OK);
  await client.call(1, "channel.open");
  await client.call(1, "queue.declare", { queue, passive: true });
});

methodTest("[channel.close] removes an auto-delete queue whose last consumer it was", async (broker) => {
  const client = await broker.channel();
  const queue = await declareSharedQueue(broker, client, { autoDelete: true });
  await consume(client, queue);
  await client.call(1, "channel.close", OK);
  await client.call(1, "channel.open");
  client.send(1, "queue.declare", { queue, passive: true });
  await client.expectChannelClose(1, 404, `NOT_FOUND - no queue '${queue}' in vhost '/'`, 50, 10);
});

methodTest("[channel.close] a channel error leaves other channels alive and requeues", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a"]);
  await client.call(2, "channel.open");
  client.send(2, "basic.get", { queue });
  await client.expectContent(2, "basic.get-ok");
  client.send(2, "basic.ack", { deliveryTag: 99 });
  await client.expectChannelClose(2, 406, "PRECONDITION_FAILED - unknown delivery tag 99", 60, 80);
  await expectReady(client, queue, 1);
});

methodTest(
  "[channel.close] after its channel.close the server ignores everything but close and close-ok",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declareQueue(broker, client);
    client.send(1, "queue.declare", { queue: broker.name("missing"), passive: true });
    client.publish(1, { routingKey: queue }, "ignored");
    client.send(1, "queue.delete", { queue });
    await client.expectChannelClose(1, 404, /^NOT_FOUND - no queue /, 50, 10);
    await client.call(1, "channel.open");
    await expectReady(client, queue, 0);
  },
);

methodTest("[channel.close] a crossing channel.close gets close-ok", async (broker) => {
  const client = await broker.channel();
  client.send(1, "queue.declare", { queue: broker.name("missing"), passive: true });
  client.send(1, "channel.close", OK);
  await client.expect(1, "channel.close");
  await client.expect(1, "channel.close-ok");
  client.send(1, "channel.close-ok");
  await client.call(1, "channel.open");
});

methodTest("[channel.close] channel.open before close-ok is 504 second 'channel.open' seen", async (broker) => {
  const client = await broker.channel();
  client.send(1, "queue.declare", { queue: broker.name("missing"), passive: true });
  await client.expect(1, "channel.close");
  client.send(1, "channel.open");
  await client.expectConnectionClose(504, "CHANNEL_ERROR - second 'channel.open' seen", 20, 10);
});

methodTest("[channel.close] a reply text of more than 255 octets is cut with ...", async (broker) => {
  const client = await broker.channel();
  const queue = "q".repeat(255);
  client.send(1, "queue.declare", { queue, passive: true });
  const close = await client.expect(1, "channel.close");
  assert.equal(close.replyText.length, 255);
  assert.equal(close.replyText, `NOT_FOUND - no queue '${"q".repeat(230)}...`);
});
