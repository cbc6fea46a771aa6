import assert from "node:assert/strict";
import { methodTest } from "../support/method-test.ts";
import { consume, declareExchange, declareQueue, declareSharedQueue, fill, lockedText } from "../support/queues.ts";

methodTest("[queue.delete] tells how many ready messages went with the queue", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a", "b", "c"]);
  await client.get(1, { queue });
  assert.deepEqual(await client.call(1, "queue.delete", { queue }), { messageCount: 2 });
  client.send(1, "queue.declare", { queue, passive: true });
  await client.expectChannelClose(1, 404, `NOT_FOUND - no queue '${queue}' in vhost '/'`, 50, 10);
});

methodTest("[queue.delete] a missing queue is answered with delete-ok and 0", async (broker) => {
  const client = await broker.channel();
  const queue = broker.name("missing");
  assert.deepEqual(await client.call(1, "queue.delete", { queue }), { messageCount: 0 });
  assert.deepEqual(await client.call(1, "queue.delete", { queue, ifUnused: true, ifEmpty: true }), { messageCount: 0 });
});

methodTest("[queue.delete/no-wait] deletes without a reply", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  client.send(1, "queue.delete", { queue, noWait: true });
  client.send(1, "queue.declare", { queue, passive: true });
  await client.expectChannelClose(1, 404, `NOT_FOUND - no queue '${queue}' in vhost '/'`, 50, 10);
});

methodTest("[queue.delete] removes the bindings of the queue", async (broker) => {
  const client = await broker.channel();
  const exchange = await declareExchange(broker, client);
  const queue = await declareQueue(broker, client);
  await client.call(1, "queue.bind", { queue, exchange, routingKey: "key" });
  await client.call(1, "queue.delete", { queue });
  await client.call(1, "exchange.delete", { exchange, ifUnused: true });
});

methodTest("[queue.delete] a queue declared again under the name is empty and unbound", async (broker) => {
  const client = await broker.channel();
  const exchange = await declareExchange(broker, client);
  const queue = await declareQueue(broker, client);
  await client.call(1, "queue.bind", { queue, exchange, routingKey: "key" });
  await fill(client, queue, ["a"]);
  await client.call(1, "queue.delete", { queue });
  await declareQueue(broker, client, { queue });
  client.publish(1, { exchange, routingKey: "key", mandatory: true });
  assert.equal((await client.expectContent(1, "basic.return")).args.replyCode, 312);
  assert.equal(await client.get(1, { queue }), undefined);
});

methodTest("[queue.delete/if-unused] a queue with a consumer is 406 in use", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await consume(client, queue);
  client.send(1, "queue.delete", { queue, ifUnused: true });
  await client.expectChannelClose(1, 406, `PRECONDITION_FAILED - queue '${queue}' in vhost '/' in use`, 50, 40);
});

methodTest("[queue.delete/if-empty] a queue with ready messages is 406 not empty", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a"]);
  client.send(1, "queue.delete", { queue, ifEmpty: true });
  await client.expectChannelClose(1, 406, `PRECONDITION_FAILED - queue '${queue}' in vhost '/' not empty`, 50, 40);
});

methodTest("[queue.delete/if-unused] a queue without consumers is deleted with its messages", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a"]);
  assert.deepEqual(await client.call(1, "queue.delete", { queue, ifUnused: true }), { messageCount: 1 });
});

methodTest("[queue.delete/if-empty] an empty queue is deleted with its consumers", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await consume(client, queue);
  assert.deepEqual(await client.call(1, "queue.delete", { queue, ifEmpty: true }), { messageCount: 0 });
});

methodTest("[queue.delete/last-declared] the empty name is the queue declared last on the channel", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a"]);
  assert.deepEqual(await client.call(1, "queue.delete", { queue: "" }), { messageCount: 1 });
});

methodTest("[queue.delete/last-declared] with none declared is 404 no previously declared queue", async (broker) => {
  const client = await broker.channel();
  client.send(1, "queue.delete", { queue: "" });
  await client.expectChannelClose(1, 404, "NOT_FOUND - no previously declared queue", 50, 40);
});

methodTest("[queue.delete/exclusive] another connection's queue is 405", async (broker) => {
  const owner = await broker.channel();
  const other = await broker.channel();
  const queue = await declareQueue(broker, owner);
  other.send(1, "queue.delete", { queue });
  await other.expectChannelClose(1, 405, lockedText(queue), 50, 40);
});

methodTest("[queue.delete/cancel-notify] consumers get basic.cancel no-wait, after delete-ok", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  const consumerTag = await consume(client, queue);
  await client.call(1, "queue.delete", { queue });
  assert.deepEqual(await client.expect(1, "basic.cancel"), { consumerTag, noWait: true });
});

methodTest("[queue.delete/cancel-notify] a consumer of another connection is told too", async (broker) => {
  const consumer = await broker.channel();
  const other = await broker.channel();
  const queue = await declareSharedQueue(broker, consumer);
  const consumerTag = await consume(consumer, queue);
  await other.call(1, "queue.delete", { queue });
  assert.deepEqual(await consumer.expect(1, "basic.cancel"), { consumerTag, noWait: true });
});

methodTest("[queue.delete/cancel-notify] only a client with the capability is told", async (broker) => {
  const client = await broker.channel({ capabilities: { "basic.nack": true } });
  const queue = await declareQueue(broker, client);
  await consume(client, queue);
  await client.call(1, "queue.delete", { queue });
  await client.expectNothing(1);
});

methodTest("[queue.delete/cancel-notify] the tag is free again", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await consume(client, queue, { consumerTag: "tag" });
  await client.call(1, "queue.delete", { queue });
  await client.expect(1, "basic.cancel");
  await declareQueue(broker, client, { queue });
  await consume(client, queue, { consumerTag: "tag" });
});

methodTest("[queue.delete] acknowledging a message of the deleted queue is no error", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a"]);
  const message = await client.get(1, { queue });
  assert.ok(message !== undefined);
  await client.call(1, "queue.delete", { queue });
  client.send(1, "basic.ack", { deliveryTag: message.args.deliveryTag });
  await client.expectNothing(1);
});
