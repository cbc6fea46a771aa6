import assert from "node:assert/strict";
import { type FieldTable, tableFrom } from "../../src/wire/field-table.ts";
import { type BrokerUnderTest, methodTest } from "../support/method-test.ts";
import { consume, deliveredBodies, expectReady, fill } from "../support/queues.ts";
import type { RawClient } from "../support/raw-client.ts";
import { declareTyped, expectWaiting } from "../support/waiting.ts";

const TYPES = ["classic", "quorum"] as const;

function declareSingle(broker: BrokerUnderTest, client: RawClient, type: "classic" | "quorum"): Promise<string> {
  return declareTyped(broker, client, type, { "x-single-active-consumer": true });
}

function priority(value: number): FieldTable {
  return tableFrom({ "x-priority": value });
}

function publish(client: RawClient, queue: string, ...bodies: string[]): void {
  for (const body of bodies) client.publish(1, { routingKey: queue }, body);
}

for (const type of TYPES) {
  methodTest(`[single-active-consumer] ${type}: the first consumer gets everything`, async (broker) => {
    const [first, second] = [await broker.channel(), await broker.channel()];
    const queue = await declareSingle(broker, first, type);
    await consume(first, queue);
    await consume(second, queue);
    publish(second, queue, "a", "b", "c");
    assert.deepEqual(await deliveredBodies(first, 3), ["a", "b", "c"]);
    await second.expectNothing(1, queue);
  });

  methodTest(`[single-active-consumer] ${type}: one that can take no more is not relieved`, async (broker) => {
    const [first, second] = [await broker.channel(), await broker.channel()];
    const queue = await declareSingle(broker, first, type);
    await first.call(1, "basic.qos", { prefetchCount: 1 });
    await consume(first, queue);
    await consume(second, queue);
    publish(second, queue, "a", "b");
    assert.deepEqual(await deliveredBodies(first, 1), ["a"]);
    await expectReady(second, queue, 1);
    await second.expectNothing(1, queue);
  });

  methodTest(
    `[single-active-consumer] ${type}: when it cancels, the next takes over at once, before it has settled`,
    async (broker) => {
      const [first, second] = [await broker.channel(), await broker.channel()];
      const queue = await declareSingle(broker, first, type);
      const consumerTag = await consume(first, queue);
      await consume(second, queue);
      publish(second, queue, "a");
      assert.deepEqual(await deliveredBodies(first, 1), ["a"]);
      await first.call(1, "basic.cancel", { consumerTag });
      publish(second, queue, "b");
      assert.deepEqual(await deliveredBodies(second, 1), ["b"]);
      first.send(1, "basic.nack", { deliveryTag: 1, requeue: true });
      assert.deepEqual(await deliveredBodies(second, 1), ["a"]);
    },
  );

  methodTest(
    `[single-active-consumer] ${type}: when its connection is lost, the next gets what it had, in order`,
    async (broker) => {
      const [first, second] = [await broker.channel(), await broker.channel()];
      const queue = await declareSingle(broker, second, type);
      await consume(first, queue);
      await consume(second, queue);
      publish(second, queue, "a", "b", "c");
      await expectWaiting(first, "basic.deliver", 3);
      first.destroy();
      assert.deepEqual(await deliveredBodies(second, 3), ["a", "b", "c"]);
    },
  );

  methodTest(`[single-active-consumer] ${type}: consumers follow in the order in which they came`, async (broker) => {
    const clients = [await broker.channel(), await broker.channel(), await broker.channel()] as const;
    const [first, second, third] = clients;
    const queue = await declareSingle(broker, first, type);
    for (const client of clients) await consume(client, queue, { consumerTag: "tag" });
    await second.call(1, "basic.cancel", { consumerTag: "tag" });
    await consume(second, queue);
    await first.call(1, "basic.cancel", { consumerTag: "tag" });
    publish(first, queue, "a");
    assert.deepEqual(await deliveredBodies(third, 1), ["a"]);
  });

  methodTest(`[single-active-consumer] ${type}: what it returns comes to it again, in order`, async (broker) => {
    const [first, second] = [await broker.channel(), await broker.channel()];
    const queue = await declareSingle(broker, first, type);
    await consume(first, queue);
    await consume(second, queue);
    publish(second, queue, "a", "b", "c");
    await deliveredBodies(first, 3);
    first.send(1, "basic.nack", { deliveryTag: 0, multiple: true, requeue: true });
    assert.deepEqual(await deliveredBodies(first, 3), ["a", "b", "c"]);
  });

  methodTest(`[single-active-consumer] ${type}: after it, the one of highest priority takes over`, async (broker) => {
    const clients = [await broker.channel(), await broker.channel(), await broker.channel()] as const;
    const [active, lower, higher] = clients;
    const queue = await declareSingle(broker, active, type);
    await consume(active, queue, { consumerTag: "tag", arguments: priority(20) });
    await consume(lower, queue, { arguments: priority(5) });
    await consume(higher, queue, { arguments: priority(10) });
    await active.call(1, "basic.cancel", { consumerTag: "tag" });
    publish(active, queue, "a");
    assert.deepEqual(await deliveredBodies(higher, 1), ["a"]);
  });
}

