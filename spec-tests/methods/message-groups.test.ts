import assert from "node:assert/strict";
import { tableFrom } from "../../src/wire/field-table.ts";
import { type BrokerUnderTest, methodTest } from "../support/method-test.ts";
import { consume, deliveredBodies, expectReady } from "../support/queues.ts";
import type { RawClient } from "../support/raw-client.ts";
import { declareTyped, type PlainArguments } from "../support/waiting.ts";

const LEVERET_ONLY = { leveretOnly: "RabbitMQ has no message groups" };
const TYPES = ["classic", "quorum"] as const;
const GROUPED = { "x-group-header": "customer" };

function rule(title: string, body: (broker: BrokerUnderTest) => Promise<void>): void {
  methodTest(title, body, LEVERET_ONLY);
}

function publish(client: RawClient, queue: string, ...bodies: string[]): void {
  for (const body of bodies) {
    client.publish(1, { routingKey: queue }, body, { headers: tableFrom({ customer: body[0] as string }) });
  }
}

async function worker(broker: BrokerUnderTest, queue: string, prefetchCount: number): Promise<RawClient> {
  const client = await broker.channel();
  await client.call(1, "basic.qos", { prefetchCount });
  await consume(client, queue);
  return client;
}

for (const type of TYPES) {
  rule(`[groups] ${type}: a group is with one consumer at a time, in order, whatever is in between`, async (broker) => {
    const publisher = await broker.channel();
    const queue = await declareTyped(broker, publisher, type, GROUPED);
    const [one, two] = [await worker(broker, queue, 1), await worker(broker, queue, 1)];
    publish(publisher, queue, "a1", "a2", "b1", "b2");
    assert.deepEqual(await deliveredBodies(one, 1), ["a1"]);
    assert.deepEqual(await deliveredBodies(two, 1), ["b1"]);
    two.send(1, "basic.ack", { deliveryTag: 1 });
    assert.deepEqual(await deliveredBodies(two, 1), ["b2"]);
    two.send(1, "basic.ack", { deliveryTag: 2 });
    await two.expectNothing(1, queue);
    await expectReady(publisher, queue, 1);
    one.send(1, "basic.ack", { deliveryTag: 1 });
    await expectReady(publisher, queue, 0);
  });

  rule(`[groups] ${type}: what a lost connection had comes again to another, in order`, async (broker) => {
    const publisher = await broker.channel();
    const queue = await declareTyped(broker, publisher, type, GROUPED);
    const one = await worker(broker, queue, 3);
    publish(publisher, queue, "a1", "a2", "a3", "a4");
    await deliveredBodies(one, 3);
    const two = await worker(broker, queue, 10);
    await two.expectNothing(1, queue);
    one.destroy();
    assert.deepEqual(await deliveredBodies(two, 4), ["a1", "a2", "a3", "a4"]);
  });

  rule(`[groups] ${type}: basic.nack with requeue waits for the rest of the group`, async (broker) => {
    const publisher = await broker.channel();
    const queue = await declareTyped(broker, publisher, type, GROUPED);
    const one = await worker(broker, queue, 2);
    publish(publisher, queue, "a1", "a2", "a3");
    await deliveredBodies(one, 2);
    one.send(1, "basic.nack", { deliveryTag: 1, requeue: true });
    await one.expectNothing(1, queue);
    one.send(1, "basic.nack", { deliveryTag: 2, requeue: true });
    assert.deepEqual(await deliveredBodies(one, 2), ["a1", "a2"]);
  });

  rule(`[groups] ${type}: a transaction that is rolled back keeps its groups`, async (broker) => {
    const publisher = await broker.channel();
    const queue = await declareTyped(broker, publisher, type, GROUPED);
    const one = await broker.channel();
    await one.call(1, "tx.select");
    await one.call(1, "basic.qos", { prefetchCount: 1 });
    await consume(one, queue);
    publish(publisher, queue, "a1", "a2");
    await deliveredBodies(one, 1);
    const two = await worker(broker, queue, 1);
    one.send(1, "basic.ack", { deliveryTag: 1 });
    await one.call(1, "tx.rollback");
    await two.expectNothing(1, queue);
    one.send(1, "basic.ack", { deliveryTag: 1 });
    await one.call(1, "tx.commit");
    await expectReady(publisher, queue, 0);
  });
}

rule("[groups] basic.get on one channel owns the group; another channel gets nothing of it", async (broker) => {
  const [one, two] = [await broker.channel(), await broker.channel()];
  const queue = await declareTyped(broker, one, "classic", GROUPED);
  publish(one, queue, "a1", "a2", "a3");
  await expectReady(one, queue, 3);
  assert.equal((await one.get(1, { queue }))?.body.toString(), "a1");
  assert.equal(await two.get(1, { queue }), undefined);
  assert.equal((await one.get(1, { queue }))?.body.toString(), "a2");
  one.destroy();
  await expectReady(two, queue, 3);
  assert.equal((await two.get(1, { queue }))?.body.toString(), "a1");
});

const HEADER = "x-group-header";
const PROPERTY = "x-group-property";
const REFUSED: readonly [name: string, reason: string, queueArguments: PlainArguments][] = [
  [HEADER, "{unacceptable_type,bool}", { [HEADER]: true }],
  [HEADER, "{invalid_header_name_length,0}", { [HEADER]: "" }],
  [HEADER, "{invalid_header_name_length,256}", { [HEADER]: "x".repeat(256) }],
  [HEADER, "header_and_property_are_mutually_exclusive", { [HEADER]: "customer", [PROPERTY]: "group-id" }],
  [HEADER, "groups_and_priorities_are_mutually_exclusive", { [HEADER]: "customer", "x-max-priority": 3 }],
  [PROPERTY, "\"unsupported property 'message-id'\"", { [PROPERTY]: "message-id" }],
  [PROPERTY, "groups_and_priorities_are_mutually_exclusive", { [PROPERTY]: "group-id", "x-max-priority": 3 }],
];

for (const [name, reason, queueArguments] of REFUSED) {
  rule(`[queue.declare/${name}] refused: ${reason}`, async (broker) => {
    const client = await broker.channel();
    const queue = broker.name("queue");
    client.send(1, "queue.declare", { queue, durable: true, arguments: tableFrom(queueArguments) });
    const text = `PRECONDITION_FAILED - invalid arg '${name}' for queue '${queue}' in vhost '/': ${reason}`;
    await client.expectChannelClose(1, 406, text.slice(0, 255), 50, 10);
  });
}

rule("[queue.declare/x-group-header] refused for a stream", async (broker) => {
  const client = await broker.channel();
  const queue = broker.name("queue");
  const table = tableFrom({ ...GROUPED, "x-queue-type": "stream" });
  client.send(1, "queue.declare", { queue, durable: true, arguments: table });
  const text = `invalid arg '${HEADER}' for queue '${queue}' in vhost '/' of queue type rabbit_stream_queue`;
  await client.expectChannelClose(1, 406, `PRECONDITION_FAILED - ${text}`, 50, 10);
});

rule("[queue.declare/x-group-header] must be the same when the queue is declared again", async (broker) => {
  const client = await broker.channel();
  const queue = await declareTyped(broker, client, "classic", GROUPED);
  const table = tableFrom({ [HEADER]: "other", "x-queue-type": "classic" });
  client.send(1, "queue.declare", { queue, durable: true, arguments: table });
  const text = `inequivalent arg '${HEADER}' for queue '${queue}' in vhost '/': received 'other' but current is 'customer'`;
  await client.expectChannelClose(1, 406, `PRECONDITION_FAILED - ${text}`, 50, 10);
});
