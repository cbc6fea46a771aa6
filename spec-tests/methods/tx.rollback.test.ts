import assert from "node:assert/strict";
import { methodTest } from "../support/method-test.ts";
import { declareQueue, drain, fill } from "../support/queues.ts";

methodTest("[tx.rollback] drops the publishes", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await client.call(1, "tx.select");
  client.publish(1, { routingKey: queue }, "dropped");
  await client.call(1, "tx.rollback");
  client.publish(1, { routingKey: queue }, "kept");
  await client.call(1, "tx.commit");
  assert.deepEqual(await drain(client, queue), ["kept"]);
});

methodTest("[tx.rollback] drops mandatory publishes without a return", async (broker) => {
  const client = await broker.channel();
  await client.call(1, "tx.select");
  client.publish(1, { routingKey: broker.name("nowhere"), mandatory: true });
  await client.call(1, "tx.rollback");
  await client.call(1, "tx.commit");
});

methodTest(
  "[tx.rollback] acknowledged tags are unacknowledged again and usable, nothing is redelivered",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declareQueue(broker, client);
    await fill(client, queue, ["a", "b", "c"]);
    await client.call(1, "tx.select");
    for (let index = 0; index < 3; index++) await client.get(1, { queue });
    client.send(1, "basic.ack", { deliveryTag: 2, multiple: true });
    client.send(1, "basic.nack", { deliveryTag: 3, requeue: true });
    await client.call(1, "tx.rollback");
    assert.equal(await client.get(1, { queue }), undefined);
    client.send(1, "basic.ack", { deliveryTag: 2 });
    client.send(1, "basic.ack", { deliveryTag: 3 });
    await client.call(1, "tx.commit");
    await client.call(1, "channel.close", { replyCode: 200 });
    await client.call(1, "channel.open");
    assert.deepEqual(await drain(client, queue), ["a"]);
  },
);

methodTest("[tx.rollback] without tx.select is 406 channel is not transactional", async (broker) => {
  const client = await broker.channel();
  client.send(1, "tx.rollback");
  await client.expectChannelClose(1, 406, "PRECONDITION_FAILED - channel is not transactional", 90, 30);
});
