import assert from "node:assert/strict";
import { tableFrom } from "../../src/wire/field-table.ts";
import { type BrokerUnderTest, methodTest } from "../support/method-test.ts";
import { consume, expectReady, fill } from "../support/queues.ts";
import type { RawClient } from "../support/raw-client.ts";
import { deadLettersTo, declareTyped, eventually, isThere } from "../support/waiting.ts";

const EXPIRES = 800;

/** What a queue may be asked for, and whether that counts as using it. */
const USES: readonly (readonly [string, boolean, (client: RawClient, queue: string) => Promise<unknown>])[] = [
  ["queue.declare", true, (client, queue) => redeclare(client, queue)],
  ["queue.declare, passive,", true, (client, queue) => client.call(1, "queue.declare", { queue, passive: true })],
  ["basic.get", true, (client, queue) => client.get(1, { queue })],
  ["basic.publish", false, async (client, queue) => client.publish(1, { routingKey: queue }, "a")],
  ["queue.purge", false, (client, queue) => client.call(1, "queue.purge", { queue })],
  ["queue.bind", false, (client, queue) => client.call(1, "queue.bind", { queue, exchange: "amq.fanout" })],
];

function redeclare(client: RawClient, queue: string): Promise<unknown> {
  const queueArguments = tableFrom({ "x-expires": EXPIRES, "x-queue-type": "classic" });
  return client.call(1, "queue.declare", { queue, durable: true, arguments: queueArguments });
}

function declareExpiring(broker: BrokerUnderTest, client: RawClient): Promise<string> {
  return declareTyped(broker, client, "classic", { "x-expires": EXPIRES });
}

methodTest(
  "[queue.declare/x-expires] an unused queue is deleted, whatever is in it, and nothing is dead-lettered",
  async (broker) => {
    const client = await broker.channel();
    const target = await declareTyped(broker, client, "classic");
    const queue = await declareTyped(broker, client, "classic", { "x-expires": EXPIRES, ...deadLettersTo(target) });
    await fill(client, queue, ["ready", "unacknowledged"]);
    await client.get(1, { queue });
    await broker.pass(EXPIRES + 400);
    assert.equal(await isThere(broker, queue), false);
    await expectReady(client, target, 0);
  },
);

methodTest("[queue.declare/x-expires] an acknowledgement for a queue that is gone is fine", async (broker) => {
  const client = await broker.channel();
  const queue = await declareExpiring(broker, client);
  await fill(client, queue, ["a"]);
  await client.get(1, { queue });
  await broker.pass(EXPIRES + 400);
  assert.equal(await isThere(broker, queue), false);
  client.send(1, "basic.ack", { deliveryTag: 1 });
  await client.expectNothing(1);
});

for (const [method, isUse, use] of USES) {
  const title = isUse ? "begins its time anew" : "does not count as a use";
  methodTest(`[queue.declare/x-expires] ${method} ${title}`, async (broker) => {
    const client = await broker.channel();
    const queue = await declareExpiring(broker, client);
    await broker.pass(EXPIRES - 300);
    await use(client, queue);
    await broker.pass(600);
    assert.equal(await isThere(broker, queue), isUse);
  });
}

methodTest(
  "[queue.declare/x-expires] a queue with a consumer stays; its time begins when the last one goes",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declareExpiring(broker, client);
    const consumerTag = await consume(client, queue);
    await broker.pass(2 * EXPIRES);
    await client.call(1, "basic.cancel", { consumerTag });
    await broker.pass(EXPIRES - 300);
    assert.equal(await isThere(broker, queue), true);
    await broker.pass(EXPIRES + 400);
    assert.equal(await isThere(broker, queue), false);
  },
);

methodTest("[queue.declare/x-expires] a connection that is lost ends the use by its consumers", async (broker) => {
  const client = await broker.channel();
  const queue = await declareExpiring(broker, client);
  const other = await broker.channel();
  await consume(other, queue);
  other.destroy();
  await eventually("the consumer is gone", async () => {
    const { consumerCount } = await client.call(1, "queue.declare", { queue, passive: true });
    return consumerCount === 0;
  });
  await broker.pass(EXPIRES + 400);
  assert.equal(await isThere(broker, queue), false);
});

methodTest("[queue.declare/x-expires] of a quorum queue a declare is no use, passive or not", async (broker) => {
  const client = await broker.channel();
  const expiring = { "x-expires": EXPIRES };
  const queue = await declareTyped(broker, client, "quorum", expiring);
  const redeclared = await declareTyped(broker, client, "quorum", expiring);
  const table = tableFrom({ "x-queue-type": "quorum", ...expiring });
  await broker.pass(EXPIRES - 300);
  await client.call(1, "queue.declare", { queue: redeclared, durable: true, arguments: table });
  await broker.pass(300);
  for (let seconds = 0; seconds < 7 && (await isThere(broker, queue)); seconds++) await broker.pass(1_000);
  assert.equal(await isThere(broker, queue), false);
  assert.equal(await isThere(broker, redeclared), false);
});

methodTest("[queue.declare/x-expires] of a quorum queue basic.get is a use", async (broker) => {
  const client = await broker.channel();
  const queue = await declareTyped(broker, client, "quorum", { "x-expires": EXPIRES });
  for (let steps = 0; steps < 15; steps++) {
    await broker.pass(EXPIRES / 2);
    await client.get(1, { queue });
  }
  assert.equal(await isThere(broker, queue), true);
});

methodTest("[queue.declare/x-expires] a quorum queue too; RabbitMQ looks every 5 s only", async (broker) => {
  const client = await broker.channel();
  const queue = await declareTyped(broker, client, "quorum", { "x-expires": EXPIRES });
  await broker.pass(8_000);
  assert.equal(await isThere(broker, queue), false);
});
