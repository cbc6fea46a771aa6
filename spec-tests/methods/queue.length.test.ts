import assert from "node:assert/strict";
import { tableFrom, tableToRecord } from "../../src/wire/field-table.ts";
import { methodTest } from "../support/method-test.ts";
import { consume, declareQueue, deliveredBodies, drain, expectReady, fill } from "../support/queues.ts";
import { deadLettersTo, declareTyped, expectWaiting, getSoon, outcomes, takeSoon } from "../support/waiting.ts";

const TYPES = ["classic", "quorum"] as const;

for (const type of TYPES) {
  methodTest(
    `[queue.declare/x-max-length] ${type}: the oldest go, their publishers are told all is well`,
    async (broker) => {
      const client = await broker.channel();
      const target = await declareTyped(broker, client, "classic");
      const queue = await declareTyped(broker, client, type, { "x-max-length": 2, ...deadLettersTo(target) });
      const names = await outcomes(client, queue, ["a", "b", "c", "d"]);
      assert.deepEqual(names, ["basic.ack", "basic.ack", "basic.ack", "basic.ack"]);
      assert.deepEqual(await takeSoon(client, target, 2), ["a", "b"]);
      assert.deepEqual(await takeSoon(client, queue, 2), ["c", "d"]);
    },
  );

  methodTest(`[queue.declare/x-max-length] ${type}: unacknowledged messages do not count`, async (broker) => {
    const client = await broker.channel();
    const queue = await declareTyped(broker, client, type, { "x-max-length": 2 });
    await fill(client, queue, ["a", "b"]);
    for (let index = 0; index < 2; index++) await getSoon(client, queue);
    await fill(client, queue, ["c", "d"]);
    assert.deepEqual(await takeSoon(client, queue, 2), ["c", "d"]);
  });

  methodTest(
    `[basic.nack/requeue] ${type}: what comes back to a full queue is dropped, as it would be next`,
    async (broker) => {
      const client = await broker.channel();
      const target = await declareTyped(broker, client, "classic");
      const queue = await declareTyped(broker, client, type, { "x-max-length": 2, ...deadLettersTo(target) });
      await fill(client, queue, ["a", "b"]);
      await getSoon(client, queue);
      await fill(client, queue, ["c"]);
      client.send(1, "basic.nack", { deliveryTag: 1, requeue: true });
      assert.deepEqual(await takeSoon(client, target, 1), ["a"]);
      assert.deepEqual(await takeSoon(client, queue, 2), ["b", "c"]);
    },
  );

  methodTest(`[queue.declare/x-max-length] ${type}: 0 is for consumers that wait`, async (broker) => {
    const client = await broker.channel();
    const queue = await declareTyped(broker, client, type, { "x-max-length": 0 });
    await client.call(1, "basic.qos", { prefetchCount: 1 });
    await consume(client, queue);
    for (const body of ["a", "b"]) client.publish(1, { routingKey: queue }, body);
    assert.deepEqual(await deliveredBodies(client, 1), ["a"]);
    await expectReady(client, queue, 0);
    client.send(1, "basic.ack", { deliveryTag: 1 });
    await client.expectNothing(1, queue);
  });

  methodTest(
    `[queue.declare/x-overflow] ${type}: reject-publish refuses with basic.nack and drops nothing`,
    async (broker) => {
      const client = await broker.channel();
      const queue = await declareTyped(broker, client, type, { "x-max-length": 2, "x-overflow": "reject-publish" });
      // RabbitMQ's quorum queue takes one more than it should.
      const names = await outcomes(client, queue, ["a", "b", "c", "d", "e"]);
      assert.deepEqual([names[0], names[1], names[4]], ["basic.ack", "basic.ack", "basic.nack"]);
      assert.deepEqual((await takeSoon(client, queue, 2)).slice(0, 2), ["a", "b"]);
    },
  );
}

methodTest(
  "[queue.declare/x-overflow] quorum: reject-publish keeps to the limit exactly",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declareTyped(broker, client, "quorum", { "x-max-length": 2, "x-overflow": "reject-publish" });
    assert.deepEqual(await outcomes(client, queue, ["a", "b", "c"]), ["basic.ack", "basic.ack", "basic.nack"]);
  },
  { leveretOnly: "RabbitMQ's quorum queue takes a message more" },
);

