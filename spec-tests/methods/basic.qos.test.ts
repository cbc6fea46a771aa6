import assert from "node:assert/strict";
import { tableFrom } from "../../src/wire/field-table.ts";
import { methodTest } from "../support/method-test.ts";
import { consume, declareQueue, declareSharedQueue, deliveredBodies, fill } from "../support/queues.ts";

const STREAM = tableFrom({ "x-queue-type": "stream" });

/** Earlier releases share a limit with global=true among the consumers of the channel. */
const SINCE = { sinceRabbitmq: "4.3" };

methodTest("[basic.qos/prefetch-size] other than 0 is 540 prefetch_size!=0 (N)", async (broker) => {
  const client = await broker.channel();
  client.send(1, "basic.qos", { prefetchSize: 1024, prefetchCount: 1 });
  await client.expectConnectionClose(540, "NOT_IMPLEMENTED - prefetch_size!=0 (1024)", 60, 10);
  await client.expectEnd();
});

methodTest("[basic.qos/prefetch-count] limits the unacknowledged deliveries of a consumer", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a", "b", "c", "d"]);
  await client.call(1, "basic.qos", { prefetchCount: 2 });
  await consume(client, queue);
  const first = (await client.find(1, "basic.deliver")).args.deliveryTag;
  await client.find(1, "basic.deliver");
  await client.expectNothing(1, queue);
  client.send(1, "basic.ack", { deliveryTag: first });
  assert.deepEqual(await deliveredBodies(client, 1), ["c"]);
  await client.expectNothing(1, queue);
});

methodTest("[basic.qos/prefetch-count] 0 is no limit", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a", "b", "c"]);
  await client.call(1, "basic.qos", { prefetchCount: 1 });
  await client.call(1, "basic.qos", { prefetchCount: 0 });
  await consume(client, queue);
  assert.deepEqual(await deliveredBodies(client, 3), ["a", "b", "c"]);
});

methodTest("[basic.qos/global=false] every consumer of the channel has the limit for itself", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a", "b", "c", "d", "e", "f"]);
  await client.call(1, "basic.qos", { prefetchCount: 2 });
  await consume(client, queue);
  await consume(client, queue);
  await deliveredBodies(client, 4);
  await client.expectNothing(1, queue);
});

methodTest(
  "[basic.qos/global=false] a consumer started before the qos of another channel is untouched",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declareQueue(broker, client);
    await client.call(2, "channel.open");
    await client.call(2, "basic.qos", { prefetchCount: 1 });
    await consume(client, queue);
    for (const body of ["a", "b", "c"]) client.publish(1, { routingKey: queue }, body);
    assert.deepEqual(await deliveredBodies(client, 3), ["a", "b", "c"]);
  },
);

methodTest("[basic.qos] counts consumer deliveries, not basic.get", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a", "b", "c"]);
  await client.call(1, "basic.qos", { prefetchCount: 1 });
  await client.get(1, { queue });
  await client.get(1, { queue });
  await consume(client, queue);
  assert.deepEqual(await deliveredBodies(client, 1), ["c"]);
});

methodTest("[basic.qos] does not limit a consumer with no-ack", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a", "b", "c"]);
  await client.call(1, "basic.qos", { prefetchCount: 1 });
  await consume(client, queue, { noAck: true });
  assert.deepEqual(await deliveredBodies(client, 3), ["a", "b", "c"]);
});

methodTest("[basic.qos] reject and nack make room as ack does", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a", "b", "c"]);
  await client.call(1, "basic.qos", { prefetchCount: 1 });
  await consume(client, queue);
  client.send(1, "basic.reject", { deliveryTag: (await client.find(1, "basic.deliver")).args.deliveryTag });
  client.send(1, "basic.nack", { deliveryTag: (await client.find(1, "basic.deliver")).args.deliveryTag });
  assert.deepEqual(await deliveredBodies(client, 1), ["c"]);
});

methodTest("[basic.qos] messages beyond the limit go to another connection", async (broker) => {
  const one = await broker.channel();
  const other = await broker.channel();
  const queue = await declareSharedQueue(broker, one);
  await fill(one, queue, ["a", "b", "c"]);
  await one.call(1, "basic.qos", { prefetchCount: 1 });
  await consume(one, queue);
  assert.deepEqual(await deliveredBodies(one, 1), ["a"]);
  await consume(other, queue);
  assert.deepEqual(await deliveredBodies(other, 2), ["b", "c"]);
});

methodTest("[basic.qos] a limit is that of the last qos before the consumer", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a", "b", "c"]);
  await client.call(1, "basic.qos", { prefetchCount: 1 });
  await client.call(1, "basic.qos", { prefetchCount: 2 });
  await consume(client, queue);
  await deliveredBodies(client, 2);
  await client.expectNothing(1, queue);
});

methodTest(
  "[basic.qos/global=true] is as false: every consumer of the channel has the limit for itself",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declareQueue(broker, client);
    await fill(client, queue, ["a", "b", "c", "d", "e", "f", "g"]);
    await client.call(1, "basic.qos", { prefetchCount: 3, global: true });
    await consume(client, queue);
    await consume(client, queue);
    await deliveredBodies(client, 6);
    await client.expectNothing(1, queue);
  },
  SINCE,
);

