import assert from "node:assert/strict";
import { tableFrom } from "../../src/wire/field-table.ts";
import { methodTest } from "../support/method-test.ts";
import { consume, declareQueue, deliveredBodies, drain, expectReady, fill } from "../support/queues.ts";
import { deadLettersTo, declareTyped, expectWaiting, getSoon, takeSoon } from "../support/waiting.ts";

const TYPES = ["classic", "quorum"] as const;

for (const type of TYPES) {
  methodTest(`[queue.declare/x-message-ttl] ${type}: a message lasts so long after its publish`, async (broker) => {
    const client = await broker.channel();
    const queue = await declareTyped(broker, client, type, { "x-message-ttl": 400 });
    await fill(client, queue, ["a", "b"]);
    await broker.pass(100);
    await expectReady(client, queue, 2);
    await broker.pass(500);
    await expectReady(client, queue, 0);
  });

  methodTest(`[basic.publish/expiration] ${type}: a message may have a time of its own`, async (broker) => {
    const client = await broker.channel();
    const queue = await declareTyped(broker, client, type);
    await fill(client, queue, ["brief"], { expiration: "100" });
    await fill(client, queue, ["lasting"]);
    await broker.pass(300);
    assert.deepEqual(await drain(client, queue), ["lasting"]);
  });

  methodTest(
    `[basic.publish/expiration] ${type}: the queue's time and the message's: the shorter counts`,
    async (broker) => {
      const client = await broker.channel();
      const patient = await declareTyped(broker, client, type, { "x-message-ttl": 60_000 });
      const impatient = await declareTyped(broker, client, type, { "x-message-ttl": 100 });
      await fill(client, patient, ["a"], { expiration: "100" });
      await fill(client, impatient, ["b"], { expiration: "60000" });
      await broker.pass(300);
      await expectReady(client, patient, 0);
      await expectReady(client, impatient, 0);
    },
  );

  methodTest(`[basic.publish/expiration] ${type}: a delivery still has the property`, async (broker) => {
    const client = await broker.channel();
    const queue = await declareTyped(broker, client, type);
    await fill(client, queue, ["a"], { expiration: "60000" });
    assert.equal((await getSoon(client, queue)).properties.expiration, "60000");
  });

  methodTest(
    `[basic.publish/expiration] ${type}: only the first message expires; the others when they are first`,
    async (broker) => {
      const client = await broker.channel();
      const queue = await declareTyped(broker, client, type);
      await fill(client, queue, ["lasting"], { expiration: "60000" });
      await fill(client, queue, ["brief", "brief too"], { expiration: "100" });
      await broker.pass(300);
      await expectReady(client, queue, 3);
      assert.equal((await getSoon(client, queue)).body.toString(), "lasting");
      await expectReady(client, queue, 0);
    },
  );

  methodTest(`[basic.publish/expiration] ${type}: an unacknowledged message does not expire`, async (broker) => {
    const client = await broker.channel();
    const target = await declareTyped(broker, client, "classic");
    const queue = await declareTyped(broker, client, type, deadLettersTo(target));
    await fill(client, queue, ["a"], { expiration: "100" });
    const { args } = await getSoon(client, queue);
    await broker.pass(300);
    client.send(1, "basic.ack", { deliveryTag: args.deliveryTag });
    await expectReady(client, target, 0);
  });

  methodTest(`[basic.nack/requeue] ${type}: a message that comes back after its time expires`, async (broker) => {
    const client = await broker.channel();
    const target = await declareTyped(broker, client, "classic");
    const queue = await declareTyped(broker, client, type, deadLettersTo(target));
    await fill(client, queue, ["a"], { expiration: "100" });
    const { args } = await getSoon(client, queue);
    await broker.pass(300);
    client.send(1, "basic.nack", { deliveryTag: args.deliveryTag, requeue: true });
    assert.deepEqual(await takeSoon(client, target, 1), ["a"]);
    await expectReady(client, queue, 0);
  });

  for (const [what, queueArguments, properties] of [
    ["x-message-ttl", { "x-message-ttl": 0 }, {}],
    ["expiration", {}, { expiration: "0" }],
  ] as const) {
    methodTest(`[queue.declare/${what}] ${type}: 0 is for consumers that wait, and for nobody else`, async (broker) => {
      const client = await broker.channel();
      const queue = await declareTyped(broker, client, type, queueArguments);
      client.publish(1, { routingKey: queue }, "nobody waits", properties);
      await broker.pass(100);
      await expectReady(client, queue, 0);
      await client.call(1, "basic.qos", { prefetchCount: 1 });
      await consume(client, queue);
      client.publish(1, { routingKey: queue }, "one waits", properties);
      client.publish(1, { routingKey: queue }, "nobody waits any more", properties);
      assert.deepEqual(await deliveredBodies(client, 1), ["one waits"]);
      await broker.pass(100);
      client.send(1, "basic.ack", { deliveryTag: 1 });
      await client.expectNothing(1, queue);
    });
  }
}

methodTest("[basic.publish/expiration] classic: a message waits behind one of higher priority", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client, { arguments: tableFrom({ "x-max-priority": 5 }) });
  await fill(client, queue, ["high"], { priority: 5 });
  await fill(client, queue, ["low"], { priority: 0, expiration: "100" });
  await broker.pass(300);
  await expectReady(client, queue, 2);
  await getSoon(client, queue);
  await expectReady(client, queue, 0);
});

methodTest("[basic.publish/expiration] quorum: each priority has a first message of its own", async (broker) => {
  const client = await broker.channel();
  const queue = await declareTyped(broker, client, "quorum");
  await fill(client, queue, ["high"], { priority: 9 });
  await fill(client, queue, ["low"], { priority: 0, expiration: "100" });
  await fill(client, queue, ["low, lasting"], { priority: 0 });
  await broker.pass(300);
  await expectReady(client, queue, 2);
  assert.deepEqual(await takeSoon(client, queue, 2), ["high", "low, lasting"]);
});

methodTest(
  "[basic.publish/expiration] a consumer that takes the first message makes way for what expires",
  async (broker) => {
    const client = await broker.channel();
    const target = await declareQueue(broker, client);
    const queue = await declareQueue(broker, client, { arguments: tableFrom(deadLettersTo(target)) });
    await fill(client, queue, ["lasting"]);
    await fill(client, queue, ["brief"], { expiration: "100" });
    await fill(client, queue, ["lasting too"]);
    await broker.pass(300);
    await consume(client, queue);
    await expectWaiting(client, "basic.deliver", 2);
    assert.deepEqual(await deliveredBodies(client, 2), ["lasting", "lasting too"]);
    assert.deepEqual(await takeSoon(client, target, 1), ["brief"]);
  },
);