methodTest("[queue.declare/x-max-length-bytes] counts the octets of bodies; as many go as have to", async (broker) => {
  const client = await broker.channel();
  const target = await declareQueue(broker, client);
  const limits = { "x-max-length-bytes": 10, ...deadLettersTo(target) };
  const queue = await declareQueue(broker, client, { arguments: tableFrom(limits) });
  await fill(client, queue, ["aaaa", "bbbb"], { headers: tableFrom({ long: "x".repeat(100) }) });
  client.publish(1, { routingKey: queue }, "cccccccccc");
  assert.deepEqual(await takeSoon(client, target, 2), ["aaaa", "bbbb"]);
  assert.deepEqual(await takeSoon(client, queue, 1), ["cccccccccc"]);
});

methodTest("[queue.declare/x-max-length-bytes] a message that alone is too large goes as well", async (broker) => {
  const client = await broker.channel();
  const target = await declareQueue(broker, client);
  const limits = { "x-max-length-bytes": 10, ...deadLettersTo(target) };
  const queue = await declareQueue(broker, client, { arguments: tableFrom(limits) });
  await fill(client, queue, ["fits"]);
  client.publish(1, { routingKey: queue }, "eleven octs");
  assert.deepEqual(await takeSoon(client, target, 2), ["fits", "eleven octs"]);
  await expectReady(client, queue, 0);
});

methodTest("[queue.declare/x-max-length] beside x-max-length-bytes: both hold", async (broker) => {
  const client = await broker.channel();
  const limits = { "x-max-length-bytes": 10, "x-max-length": 3 };
  const queue = await declareQueue(broker, client, { arguments: tableFrom(limits) });
  for (const body of ["a", "b", "c", "d"]) client.publish(1, { routingKey: queue }, body);
  await expectReady(client, queue, 3);
  client.publish(1, { routingKey: queue }, "nine octs");
  await expectReady(client, queue, 2);
  assert.deepEqual(await drain(client, queue), ["d", "nine octs"]);
});

methodTest(
  "[queue.declare/x-overflow] classic: reject-publish goes by what is ready, not by who waits",
  async (broker) => {
    const client = await broker.channel();
    const limits = { "x-max-length": 0, "x-overflow": "reject-publish" };
    const queue = await declareQueue(broker, client, { arguments: tableFrom(limits) });
    await consume(client, queue);
    assert.deepEqual(await outcomes(client, queue, ["a"]), ["basic.nack"]);
  },
);

methodTest("[queue.declare/x-overflow] without confirms a refused message is lost silently", async (broker) => {
  const client = await broker.channel();
  const limits = { "x-max-length": 1, "x-overflow": "reject-publish" };
  const queue = await declareQueue(broker, client, { arguments: tableFrom(limits) });
  for (const body of ["a", "b"]) client.publish(1, { routingKey: queue }, body);
  await client.expectNothing(1, queue);
  assert.deepEqual(await drain(client, queue), ["a"]);
});

methodTest("[queue.declare/x-overflow] reject-publish-dlx refuses, and the message dies of maxlen", async (broker) => {
  const client = await broker.channel();
  const target = await declareQueue(broker, client);
  const limits = { "x-max-length": 1, "x-overflow": "reject-publish-dlx", ...deadLettersTo(target) };
  const queue = await declareQueue(broker, client, { arguments: tableFrom(limits) });
  await client.call(1, "confirm.select");
  client.publish(1, { routingKey: queue }, "fits");
  client.publish(1, { routingKey: queue }, "too much", { expiration: "60000" });
  await expectWaiting(client, "basic.ack", 1);
  await expectWaiting(client, "basic.nack", 1);
  const dead = await getSoon(client, target);
  assert.equal(dead.body.toString(), "too much");
  assert.equal(dead.properties.expiration, undefined);
  assert.ok(dead.properties.headers !== undefined);
  const { "x-death": deaths, "x-first-death-reason": reason } = tableToRecord(dead.properties.headers);
  const [death] = deaths as Record<string, unknown>[];
  assert.deepEqual([reason, death?.["reason"], death?.["queue"]], ["maxlen", "maxlen", queue]);
  assert.equal(death?.["original-expiration"], "60000");
  assert.deepEqual(await takeSoon(client, queue, 1), ["fits"]);
});

methodTest("[queue.declare/x-overflow] quorum: reject-publish-dlx is accepted and means drop-head", async (broker) => {
  const client = await broker.channel();
  const target = await declareTyped(broker, client, "classic");
  const limits = { "x-max-length": 1, "x-overflow": "reject-publish-dlx", ...deadLettersTo(target) };
  const queue = await declareTyped(broker, client, "quorum", limits);
  assert.deepEqual(await outcomes(client, queue, ["a", "b"]), ["basic.ack", "basic.ack"]);
  assert.deepEqual(await takeSoon(client, target, 1), ["a"]);
  assert.deepEqual(await takeSoon(client, queue, 1), ["b"]);
});
