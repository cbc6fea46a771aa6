import assert from "node:assert/strict";
import { methodTest } from "../support/method-test.ts";
import { declareQueue, drain, expectReady, fill, lockedText } from "../support/queues.ts";

methodTest("[queue.purge] removes the ready messages and tells how many", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a", "b", "c"]);
  assert.deepEqual(await client.call(1, "queue.purge", { queue }), { messageCount: 3 });
  assert.deepEqual(await client.call(1, "queue.purge", { queue }), { messageCount: 0 });
});

methodTest("[queue.purge] leaves unacknowledged messages alone", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a", "b", "c"]);
  const held = await client.get(1, { queue });
  assert.ok(held !== undefined);
  assert.deepEqual(await client.call(1, "queue.purge", { queue }), { messageCount: 2 });
  client.send(1, "basic.reject", { deliveryTag: held.args.deliveryTag, requeue: true });
  await expectReady(client, queue, 1);
  assert.deepEqual(await drain(client, queue), ["a"]);
});

methodTest("[queue.purge/no-wait] purges without a reply", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a"]);
  client.send(1, "queue.purge", { queue, noWait: true });
  await expectReady(client, queue, 0);
});

methodTest("[queue.purge/last-declared] the empty name is the queue declared last on the channel", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a", "b"]);
  assert.deepEqual(await client.call(1, "queue.purge", { queue: "" }), { messageCount: 2 });
});

methodTest("[queue.purge/last-declared] with none declared is 404 no previously declared queue", async (broker) => {
  const client = await broker.channel();
  client.send(1, "queue.purge", { queue: "" });
  await client.expectChannelClose(1, 404, "NOT_FOUND - no previously declared queue", 50, 30);
});

methodTest("[queue.purge] a missing queue is 404 no queue 'x' in vhost '/'", async (broker) => {
  const client = await broker.channel();
  const queue = broker.name("missing");
  client.send(1, "queue.purge", { queue });
  await client.expectChannelClose(1, 404, `NOT_FOUND - no queue '${queue}' in vhost '/'`, 50, 30);
});

methodTest("[queue.purge/exclusive] another connection's queue is 405", async (broker) => {
  const owner = await broker.channel();
  const other = await broker.channel();
  const queue = await declareQueue(broker, owner);
  other.send(1, "queue.purge", { queue });
  await other.expectChannelClose(1, 405, lockedText(queue), 50, 30);
});
