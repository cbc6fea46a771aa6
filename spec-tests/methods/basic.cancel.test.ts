import assert from "node:assert/strict";
import { methodTest } from "../support/method-test.ts";
import { consume, declareQueue, deliveredBodies, drain, expectReady, fill } from "../support/queues.ts";

methodTest("[basic.cancel] cancel-ok carries the tag and deliveries stop", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await consume(client, queue, { consumerTag: "mine" });
  assert.deepEqual(await client.call(1, "basic.cancel", { consumerTag: "mine" }), { consumerTag: "mine" });
  await fill(client, queue, ["a"]);
  await client.expectNothing(1, queue);
});

methodTest("[basic.cancel] an unknown tag is answered with cancel-ok", async (broker) => {
  const client = await broker.channel();
  assert.deepEqual(await client.call(1, "basic.cancel", { consumerTag: "none" }), { consumerTag: "none" });
});

methodTest("[basic.cancel/no-wait] cancels without a reply", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await consume(client, queue, { consumerTag: "mine" });
  client.send(1, "basic.cancel", { consumerTag: "mine", noWait: true });
  client.send(1, "basic.cancel", { consumerTag: "unknown", noWait: true });
  await client.expectNothing(1);
  assert.equal((await client.call(1, "queue.declare", { queue, passive: true })).consumerCount, 0);
});

methodTest("[basic.cancel] what was delivered stays unacknowledged and can be settled", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a", "b"]);
  await consume(client, queue, { consumerTag: "mine" });
  await deliveredBodies(client, 2);
  await client.call(1, "basic.cancel", { consumerTag: "mine" });
  client.send(1, "basic.ack", { deliveryTag: 1 });
  client.send(1, "basic.reject", { deliveryTag: 2, requeue: true });
  await expectReady(client, queue, 1);
  assert.deepEqual(await drain(client, queue), ["b"]);
});

methodTest(
  "[basic.cancel-ok] from the client, for a consumer that is gone, is ignored",
  async (broker) => {
    const client = await broker.channel();
    client.send(1, "basic.cancel-ok", { consumerTag: "whatever" });
    await client.expectNothing(1);
  },
  { leveretOnly: "RabbitMQ 4.3 closes the connection with 541" },
);

methodTest(
  "[basic.cancel-ok] from the client ends a consumer that is there, without an answer",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declareQueue(broker, client);
    await consume(client, queue, { consumerTag: "mine" });
    client.send(1, "basic.cancel-ok", { consumerTag: "mine" });
    await client.expectNothing(1);
    assert.equal((await client.call(1, "queue.declare", { queue, passive: true })).consumerCount, 0);
  },
  { sinceRabbitmq: "4.3" },
);
