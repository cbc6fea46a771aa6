import assert from "node:assert/strict";
import { tableFrom } from "../../src/wire/field-table.ts";
import { methodTest } from "../support/method-test.ts";
import { declareExchange, declareQueue } from "../support/queues.ts";
import type { RawClient } from "../support/raw-client.ts";

/** Collects acks until the tags 1 to `count` are confirmed; asserts that none is confirmed twice. */
async function expectConfirmed(client: RawClient, count: number, first = 1): Promise<void> {
  const open = new Set(Array.from({ length: count }, (_, index) => first + index));
  while (open.size > 0) {
    const { deliveryTag, multiple } = (await client.find(1, "basic.ack")).args;
    const tags = multiple ? [...open].filter((tag) => tag <= deliveryTag) : [deliveryTag];
    assert.ok(tags.length > 0, `ack of ${deliveryTag} confirms nothing`);
    for (const tag of tags) assert.ok(open.delete(tag), `tag ${tag} confirmed twice or never published`);
  }
}

methodTest("[confirm.select] confirms carry sequence numbers from 1", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await client.call(1, "confirm.select");
  client.publish(1, { routingKey: queue });
  assert.equal((await client.expect(1, "basic.ack")).deliveryTag, 1);
  client.publish(1, { routingKey: queue });
  assert.equal((await client.expect(1, "basic.ack")).deliveryTag, 2);
});

methodTest("[confirm.select] counts from the select, not from the first publish of the channel", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  client.publish(1, { routingKey: queue });
  client.publish(1, { routingKey: queue });
  await client.call(1, "confirm.select");
  client.publish(1, { routingKey: queue });
  assert.equal((await client.expect(1, "basic.ack")).deliveryTag, 1);
});

methodTest("[confirm.select] is idempotent and does not reset the count", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await client.call(1, "confirm.select");
  client.publish(1, { routingKey: queue });
  assert.equal((await client.expect(1, "basic.ack")).deliveryTag, 1);
  await client.call(1, "confirm.select");
  client.publish(1, { routingKey: queue });
  assert.equal((await client.expect(1, "basic.ack")).deliveryTag, 2);
});

methodTest("[confirm.select/no-wait] there is no reply, and publishes are confirmed", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  client.send(1, "confirm.select", { noWait: true });
  client.publish(1, { routingKey: queue });
  assert.equal((await client.expect(1, "basic.ack")).deliveryTag, 1);
});

methodTest("[confirm.select] every publish of a burst is confirmed exactly once", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await client.call(1, "confirm.select");
  for (let index = 0; index < 500; index++) client.publish(1, { routingKey: queue }, `${index}`);
  await expectConfirmed(client, 500);
  await client.expectNothing(1);
});

methodTest("[confirm.select] persistent messages to a durable queue are confirmed", async (broker) => {
  const client = await broker.channel();
  const queue = broker.name("durable");
  await client.call(1, "queue.declare", { queue, durable: true });
  await client.call(1, "confirm.select");
  for (let index = 0; index < 20; index++) client.publish(1, { routingKey: queue }, `${index}`, { deliveryMode: 2 });
  await expectConfirmed(client, 20);
  await client.call(1, "queue.delete", { queue });
});

methodTest("[confirm.select] an unroutable message that is not mandatory is confirmed", async (broker) => {
  const client = await broker.channel();
  await client.call(1, "confirm.select");
  client.publish(1, { routingKey: broker.name("nowhere") });
  assert.equal((await client.expect(1, "basic.ack")).deliveryTag, 1);
});

methodTest("[confirm.select] a message to several queues is confirmed once", async (broker) => {
  const client = await broker.channel();
  const exchange = await declareExchange(broker, client, "fanout");
  for (let index = 0; index < 3; index++) {
    const queue = await declareQueue(broker, client);
    await client.call(1, "queue.bind", { queue, exchange });
  }
  await client.call(1, "confirm.select");
  client.publish(1, { exchange, routingKey: "" });
  await expectConfirmed(client, 1);
  await client.expectNothing(1);
});

methodTest("[confirm.select] every channel counts on its own", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await client.call(2, "channel.open");
  for (const channel of [1, 2]) await client.call(channel, "confirm.select");
  for (const channel of [1, 2]) client.publish(channel, { routingKey: queue });
  for (const channel of [1, 2]) assert.equal((await client.expect(channel, "basic.ack")).deliveryTag, 1);
});

methodTest("[confirm.select] publishes of a channel that did not ask are not confirmed", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  client.publish(1, { routingKey: queue });
  await client.expectNothing(1, queue);
});

methodTest("[confirm.select] after tx.select is 406 cannot switch from tx to confirm mode", async (broker) => {
  const client = await broker.channel();
  await client.call(1, "tx.select");
  client.send(1, "confirm.select");
  await client.expectChannelClose(1, 406, "PRECONDITION_FAILED - cannot switch from tx to confirm mode", 85, 10);
});

for (const overflow of ["reject-publish", "reject-publish-dlx"]) {
  methodTest(`[confirm.select] a publish rejected by overflow=${overflow} gets basic.nack`, async (broker) => {
    const client = await broker.channel();
    const queue = broker.name("queue");
    const limit = { "x-max-length": 1, "x-overflow": overflow };
    await client.call(1, "queue.declare", { queue, exclusive: true, arguments: tableFrom(limit) });
    await client.call(1, "confirm.select");
    client.publish(1, { routingKey: queue }, "fits");
    assert.equal((await client.expect(1, "basic.ack")).deliveryTag, 1);
    client.publish(1, { routingKey: queue }, "too much");
    assert.equal((await client.expect(1, "basic.nack")).deliveryTag, 2);
  });
}
