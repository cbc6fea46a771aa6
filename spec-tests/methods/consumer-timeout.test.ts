import assert from "node:assert/strict";
import { tableFrom } from "../../src/wire/field-table.ts";
import { type BrokerUnderTest, methodTest } from "../support/method-test.ts";
import { consume, declareQueue, deliveredBodies, expectReady, fill } from "../support/queues.ts";
import type { RawClient } from "../support/raw-client.ts";
import { deadLettersTo, declareTyped, expectWaiting, getSoon, takeSoon } from "../support/waiting.ts";

const TIMEOUT = 1_000;
const TOO_LONG = TIMEOUT + 400;

/** RabbitMQ 4.3 says -1 for any time. */
const TEXT =
  /^PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out\. Timeout value used: (-1|1000) ms\. This timeout value can be configured, see consumers doc guide to learn more$/;

const NO_CANCEL_NOTIFY = { capabilities: { publisher_confirms: true, "basic.nack": true } };

function declareImpatient(broker: BrokerUnderTest, client: RawClient): Promise<string> {
  return declareTyped(broker, client, "quorum", { "x-consumer-timeout": TIMEOUT });
}

/** x-acquired-count and x-delivery-count of the queue's next message. */
async function nextCounts(client: RawClient, queue: string): Promise<number[]> {
  const { args, properties } = await getSoon(client, queue);
  assert.equal(args.redelivered, true);
  return ["x-acquired-count", "x-delivery-count"].map((name) => Number(properties.headers?.get(name)?.value ?? 0));
}

methodTest(
  "[consumer-timeout] the consumer is cancelled, and what it has not acknowledged is ready again",
  async (broker) => {
    const [client, other] = [await broker.channel(), await broker.channel()];
    const queue = await declareImpatient(broker, client);
    await fill(other, queue, ["a", "b", "c"]);
    await client.call(1, "basic.qos", { prefetchCount: 2 });
    const consumerTag = await consume(client, queue);
    assert.deepEqual(await deliveredBodies(client, 2), ["a", "b"]);
    await broker.pass(TIMEOUT - 300);
    assert.deepEqual(client.waiting(1), []);
    await broker.pass(700);
    assert.deepEqual(await client.expect(1, "basic.cancel"), { consumerTag, noWait: true });
    await expectReady(other, queue, 3);
    assert.deepEqual(client.waiting(1), [], "one notice for both messages");
    assert.deepEqual(await nextCounts(other, queue), [1, 0]);
  },
);

methodTest("[consumer-timeout] what is acknowledged in time is none", async (broker) => {
  const client = await broker.channel();
  const queue = await declareImpatient(broker, client);
  await fill(client, queue, ["a"]);
  await consume(client, queue);
  await deliveredBodies(client, 1);
  await broker.pass(500);
  client.send(1, "basic.ack", { deliveryTag: 1 });
  await broker.pass(TOO_LONG);
  await client.expectNothing(1, queue);
});

methodTest(
  "[consumer-timeout] each delivery has its own time; a notice each time that some are overdue",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declareImpatient(broker, client);
    await consume(client, queue);
    client.publish(1, { routingKey: queue }, "a");
    assert.deepEqual(await deliveredBodies(client, 1), ["a"]);
    await broker.pass(500);
    client.publish(1, { routingKey: queue }, "b");
    assert.deepEqual(await deliveredBodies(client, 1), ["b"]);
    await broker.pass(750);
    await client.expect(1, "basic.cancel");
    await expectReady(client, queue, 1);
    await broker.pass(600);
    await client.expect(1, "basic.cancel");
    await expectReady(client, queue, 2);
  },
);

methodTest(
  "[consumer-timeout] the consumer stays, and is served again when it has answered for all it had",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declareImpatient(broker, client);
    await fill(client, queue, ["a", "b"]);
    await consume(client, queue);
    assert.deepEqual(await deliveredBodies(client, 2), ["a", "b"]);
    await broker.pass(TOO_LONG);
    await client.expect(1, "basic.cancel");
    const { consumerCount } = await client.call(1, "queue.declare", { queue, passive: true });
    assert.equal(consumerCount, 1);
    client.send(1, "basic.ack", { deliveryTag: 1 });
    await expectReady(client, queue, 2);
    await client.expectNothing(1, queue);
    client.send(1, "basic.ack", { deliveryTag: 2 });
    const again = [await client.find(1, "basic.deliver"), await client.find(1, "basic.deliver")];
    assert.deepEqual(
      again.map(({ args, body }) => [args.deliveryTag, args.redelivered, body.toString()]),
      [
        [3, true, "a"],
        [4, true, "b"],
      ],
    );
  },
);

methodTest("[consumer-timeout] a rejection that comes too late kills nothing", async (broker) => {
  const client = await broker.channel();
  const target = await declareTyped(broker, client, "classic");
  const queue = await declareTyped(broker, client, "quorum", {
    "x-consumer-timeout": TIMEOUT,
    ...deadLettersTo(target),
  });
  await fill(client, queue, ["a"]);
  await consume(client, queue);
  await deliveredBodies(client, 1);
  await broker.pass(TOO_LONG);
  await client.expect(1, "basic.cancel");
  client.send(1, "basic.reject", { deliveryTag: 1, requeue: false });
  assert.deepEqual(await deliveredBodies(client, 1), ["a"]);
  await expectReady(client, target, 0);
});

