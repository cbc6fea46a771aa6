import assert from "node:assert/strict";
import { methodTest } from "../support/method-test.ts";
import { consume, declareQueue, declareSharedQueue, deliveredBodies, fill } from "../support/queues.ts";

const SHARED_LIMIT =
  "RabbitMQ treats global=true as false since 4.3; Leveret shares the limit per channel as the spec says";
const RUNNING_CONSUMERS = "RabbitMQ applies a prefetch count to new consumers only";

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

methodTest(
  "[basic.qos/global=true] all consumers of the channel share the limit",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declareQueue(broker, client);
    await fill(client, queue, ["a", "b", "c", "d", "e", "f", "g"]);
    await client.call(1, "basic.qos", { prefetchCount: 3, global: true });
    await consume(client, queue);
    await consume(client, queue);
    await deliveredBodies(client, 3);
    await client.expectNothing(1, queue);
    client.send(1, "basic.ack", { deliveryTag: 2, multiple: true });
    await deliveredBodies(client, 2);
    await client.expectNothing(1, queue);
  },
  { leveretOnly: SHARED_LIMIT },
);

methodTest(
  "[basic.qos/global=true] the limit of the channel and that of the consumer hold together",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declareQueue(broker, client);
    await fill(client, queue, ["a", "b", "c", "d", "e", "f", "g"]);
    await client.call(1, "basic.qos", { prefetchCount: 3, global: true });
    await client.call(1, "basic.qos", { prefetchCount: 2, global: false });
    await consume(client, queue);
    await deliveredBodies(client, 2);
    await client.expectNothing(1, queue);
    await consume(client, queue);
    await deliveredBodies(client, 1);
    await client.expectNothing(1, queue);
  },
  { leveretOnly: SHARED_LIMIT },
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
  { leveretOnly: SHARED_LIMIT },
);

for (const global of [false, true]) {
  methodTest(
    `[basic.qos/running-consumers] a higher limit takes effect at once, global=${global}`,
    async (broker) => {
      const client = await broker.channel();
      const queue = await declareQueue(broker, client);
      await fill(client, queue, ["a", "b", "c", "d"]);
      await client.call(1, "basic.qos", { prefetchCount: 1, global });
      await consume(client, queue);
      await deliveredBodies(client, 1);
      await client.call(1, "basic.qos", { prefetchCount: 3, global });
      assert.deepEqual(await deliveredBodies(client, 2), ["b", "c"]);
      await client.expectNothing(1, queue);
    },
    { leveretOnly: RUNNING_CONSUMERS },
  );

  methodTest(
    `[basic.qos/running-consumers] a lower limit holds back until enough is settled, global=${global}`,
    async (broker) => {
      const client = await broker.channel();
      const queue = await declareQueue(broker, client);
      await fill(client, queue, ["a", "b", "c", "d", "e"]);
      await client.call(1, "basic.qos", { prefetchCount: 3, global });
      await consume(client, queue);
      await deliveredBodies(client, 3);
      await client.call(1, "basic.qos", { prefetchCount: 1, global });
      client.send(1, "basic.ack", { deliveryTag: 2, multiple: true });
      await client.expectNothing(1, queue);
      client.send(1, "basic.ack", { deliveryTag: 3 });
      assert.deepEqual(await deliveredBodies(client, 1), ["d"]);
      await client.expectNothing(1, queue);
    },
    { leveretOnly: RUNNING_CONSUMERS },
  );
}

methodTest(
  "[basic.qos/global] a consumer without acknowledgements gets messages while the shared limit is reached",
  async (broker) => {
    const client = await broker.channel();
    const acknowledged = await declareQueue(broker, client);
    const unacknowledged = await declareQueue(broker, client);
    await client.call(1, "basic.qos", { prefetchCount: 1, global: true });
    await consume(client, acknowledged);
    await consume(client, unacknowledged, { noAck: true });
    for (const body of ["a", "b"]) client.publish(1, { routingKey: acknowledged }, body);
    for (const body of ["c", "d"]) client.publish(1, { routingKey: unacknowledged }, body);
    assert.deepEqual(await deliveredBodies(client, 3), ["a", "c", "d"]);
    await client.expectNothing(1);
  },
  { leveretOnly: "RabbitMQ 4 has no shared limit" },
);
