import assert from "node:assert/strict";
import { type BrokerUnderTest, methodTest } from "../support/method-test.ts";
import { expectReady, fill } from "../support/queues.ts";
import type { RawClient } from "../support/raw-client.ts";
import { deadLettersTo, declareTyped, getSoon, type PlainArguments, takeSoon } from "../support/waiting.ts";

const MIN = 400;

function declareRetrying(
  broker: BrokerUnderTest,
  client: RawClient,
  type: string,
  rest: PlainArguments = {},
): Promise<string> {
  const retry = { "x-delayed-retry-type": type, "x-delayed-retry-min": MIN };
  return declareTyped(broker, client, "quorum", { ...retry, ...rest });
}

/** Takes the next message and gives it back: basic.reject fails, basic.nack only returns it. */
async function giveBack(client: RawClient, queue: string, method: "basic.reject" | "basic.nack"): Promise<void> {
  const { args } = await getSoon(client, queue);
  client.send(1, method, { deliveryTag: args.deliveryTag, requeue: true });
}

/** Asserts that the queue's one message is not ready before the time, and is then. */
async function expectDelay(broker: BrokerUnderTest, client: RawClient, queue: string, delay: number): Promise<void> {
  await broker.pass(delay - 200);
  assert.equal(await client.get(1, { queue }), undefined, `not ready ${delay - 200} ms after it came back`);
  await broker.pass(400);
  await expectReady(client, queue, 1);
}

for (const [type, method, isDelayed] of [
  ["all", "basic.reject", true],
  ["all", "basic.nack", true],
  ["failed", "basic.reject", true],
  ["failed", "basic.nack", false],
  ["returned", "basic.reject", false],
  ["returned", "basic.nack", true],
  ["disabled", "basic.reject", false],
  ["zzz", "basic.reject", false],
] as const) {
  methodTest(
    `[delayed-retry/x-delayed-retry-type] ${type}: ${method} ${isDelayed ? "waits" : "does not wait"}`,
    async (broker) => {
      const client = await broker.channel();
      const queue = await declareRetrying(broker, client, type);
      await fill(client, queue, ["a"]);
      await giveBack(client, queue, method);
      if (isDelayed) await expectDelay(broker, client, queue, MIN);
      else await expectReady(client, queue, 1);
      const { args } = await getSoon(client, queue);
      assert.equal(args.redelivered, true);
    },
  );
}

methodTest(
  "[delayed-retry/x-delayed-retry-max] the wait grows by the least with each failure, up to the most",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declareRetrying(broker, client, "all", { "x-delayed-retry-max": 1000 });
    await fill(client, queue, ["a"]);
    for (const delay of [400, 800, 1000, 1000]) {
      await giveBack(client, queue, "basic.reject");
      await expectDelay(broker, client, queue, delay);
    }
  },
);

methodTest("[delayed-retry/x-delayed-retry-max] without it the wait is always the same", async (broker) => {
  const client = await broker.channel();
  const queue = await declareRetrying(broker, client, "all");
  await fill(client, queue, ["a"]);
  for (let failure = 0; failure < 3; failure++) {
    await giveBack(client, queue, "basic.reject");
    await expectDelay(broker, client, queue, MIN);
  }
});

methodTest(
  "[delayed-retry/x-delayed-retry-max] what is only returned waits the least, however often",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declareRetrying(broker, client, "all", { "x-delayed-retry-max": 2000 });
    await fill(client, queue, ["a"]);
    for (let time = 0; time < 3; time++) {
      await giveBack(client, queue, "basic.nack");
      await expectDelay(broker, client, queue, MIN);
    }
  },
);

for (const [what, queueArguments] of [
  ["neither the least nor the most", { "x-delayed-retry-type": "all" }],
  ["the most only", { "x-delayed-retry-type": "all", "x-delayed-retry-max": 10_000 }],
  ["a least wait of 0", { "x-delayed-retry-type": "all", "x-delayed-retry-min": 0 }],
  ["no type", { "x-delayed-retry-min": 10_000 }],
] as const) {
  methodTest(`[delayed-retry] with ${what} there is none`, async (broker) => {
    const client = await broker.channel();
    const queue = await declareTyped(broker, client, "quorum", queueArguments);
    await fill(client, queue, ["a"]);
    await giveBack(client, queue, "basic.reject");
    assert.deepEqual(await takeSoon(client, queue, 1), ["a"]);
  });
}