methodTest(
  "[consumer-timeout] another consumer gets the message, and the late answer changes nothing",
  async (broker) => {
    const [slow, other] = [await broker.channel(), await broker.channel()];
    const queue = await declareImpatient(broker, slow);
    await fill(other, queue, ["a"]);
    await consume(slow, queue);
    await deliveredBodies(slow, 1);
    await consume(other, queue);
    await broker.pass(TOO_LONG);
    assert.deepEqual(await deliveredBodies(other, 1), ["a"]);
    slow.send(1, "basic.nack", { deliveryTag: 1, requeue: true });
    await slow.expect(1, "basic.cancel");
    await expectReady(slow, queue, 0);
    other.send(1, "basic.ack", { deliveryTag: 1 });
    await other.expectNothing(1, queue);
  },
);

methodTest("[consumer-timeout] a client that does not know basic.cancel loses the channel", async (broker) => {
  const [client, other] = [await broker.channel(NO_CANCEL_NOTIFY), await broker.channel()];
  const queue = await declareImpatient(broker, other);
  await fill(other, queue, ["a"]);
  await consume(client, queue);
  await deliveredBodies(client, 1);
  await broker.pass(TOO_LONG);
  await client.expectChannelClose(1, 406, TEXT, 0, 0);
  assert.deepEqual(await nextCounts(other, queue), [1, 0]);
});

methodTest("[consumer-timeout] what basic.get took too: there is no consumer to cancel", async (broker) => {
  const [client, other] = [await broker.channel(), await broker.channel()];
  const queue = await declareImpatient(broker, other);
  await fill(other, queue, ["a"]);
  await getSoon(client, queue);
  await broker.pass(TOO_LONG);
  await client.expectChannelClose(1, 406, TEXT, 0, 0);
  assert.deepEqual(await nextCounts(other, queue), [1, 0]);
});

methodTest("[consumer-timeout] what a consumer has left that is cancelled: the channel goes", async (broker) => {
  const [client, other] = [await broker.channel(), await broker.channel()];
  const queue = await declareImpatient(broker, other);
  await fill(other, queue, ["a", "b"]);
  const consumerTag = await consume(client, queue);
  await deliveredBodies(client, 2);
  await client.call(1, "basic.cancel", { consumerTag });
  await broker.pass(TOO_LONG);
  await client.expectChannelClose(1, 406, TEXT, 0, 0);
  assert.deepEqual(await takeSoon(other, queue, 2), ["a", "b"]);
});

methodTest("[consumer-timeout/x-consumer-timeout] a consumer may have a time of its own, 0 too", async (broker) => {
  const [client, eager] = [await broker.channel(), await broker.channel()];
  const queue = await declareTyped(broker, client, "quorum");
  await fill(client, queue, ["a", "b"]);
  await client.call(1, "basic.qos", { prefetchCount: 1 });
  await eager.call(1, "basic.qos", { prefetchCount: 1 });
  await consume(client, queue, { arguments: tableFrom({ "x-consumer-timeout": TIMEOUT }) });
  await deliveredBodies(client, 1);
  await consume(eager, queue, { arguments: tableFrom({ "x-consumer-timeout": 0 }) });
  await deliveredBodies(eager, 1);
  await broker.pass(100);
  await eager.expect(1, "basic.cancel");
  assert.deepEqual(client.waiting(1), []);
  await broker.pass(TOO_LONG);
  await client.expect(1, "basic.cancel");
});

for (const [value, reason] of [
  [-1, "{value_negative,-1}"],
  ["a", '"expected integer, got longstr"'],
] as const) {
  methodTest(`[basic.consume/x-consumer-timeout] ${value} is 406`, async (broker) => {
    const client = await broker.channel();
    const queue = await declareTyped(broker, client, "quorum");
    client.send(1, "basic.consume", { queue, arguments: tableFrom({ "x-consumer-timeout": value }) });
    const text = `PRECONDITION_FAILED - invalid arg 'x-consumer-timeout' for queue '${queue}' in vhost '/': ${reason}`;
    await client.expectChannelClose(1, 406, text, 60, 20);
  });
}

methodTest("[consumer-timeout] a single active consumer that has timed out is relieved", async (broker) => {
  const [slow, next] = [await broker.channel(), await broker.channel()];
  const queue = await declareTyped(broker, slow, "quorum", {
    "x-consumer-timeout": TIMEOUT,
    "x-single-active-consumer": true,
  });
  await slow.call(1, "basic.qos", { prefetchCount: 1 });
  await consume(slow, queue);
  await consume(next, queue);
  await fill(next, queue, []);
  for (const body of ["a", "b"]) next.publish(1, { routingKey: queue }, body);
  assert.deepEqual(await deliveredBodies(slow, 1), ["a"]);
  await broker.pass(TOO_LONG);
  await slow.expect(1, "basic.cancel");
  await expectWaiting(next, "basic.deliver", 2);
  assert.deepEqual(await deliveredBodies(next, 2), ["a", "b"]);
});

methodTest("[consumer-timeout] a classic queue has none", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a"]);
  await consume(client, queue);
  await deliveredBodies(client, 1);
  await broker.pass(2 * TIMEOUT);
  await client.expectNothing(1, queue);
});

methodTest(
  "[consumer-timeout] is 30 minutes unless told",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declareTyped(broker, client, "quorum");
    await fill(client, queue, ["a"]);
    await consume(client, queue);
    await deliveredBodies(client, 1);
    await broker.pass(1_799_999);
    await client.expectNothing(1, queue);
    await broker.pass(1);
    await client.expect(1, "basic.cancel");
  },
  { leveretOnly: "takes 30 minutes" },
);
