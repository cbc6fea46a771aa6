import assert from "node:assert/strict";
import { tableFrom } from "../../src/wire/field-table.ts";
import { methodTest } from "../support/method-test.ts";
import { declareQueue, declareSharedQueue, drain, expectReady, fill } from "../support/queues.ts";

methodTest("[tx.commit] publishes all messages in order", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await client.call(1, "tx.select");
  for (const body of ["a", "b", "c"]) client.publish(1, { routingKey: queue }, body);
  await client.call(1, "tx.commit");
  assert.deepEqual(await drain(client, queue), ["a", "b", "c"]);
});

methodTest("[tx.commit] settles the acknowledged deliveries", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a", "b", "c", "d"]);
  await client.call(1, "tx.select");
  for (let index = 0; index < 4; index++) await client.get(1, { queue });
  client.send(1, "basic.ack", { deliveryTag: 1 });
  client.send(1, "basic.nack", { deliveryTag: 2, requeue: true });
  client.send(1, "basic.reject", { deliveryTag: 3, requeue: false });
  assert.equal(await client.get(1, { queue }), undefined);
  await client.call(1, "tx.commit");
  await expectReady(client, queue, 1);
  await client.call(1, "channel.close", { replyCode: 200 });
  await client.call(1, "channel.open");
  assert.deepEqual(await drain(client, queue), ["b", "d"]);
});

methodTest("[tx.commit] the next transaction begins at once", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await client.call(1, "tx.select");
  for (const body of ["a", "b"]) {
    client.publish(1, { routingKey: queue }, body);
    await client.call(1, "tx.commit");
  }
  client.publish(1, { routingKey: queue }, "c");
  assert.deepEqual(await drain(client, queue), ["a", "b"]);
});

methodTest("[tx.commit] an empty transaction is answered with commit-ok", async (broker) => {
  const client = await broker.channel();
  await client.call(1, "tx.select");
  await client.call(1, "tx.commit");
});

methodTest("[tx.commit] without tx.select is 406 channel is not transactional", async (broker) => {
  const client = await broker.channel();
  client.send(1, "tx.commit");
  await client.expectChannelClose(1, 406, "PRECONDITION_FAILED - channel is not transactional", 90, 20);
});

methodTest("[tx.commit/return] unroutable mandatory messages come back at commit, before commit-ok", async (broker) => {
  const client = await broker.channel();
  await client.call(1, "tx.select");
  client.publish(1, { routingKey: broker.name("nowhere"), mandatory: true }, "a");
  await client.expectNothing(1);
  client.send(1, "tx.commit");
  assert.equal((await client.expectContent(1, "basic.return")).args.replyCode, 312);
  await client.expect(1, "tx.commit-ok");
});

methodTest("[tx.commit] an unknown delivery tag is 406 when it is sent", async (broker) => {
  const client = await broker.channel();
  await client.call(1, "tx.select");
  client.send(1, "basic.ack", { deliveryTag: 1 });
  await client.expectChannelClose(1, 406, "PRECONDITION_FAILED - unknown delivery tag 1", 60, 80);
});

methodTest("[tx.commit] a tag acknowledged in this transaction is unknown until it is rolled back", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a"]);
  await client.get(1, { queue });
  await client.call(1, "tx.select");
  client.send(1, "basic.ack", { deliveryTag: 1 });
  client.send(1, "basic.ack", { deliveryTag: 1 });
  await client.expectChannelClose(1, 406, "PRECONDITION_FAILED - unknown delivery tag 1", 60, 80);
});

methodTest("[tx.commit] persistent messages to a durable queue", async (broker) => {
  const client = await broker.channel();
  const queue = await declareSharedQueue(broker, client, { durable: true });
  await client.call(1, "tx.select");
  for (const body of ["a", "b"]) client.publish(1, { routingKey: queue }, body, { deliveryMode: 2 });
  await client.call(1, "tx.commit");
  assert.deepEqual(await drain(client, queue), ["a", "b"]);
  await client.call(1, "queue.delete", { queue });
});

const LIMIT_1 = tableFrom({ "x-max-length": 1, "x-overflow": "reject-publish" });

methodTest("[tx.commit] a publish that a queue rejects is 406 partial tx completion", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client, { arguments: LIMIT_1 });
  await fill(client, queue, ["full"]);
  await client.call(1, "tx.select");
  client.publish(1, { routingKey: queue }, "rejected");
  client.send(1, "tx.commit");
  await client.expectChannelClose(1, 406, "PRECONDITION_FAILED - partial tx completion", 90, 20);
});

methodTest(
  "[tx.commit/all-or-nothing] when one queue rejects no other queue gets anything and nothing is settled",
  async (broker) => {
    const client = await broker.channel();
    const full = await declareQueue(broker, client, { arguments: LIMIT_1 });
    const empty = await declareQueue(broker, client);
    const source = await declareQueue(broker, client);
    await fill(client, full, ["full"]);
    await fill(client, source, ["kept"]);
    await client.call(1, "tx.select");
    await client.get(1, { queue: source });
    client.send(1, "basic.ack", { deliveryTag: 1 });
    client.publish(1, { routingKey: empty }, "first");
    client.publish(1, { routingKey: full }, "rejected");
    client.send(1, "tx.commit");
    await client.expectChannelClose(1, 406, "PRECONDITION_FAILED - partial tx completion", 90, 20);
    await client.call(1, "channel.open");
    assert.deepEqual(await drain(client, empty), []);
    assert.deepEqual(await drain(client, full), ["full"]);
    assert.deepEqual(await drain(client, source), ["kept"]);
  },
  { leveretOnly: "RabbitMQ's transactions are atomic within one queue only" },
);

methodTest(
  "[tx.commit/pending] later methods wait for the commit and are answered in order",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declareSharedQueue(broker, client, { durable: true });
    await client.call(1, "tx.select");
    client.publish(1, { routingKey: queue }, "a", { deliveryMode: 2 });
    client.send(1, "tx.commit");
    client.send(1, "access.request");
    client.publish(1, { routingKey: queue }, "b", { deliveryMode: 2 });
    client.send(1, "tx.commit");
    client.send(1, "basic.get", { queue, noAck: true });
    await client.expect(1, "tx.commit-ok");
    await client.expect(1, "access.request-ok");
    await client.expect(1, "tx.commit-ok");
    assert.equal((await client.expectContent(1, "basic.get-ok")).body.toString(), "a");
  },
  { leveretOnly: "RabbitMQ answers a method behind a pending commit with 504" },
);

methodTest(
  "[tx.commit/limit] many small messages count for what holding them costs: 506",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declareQueue(broker, client);
    await client.call(1, "tx.select");
    for (let index = 0; index < 100; index++) client.publish(1, { routingKey: queue });
    await client.expectConnectionClose(506, "RESOURCE_ERROR - transaction exceeds 10000 octets", 60, 40);
  },
  { broker: { limits: { transactionBytesMax: 10_000 } } },
);
