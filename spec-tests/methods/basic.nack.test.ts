import assert from "node:assert/strict";
import { methodTest } from "../support/method-test.ts";
import {
  consume,
  declareQueue,
  declareSharedQueue,
  deliveredBodies,
  drain,
  expectReady,
  fill,
} from "../support/queues.ts";

methodTest("[basic.nack/requeue] the message comes back, redelivered", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a"]);
  await client.get(1, { queue });
  client.send(1, "basic.nack", { deliveryTag: 1, requeue: true });
  await expectReady(client, queue, 1);
  const again = await client.get(1, { queue });
  assert.deepEqual([again?.args.redelivered, again?.args.deliveryTag], [true, 2]);
});

methodTest("[basic.nack] without requeue the message is gone", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a", "b"]);
  await client.get(1, { queue });
  client.send(1, "basic.nack", { deliveryTag: 1, requeue: false });
  assert.deepEqual(await drain(client, queue), ["b"]);
});

methodTest("[basic.nack/multiple] settles every delivery up to the tag, and 0 all of them", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a", "b", "c", "d"]);
  for (let index = 0; index < 4; index++) await client.get(1, { queue });
  client.send(1, "basic.nack", { deliveryTag: 2, multiple: true, requeue: true });
  await expectReady(client, queue, 2);
  client.send(1, "basic.nack", { deliveryTag: 0, multiple: true, requeue: true });
  await expectReady(client, queue, 4);
  assert.deepEqual(await drain(client, queue), ["a", "b", "c", "d"]);
});

methodTest("[basic.nack/requeue-order] messages go back to their original positions", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["0", "1", "2", "3", "4"]);
  for (let index = 0; index < 3; index++) await client.get(1, { queue });
  for (const deliveryTag of [2, 3, 1]) client.send(1, "basic.nack", { deliveryTag, requeue: true });
  await expectReady(client, queue, 5);
  const seen: (readonly [string, boolean])[] = [];
  for (let index = 0; index < 5; index++) {
    const message = await client.get(1, { queue, noAck: true });
    assert.ok(message !== undefined);
    seen.push([message.body.toString(), message.args.redelivered]);
  }
  assert.deepEqual(seen, [
    ["0", true],
    ["1", true],
    ["2", true],
    ["3", false],
    ["4", false],
  ]);
});

methodTest("[basic.nack/requeue] another consumer with room gets the message", async (broker) => {
  const one = await broker.channel();
  const other = await broker.channel();
  const queue = await declareSharedQueue(broker, one);
  await fill(one, queue, ["a"]);
  await consume(one, queue, { consumerTag: "one" });
  await deliveredBodies(one, 1);
  await consume(other, queue);
  await one.call(1, "basic.cancel", { consumerTag: "one" });
  one.send(1, "basic.nack", { deliveryTag: 1, requeue: true });
  const { args, body } = await other.expectContent(1, "basic.deliver");
  assert.deepEqual([body.toString(), args.redelivered], ["a", true]);
});

for (const [deliveryTag, multiple] of [
  [0, false],
  [5, false],
  [5, true],
] as const) {
  methodTest(
    `[basic.nack] unknown tag ${deliveryTag}, multiple=${multiple}, is 406 unknown delivery tag`,
    async (broker) => {
      const client = await broker.channel();
      const queue = await declareQueue(broker, client);
      await fill(client, queue, ["a"]);
      await client.get(1, { queue });
      client.send(1, "basic.nack", { deliveryTag, multiple, requeue: true });
      await client.expectChannelClose(1, 406, `PRECONDITION_FAILED - unknown delivery tag ${deliveryTag}`, 60, 120);
    },
  );
}
