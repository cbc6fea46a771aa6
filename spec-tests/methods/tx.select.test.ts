import assert from "node:assert/strict";
import { methodTest } from "../support/method-test.ts";
import { declareQueue, expectReady } from "../support/queues.ts";

methodTest("[tx.select] may be repeated", async (broker) => {
  const client = await broker.channel();
  await client.call(1, "tx.select");
  await client.call(1, "tx.select");
});

methodTest("[tx.select] publishes are held back until the commit", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await client.call(1, "tx.select");
  client.publish(1, { routingKey: queue }, "a");
  assert.equal(await client.get(1, { queue }), undefined);
  await client.call(1, "tx.commit");
  await expectReady(client, queue, 1);
});

methodTest("[tx.select] other channels are not transactional", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await client.call(2, "channel.open");
  await client.call(1, "tx.select");
  client.publish(2, { routingKey: queue }, "a");
  await expectReady(client, queue, 1);
  client.send(2, "tx.commit");
  await client.expectChannelClose(2, 406, "PRECONDITION_FAILED - channel is not transactional", 90, 20);
});

methodTest("[tx.select] after confirm.select is 406 cannot switch from confirm to tx mode", async (broker) => {
  const client = await broker.channel();
  await client.call(1, "confirm.select");
  client.send(1, "tx.select");
  const text = "PRECONDITION_FAILED - cannot switch from confirm to tx mode";
  await client.expectChannelClose(1, 406, text, 90, 10);
});

methodTest("[tx.select] declares and consumption are not transactional", async (broker) => {
  const client = await broker.channel();
  const other = await broker.channel();
  await client.call(1, "tx.select");
  const queue = broker.name("queue");
  await client.call(1, "queue.declare", { queue, autoDelete: true });
  await client.call(1, "tx.rollback");
  other.publish(1, { routingKey: queue }, "a");
  await expectReady(other, queue, 1);
  await client.call(1, "tx.rollback");
  assert.equal((await client.get(1, { queue, noAck: true }))?.body.toString(), "a");
  await client.call(1, "tx.rollback");
  await client.call(1, "queue.delete", { queue });
});

methodTest("[tx.select] errors of a publish come at once", async (broker) => {
  const client = await broker.channel();
  await client.call(1, "tx.select");
  const exchange = broker.name("missing");
  client.publish(1, { exchange, routingKey: "key" });
  await client.expectChannelClose(1, 404, `NOT_FOUND - no exchange '${exchange}' in vhost '/'`, 60, 40);
});

methodTest("[tx.select] closing the channel drops what is not committed and puts messages back", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  client.publish(1, { routingKey: queue }, "old");
  await expectReady(client, queue, 1);
  await client.call(1, "tx.select");
  const message = await client.get(1, { queue });
  assert.ok(message !== undefined);
  client.send(1, "basic.ack", { deliveryTag: message.args.deliveryTag });
  client.publish(1, { routingKey: queue }, "new");
  await client.call(1, "channel.close", { replyCode: 200 });
  await client.call(1, "channel.open");
  await expectReady(client, queue, 1);
  assert.equal((await client.get(1, { queue }))?.body.toString(), "old");
});
