import assert from "node:assert/strict";
import { tableFrom } from "../../src/wire/field-table.ts";
import { type BrokerUnderTest, methodTest } from "../support/method-test.ts";
import { consume, declareQueue, deliveredBodies, drain, expectReady, fill } from "../support/queues.ts";
import type { RawClient } from "../support/raw-client.ts";
import { deadLettersTo, declareTyped, getSoon, takeSoon } from "../support/waiting.ts";

/** Publishes bodies that name their priority, e.g. "5b"; one without a number has none. */
async function fillByPriority(client: RawClient, queue: string, bodies: readonly string[]): Promise<void> {
  for (const body of bodies) {
    const priority = Number.parseInt(body, 10);
    client.publish(1, { routingKey: queue }, body, Number.isNaN(priority) ? {} : { priority });
  }
}

function declarePrioritized(
  broker: BrokerUnderTest,
  client: RawClient,
  rest: Record<string, number> = {},
): Promise<string> {
  return declareQueue(broker, client, { arguments: tableFrom({ "x-max-priority": 5, ...rest }) });
}

methodTest(
  "[queue.declare/x-max-priority] higher first, equal in order of arrival, none counts as 0",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declarePrioritized(broker, client);
    await fillByPriority(client, queue, ["none", "0a", "3a", "1a", "3b", "0b", "5a"]);
    await expectReady(client, queue, 7);
    assert.deepEqual(await drain(client, queue), ["5a", "3a", "3b", "1a", "none", "0a", "0b"]);
  },
);

methodTest("[queue.declare/x-max-priority] above the maximum counts as the maximum", async (broker) => {
  const client = await broker.channel();
  const queue = await declarePrioritized(broker, client);
  await fillByPriority(client, queue, ["4a", "9a", "5a", "255a"]);
  await expectReady(client, queue, 4);
  assert.deepEqual(await drain(client, queue), ["9a", "5a", "255a", "4a"]);
});

methodTest("[queue.declare/x-max-priority] the priority a message was published with is delivered", async (broker) => {
  const client = await broker.channel();
  const queue = await declarePrioritized(broker, client);
  await fill(client, queue, ["a"], { priority: 200 });
  assert.equal((await getSoon(client, queue)).properties.priority, 200);
});

methodTest("[queue.declare/x-max-priority] without it priorities mean nothing", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fillByPriority(client, queue, ["1a", "9a", "5a"]);
  await expectReady(client, queue, 3);
  assert.deepEqual(await drain(client, queue), ["1a", "9a", "5a"]);
});

methodTest(
  "[queue.declare/x-max-priority] what a consumer has been sent is not overtaken; what waits is",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declarePrioritized(broker, client);
    await client.call(1, "basic.qos", { prefetchCount: 1 });
    await consume(client, queue);
    await fillByPriority(client, queue, ["1a", "1b", "5a"]);
    assert.deepEqual(await deliveredBodies(client, 1), ["1a"]);
    await expectReady(client, queue, 2);
    client.send(1, "basic.ack", { deliveryTag: 1 });
    assert.deepEqual(await deliveredBodies(client, 1), ["5a"]);
  },
);

methodTest("[basic.nack/requeue] a message goes back to its place within its priority", async (broker) => {
  const client = await broker.channel();
  const queue = await declarePrioritized(broker, client);
  await fillByPriority(client, queue, ["1a", "5a", "5b", "1b"]);
  await expectReady(client, queue, 4);
  for (let index = 0; index < 4; index++) await getSoon(client, queue);
  for (const deliveryTag of [4, 2, 3, 1]) client.send(1, "basic.nack", { deliveryTag, requeue: true });
  await expectReady(client, queue, 4);
  assert.deepEqual(await drain(client, queue), ["5a", "5b", "1a", "1b"]);
});

for (const type of ["classic", "quorum"] as const) {
  methodTest(
    `[queue.declare/x-max-length] ${type}: what would be delivered next is dropped, high priorities first`,
    async (broker) => {
      const client = await broker.channel();
      const target = await declareTyped(broker, client, "classic");
      const priorities = type === "classic" ? { "x-max-priority": 9 } : {};
      const queue = await declareTyped(broker, client, type, {
        "x-max-length": 2,
        ...priorities,
        ...deadLettersTo(target),
      });
      await fillByPriority(client, queue, ["1a", "9a", "1b", "9b", "0a"]);
      assert.deepEqual(await takeSoon(client, target, 3), ["9a", "9b", "1a"]);
      assert.deepEqual(await takeSoon(client, queue, 2), ["1b", "0a"]);
    },
  );
}

methodTest("[quorum/priority] 32 levels; none counts as 4", async (broker) => {
  const client = await broker.channel();
  const queue = await declareTyped(broker, client, "quorum");
  await fillByPriority(client, queue, ["none", "4a", "5a", "0a", "3a", "31a", "32a", "255a", "10a"]);
  await expectReady(client, queue, 9);
  assert.deepEqual(await takeSoon(client, queue, 9), ["31a", "32a", "255a", "10a", "5a", "none", "4a", "3a", "0a"]);
});

methodTest(
  "[quorum/priority] returned messages come first, whatever their priority, as they came back",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declareTyped(broker, client, "quorum");
    await fillByPriority(client, queue, ["31a", "10a", "4a", "0a"]);
    await expectReady(client, queue, 4);
    for (let index = 0; index < 4; index++) await getSoon(client, queue);
    for (const deliveryTag of [4, 1, 3]) client.send(1, "basic.nack", { deliveryTag, requeue: true });
    await expectReady(client, queue, 3);
    await fillByPriority(client, queue, ["31b"]);
    await expectReady(client, queue, 4);
    assert.deepEqual(await takeSoon(client, queue, 4), ["0a", "31a", "4a", "31b"]);
  },
);
