import assert from "node:assert/strict";
import { methodTest } from "../support/method-test.ts";
import { consume, declareQueue, deliveredBodies, drain, expectReady, fill } from "../support/queues.ts";

methodTest("[basic.reject/requeue] the message comes back to its position, redelivered", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a", "b"]);
  await client.get(1, { queue });
  client.send(1, "basic.reject", { deliveryTag: 1, requeue: true });
  await expectReady(client, queue, 2);
  const again = await client.get(1, { queue });
  assert.deepEqual([again?.body.toString(), again?.args.redelivered], ["a", true]);
});

methodTest("[basic.reject/requeue] the only consumer gets the message again", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a"]);
  await consume(client, queue);
  await deliveredBodies(client, 1);
  client.send(1, "basic.reject", { deliveryTag: 1, requeue: true });
  const { args } = await client.expectContent(1, "basic.deliver");
  assert.deepEqual([args.deliveryTag, args.redelivered], [2, true]);
});

methodTest("[basic.reject] without requeue the message is gone", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a"]);
  await client.get(1, { queue });
  client.send(1, "basic.reject", { deliveryTag: 1, requeue: false });
  assert.deepEqual(await drain(client, queue), []);
});

for (const deliveryTag of [0, 2]) {
  methodTest(`[basic.reject] unknown tag ${deliveryTag} is 406 unknown delivery tag`, async (broker) => {
    const client = await broker.channel();
    const queue = await declareQueue(broker, client);
    await fill(client, queue, ["a"]);
    await client.get(1, { queue });
    client.send(1, "basic.reject", { deliveryTag, requeue: true });
    await client.expectChannelClose(1, 406, `PRECONDITION_FAILED - unknown delivery tag ${deliveryTag}`, 60, 90);
  });
}