methodTest("[delayed-retry] a lost connection is a failure", async (broker) => {
  const [client, other] = [await broker.channel(), await broker.channel()];
  const queue = await declareRetrying(broker, client, "failed");
  await fill(client, queue, ["a"]);
  await getSoon(other, queue);
  other.destroy();
  await broker.pass(100);
  assert.equal(await client.get(1, { queue }), undefined);
  await broker.pass(MIN);
  await expectReady(client, queue, 1);
});

methodTest("[delayed-retry] a message that has waited comes before others, whatever their priority", async (broker) => {
  const client = await broker.channel();
  const queue = await declareRetrying(broker, client, "all");
  await fill(client, queue, ["waited"], { priority: 1 });
  await giveBack(client, queue, "basic.reject");
  await broker.pass(100);
  await fill(client, queue, ["new"], { priority: 9 });
  await broker.pass(MIN);
  await expectReady(client, queue, 2);
  assert.deepEqual(await takeSoon(client, queue, 2), ["waited", "new"]);
});

methodTest("[delayed-retry] a message does not expire while it waits, but right after", async (broker) => {
  const client = await broker.channel();
  const target = await declareTyped(broker, client, "classic");
  const queue = await declareRetrying(broker, client, "all", { "x-message-ttl": 100, ...deadLettersTo(target) });
  client.publish(1, { routingKey: queue }, "a");
  await giveBack(client, queue, "basic.reject");
  await broker.pass(250);
  await expectReady(client, target, 0);
  await broker.pass(350);
  assert.deepEqual(await takeSoon(client, target, 1), ["a"]);
});

methodTest("[delayed-retry] waiting messages are purged and counted with the others", async (broker) => {
  const client = await broker.channel();
  const queue = await declareRetrying(broker, client, "all");
  await fill(client, queue, ["a", "b"]);
  await giveBack(client, queue, "basic.reject");
  await expectReady(client, queue, 1);
  await broker.pass(50);
  assert.equal((await client.call(1, "queue.purge", { queue })).messageCount, 2);
  await broker.pass(MIN + 200);
  await expectReady(client, queue, 0);
});

methodTest("[delayed-retry] waiting messages count towards x-max-length", async (broker) => {
  const client = await broker.channel();
  const target = await declareTyped(broker, client, "classic");
  const queue = await declareRetrying(broker, client, "all", { "x-max-length": 1, ...deadLettersTo(target) });
  await fill(client, queue, ["a"]);
  await giveBack(client, queue, "basic.reject");
  await broker.pass(50);
  client.publish(1, { routingKey: queue }, "b");
  assert.deepEqual(await takeSoon(client, target, 1), ["b"]);
  await broker.pass(MIN + 200);
  assert.deepEqual(await takeSoon(client, queue, 1), ["a"]);
});

methodTest("[delayed-retry] the delivery limit holds all the same, and death does not wait", async (broker) => {
  const client = await broker.channel();
  const target = await declareTyped(broker, client, "classic");
  const queue = await declareRetrying(broker, client, "all", { "x-delivery-limit": 1, ...deadLettersTo(target) });
  await fill(client, queue, ["a"]);
  await giveBack(client, queue, "basic.reject");
  await broker.pass(MIN + 200);
  await giveBack(client, queue, "basic.reject");
  assert.deepEqual(await takeSoon(client, target, 1), ["a"]);
});

methodTest(
  "[delayed-retry] a classic queue can do so too; a message goes back to its place and tells its counts",
  async (broker) => {
    const client = await broker.channel();
    const retry = { "x-delayed-retry-type": "all", "x-delayed-retry-min": MIN, "x-delayed-retry-max": 1000 };
    const queue = await declareTyped(broker, client, "classic", retry);
    await fill(client, queue, ["a", "b"]);
    await giveBack(client, queue, "basic.reject");
    await expectReady(client, queue, 1);
    await broker.pass(MIN - 1);
    await expectReady(client, queue, 1);
    await broker.pass(1);
    await expectReady(client, queue, 2);
    const { args, body, properties } = await getSoon(client, queue);
    assert.deepEqual([body.toString(), args.redelivered], ["a", true]);
    assert.equal(Number(properties.headers?.get("x-delivery-count")?.value), 1);
    client.send(1, "basic.reject", { deliveryTag: args.deliveryTag, requeue: true });
    await broker.pass(2 * MIN - 1);
    await expectReady(client, queue, 1);
    await broker.pass(1);
    await expectReady(client, queue, 2);
  },
  { leveretOnly: "RabbitMQ refuses these arguments for a classic queue" },
);