methodTest("[single-active-consumer] classic: priorities do not displace the active consumer", async (broker) => {
  const [low, high] = [await broker.channel(), await broker.channel()];
  const queue = await declareSingle(broker, low, "classic");
  await consume(low, queue, { arguments: priority(1) });
  await consume(high, queue, { arguments: priority(10) });
  publish(high, queue, "a");
  assert.deepEqual(await deliveredBodies(low, 1), ["a"]);
});

methodTest("[single-active-consumer] quorum: a higher priority takes over from an idle consumer", async (broker) => {
  const [low, high] = [await broker.channel(), await broker.channel()];
  const queue = await declareSingle(broker, low, "quorum");
  await consume(low, queue, { arguments: priority(1) });
  await consume(high, queue, { arguments: priority(10) });
  publish(high, queue, "a");
  assert.deepEqual(await deliveredBodies(high, 1), ["a"]);
});

methodTest(
  "[single-active-consumer] quorum: the displaced consumer settles first, and gets nothing more",
  async (broker) => {
    const [low, high] = [await broker.channel(), await broker.channel()];
    const queue = await declareSingle(broker, low, "quorum");
    await consume(low, queue, { arguments: priority(1) });
    publish(high, queue, "a");
    assert.deepEqual(await deliveredBodies(low, 1), ["a"]);
    await consume(high, queue, { arguments: priority(10) });
    publish(high, queue, "b");
    await expectReady(high, queue, 1);
    await high.expectNothing(1, queue);
    low.send(1, "basic.ack", { deliveryTag: 1 });
    assert.deepEqual(await deliveredBodies(high, 1), ["b"]);
  },
);

methodTest("[basic.consume/exclusive] of a classic queue with a single active consumer is 403", async (broker) => {
  const client = await broker.channel();
  const queue = await declareSingle(broker, client, "classic");
  client.send(1, "basic.consume", { queue, exclusive: true });
  const text = `ACCESS_REFUSED - queue '${queue}' in vhost '/' in exclusive use`;
  await client.expectChannelClose(1, 403, text, 60, 20);
});

methodTest("[basic.get] classic: takes messages past the active consumer", async (broker) => {
  const client = await broker.channel();
  const queue = await declareSingle(broker, client, "classic");
  await fill(client, queue, ["a"]);
  assert.equal((await client.get(1, { queue }))?.body.toString(), "a");
});

methodTest("[basic.get] quorum: is 405 with a single active consumer", async (broker) => {
  const client = await broker.channel();
  const queue = await declareSingle(broker, client, "quorum");
  client.send(1, "basic.get", { queue });
  const text =
    `RESOURCE_LOCKED - cannot obtain access to locked queue '${queue}' in vhost '/'. ` +
    'basic.get operations are not supported by <<"quorum">> queues with single active consumer';
  await client.expectChannelClose(1, 405, text, 60, 70);
});
