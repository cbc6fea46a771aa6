import assert from "node:assert/strict";
import { methodTest } from "../support/method-test.ts";
import { consume, declareQueue, deliveredBodies, drain, expectReady, fill } from "../support/queues.ts";

methodTest("[basic.recover/requeue] redelivers everything unacknowledged, behind recover-ok", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a", "b", "c"]);
  await consume(client, queue);
  await deliveredBodies(client, 3);
  client.send(1, "basic.ack", { deliveryTag: 2 });
  await client.call(1, "basic.recover", { requeue: true });
  for (const [deliveryTag, body] of [
    [4, "a"],
    [5, "c"],
  ] as const) {
    const delivery = await client.expectContent(1, "basic.deliver");
    assert.deepEqual([delivery.args.deliveryTag, delivery.args.redelivered], [deliveryTag, true]);
    assert.equal(delivery.body.toString(), body);
  }
});

methodTest("[basic.recover/requeue] messages taken with basic.get go back to their positions", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a", "b", "c"]);
  for (let index = 0; index < 2; index++) await client.get(1, { queue });
  await client.call(1, "basic.recover", { requeue: true });
  await expectReady(client, queue, 3);
  assert.deepEqual(await drain(client, queue), ["a", "b", "c"]);
});

methodTest("[basic.recover/requeue] with nothing unacknowledged is just answered", async (broker) => {
  const client = await broker.channel();
  await client.call(1, "basic.recover", { requeue: true });
});

methodTest("[basic.recover/requeue] the old tags are unknown", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a"]);
  await client.get(1, { queue });
  await client.call(1, "basic.recover", { requeue: true });
  client.send(1, "basic.ack", { deliveryTag: 1 });
  await client.expectChannelClose(1, 406, "PRECONDITION_FAILED - unknown delivery tag 1", 60, 80);
});

methodTest("[basic.recover/requeue] other channels keep their deliveries", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a", "b"]);
  await client.call(2, "channel.open");
  await client.get(2, { queue });
  await client.call(1, "basic.recover", { requeue: true });
  assert.deepEqual(await drain(client, queue), ["b"]);
});

methodTest("[basic.recover] requeue=false is 540 requeue=false", async (broker) => {
  const client = await broker.channel();
  client.send(1, "basic.recover", { requeue: false });
  await client.expectConnectionClose(540, "NOT_IMPLEMENTED - requeue=false", 60, 110);
  await client.expectEnd();
});