methodTest(
  "[basic.qos/global=true] takes the place of the limit before, as global=false does of it",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declareQueue(broker, client);
    const other = await declareQueue(broker, client);
    await fill(client, queue, ["a", "b", "c", "d"]);
    await fill(client, other, ["e", "f", "g", "h"]);
    await client.call(1, "basic.qos", { prefetchCount: 1 });
    await client.call(1, "basic.qos", { prefetchCount: 3, global: true });
    await consume(client, queue);
    await deliveredBodies(client, 3);
    await client.expectNothing(1, queue);
    await client.call(1, "basic.qos", { prefetchCount: 2 });
    await consume(client, other);
    await deliveredBodies(client, 2);
    await client.expectNothing(1, other);
  },
  SINCE,
);

methodTest(
  "[basic.qos/global=true] other channels have their own limit",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declareQueue(broker, client);
    await fill(client, queue, ["a", "b", "c", "d"]);
    await client.call(2, "channel.open");
    await client.call(1, "basic.qos", { prefetchCount: 1, global: true });
    await consume(client, queue);
    await client.find(1, "basic.deliver");
    await client.call(2, "basic.consume", { queue });
    for (let index = 0; index < 3; index++) await client.expectContent(2, "basic.deliver");
  },
  SINCE,
);

methodTest(
  "[basic.qos/global=true] does not limit a consumer with no-ack",
  async (broker) => {
    const client = await broker.channel();
    const acknowledged = await declareQueue(broker, client);
    const unacknowledged = await declareQueue(broker, client);
    await client.call(1, "basic.qos", { prefetchCount: 1, global: true });
    await consume(client, acknowledged);
    await consume(client, unacknowledged, { noAck: true });
    for (const body of ["a", "b"]) client.publish(1, { routingKey: acknowledged }, body);
    for (const body of ["c", "d"]) client.publish(1, { routingKey: unacknowledged }, body);
    assert.deepEqual((await deliveredBodies(client, 3)).sort(), ["a", "c", "d"]);
    await client.expectNothing(1);
  },
  SINCE,
);

methodTest(
  "[basic.qos/global=true] is the prefetch count that a stream insists on",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declareSharedQueue(broker, client, { durable: true, arguments: STREAM });
    await client.call(1, "basic.qos", { prefetchCount: 10, global: true });
    await consume(client, queue);
    await client.call(1, "queue.delete", { queue });
  },
  SINCE,
);

for (const global of [false, true]) {
  const options = global ? SINCE : {};
  methodTest(
    `[basic.qos/running-consumers] keep their limit when a higher one comes, global=${global}`,
    async (broker) => {
      const client = await broker.channel();
      const queue = await declareQueue(broker, client);
      await fill(client, queue, ["a", "b", "c", "d", "e"]);
      await client.call(1, "basic.qos", { prefetchCount: 1, global });
      const tag = await consume(client, queue);
      const first = await client.find(1, "basic.deliver");
      await client.call(1, "basic.qos", { prefetchCount: 3, global });
      await client.expectNothing(1, queue);
      client.send(1, "basic.ack", { deliveryTag: first.args.deliveryTag });
      assert.equal((await client.find(1, "basic.deliver")).args.consumerTag, tag);
      await client.expectNothing(1, queue);
      await consume(client, queue);
      await deliveredBodies(client, 3);
      await client.expectNothing(1, queue);
    },
    options,
  );

  methodTest(
    `[basic.qos/running-consumers] keep their limit when a lower one comes, global=${global}`,
    async (broker) => {
      const client = await broker.channel();
      const queue = await declareQueue(broker, client);
      await fill(client, queue, ["a", "b", "c", "d", "e"]);
      await client.call(1, "basic.qos", { prefetchCount: 3, global });
      await consume(client, queue);
      await deliveredBodies(client, 3);
      await client.call(1, "basic.qos", { prefetchCount: 1, global });
      client.send(1, "basic.ack", { deliveryTag: 1 });
      assert.deepEqual(await deliveredBodies(client, 1), ["d"]);
      client.send(1, "basic.ack", { deliveryTag: 2 });
      assert.deepEqual(await deliveredBodies(client, 1), ["e"]);
    },
    options,
  );

  methodTest(
    `[basic.qos/running-consumers] without a limit stay so, and with one do when there is none any more, global=${global}`,
    async (broker) => {
      const client = await broker.channel();
      const free = await declareQueue(broker, client);
      const limited = await declareQueue(broker, client);
      await consume(client, free);
      await client.call(1, "basic.qos", { prefetchCount: 1, global });
      await consume(client, limited);
      await client.call(1, "basic.qos", { prefetchCount: 0, global });
      for (const body of ["a", "b", "c"]) client.publish(1, { routingKey: free }, body);
      assert.deepEqual(await deliveredBodies(client, 3), ["a", "b", "c"]);
      for (const body of ["d", "e"]) client.publish(1, { routingKey: limited }, body);
      assert.deepEqual(await deliveredBodies(client, 1), ["d"]);
      await client.expectNothing(1, limited);
    },
    options,
  );
}
