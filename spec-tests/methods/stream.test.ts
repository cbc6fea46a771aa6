import assert from "node:assert/strict";
import { type FieldValue, longstr, tableFrom } from "../../src/wire/field-table.ts";
import { type BrokerUnderTest, methodTest } from "../support/method-test.ts";
import { consume, declareSharedQueue, deliveredBodies } from "../support/queues.ts";
import type { RawClient } from "../support/raw-client.ts";
import { expectWaiting, type PlainArguments } from "../support/waiting.ts";

const STREAM = { "x-queue-type": "stream" };
const FROM_FIRST = tableFrom({ "x-stream-offset": "first" });

function declareStream(broker: BrokerUnderTest, client: RawClient, streamArguments: PlainArguments = {}) {
  return declareSharedQueue(broker, client, { durable: true, arguments: tableFrom({ ...STREAM, ...streamArguments }) });
}

/** A stream that holds the bodies, published and confirmed on channel 1, which has a prefetch count of 10. */
async function filledStream(broker: BrokerUnderTest, client: RawClient, bodies: readonly string[]): Promise<string> {
  const stream = await declareStream(broker, client);
  await client.call(1, "confirm.select");
  for (const body of bodies) client.publish(1, { routingKey: stream }, body);
  for (let confirmed = 0; confirmed < bodies.length; ) {
    confirmed = Number((await client.find(1, "basic.ack")).args.deliveryTag);
  }
  await client.call(1, "basic.qos", { prefetchCount: 10 });
  return stream;
}

const bodies = ["a", "b", "c", "d", "e"];

/** Arguments that a stream knows with values it refuses, and why; undefined: it takes the value. */
const VALUES: readonly (readonly [name: string, value: string | number, reason: string | undefined])[] = [
  ["x-max-age", "7D", undefined],
  ["x-max-age", "1x", "invalid_max_age"],
  ["x-max-age", "", "invalid_max_age"],
  ["x-max-age", "0s", "invalid_max_age"],
  ["x-max-age", 7, "{unacceptable_type,long}"],
  ["x-max-length-bytes", 0, undefined],
  ["x-max-length-bytes", -1, "{value_negative,-1}"],
  ["x-max-length-bytes", "1", '"expected integer, got longstr"'],
  ["x-stream-max-segment-size-bytes", 0, undefined],
  ["x-stream-max-segment-size-bytes", -5, "{value_negative,-5}"],
  ["x-stream-filter-size-bytes", 16, undefined],
  ["x-stream-filter-size-bytes", 255, undefined],
  ["x-initial-cluster-size", 3, undefined],
  ["x-initial-cluster-size", 0, "{value_zero,0}"],
  ["x-queue-leader-locator", "balanced", undefined],
  ["x-queue-leader-locator", "foo", "invalid_queue_locator_arg"],
];

for (const [name, value, reason] of VALUES) {
  const title = `[stream/queue.declare] ${name} may ${reason === undefined ? "" : "not "}be ${JSON.stringify(value)}`;
  methodTest(title, async (broker) => {
    const client = await broker.channel();
    const queue = broker.name("stream");
    client.send(1, "queue.declare", { queue, durable: true, arguments: tableFrom({ ...STREAM, [name]: value }) });
    if (reason === undefined) {
      await client.find(1, "queue.declare-ok");
    } else {
      const text = `PRECONDITION_FAILED - invalid arg '${name}' for queue '${queue}' in vhost '/': ${reason}`;
      await client.expectChannelClose(1, 406, text, 50, 10);
    }
  });
}

for (const [name, value, text] of [
  ["x-stream-max-segment-size-bytes", 3_000_000_001, "Exceeded max value for x-stream-max-segment-size-bytes"],
  ["x-stream-filter-size-bytes", 15, "Invalid value for x-stream-filter-size-bytes"],
  ["x-stream-filter-size-bytes", 256, "Invalid value for x-stream-filter-size-bytes"],
] as const) {
  methodTest(`[stream/queue.declare] ${name} may not be ${value}, which is checked last`, async (broker) => {
    const client = await broker.channel();
    const queue = broker.name("stream");
    const table = tableFrom({ ...STREAM, [name]: value });
    client.send(1, "queue.declare", { queue, durable: true, arguments: table });
    await client.expectChannelClose(1, 406, `PRECONDITION_FAILED - ${text}`, 50, 10);
    await client.call(1, "channel.open");
    client.send(1, "queue.declare", { queue, arguments: table });
    const refused = `invalid property 'non-durable' for queue '${queue}' in vhost '/'`;
    await client.expectChannelClose(1, 406, `PRECONDITION_FAILED - ${refused}`, 50, 10);
  });
}

methodTest("[stream/queue.declare] an age is the same however it is written", async (broker) => {
  const client = await broker.channel();
  const queue = await declareStream(broker, client, { "x-max-age": "7D" });
  await declareSharedQueue(broker, client, {
    queue,
    durable: true,
    arguments: tableFrom({ ...STREAM, "x-max-age": "168h" }),
  });
  client.send(1, "queue.declare", { queue, durable: true, arguments: tableFrom({ ...STREAM, "x-max-age": "8D" }) });
  const difference = "received '691200000' but current is '604800000'";
  const text = `PRECONDITION_FAILED - inequivalent arg 'x-max-age' for queue '${queue}' in vhost '/': ${difference}`;
  await client.expectChannelClose(1, 406, text, 50, 10);
});

methodTest("[stream/queue.declare] a queue declared without a type is a classic one", async (broker) => {
  const client = await broker.channel();
  const queue = await declareStream(broker, client);
  client.send(1, "queue.declare", { queue, durable: true });
  const difference = "received 'classic' but current is 'stream'";
  const text = `PRECONDITION_FAILED - inequivalent arg 'x-queue-type' for queue '${queue}' in vhost '/': ${difference}`;
  await client.expectChannelClose(1, 406, text, 50, 10);
});

for (const name of ["x-priority", "x-consumer-timeout"]) {
  methodTest(`[stream/basic.consume] ${name} is not a stream's`, async (broker) => {
    const client = await broker.channel();
    const queue = await declareStream(broker, client);
    await client.call(1, "basic.qos", { prefetchCount: 1 });
    client.send(1, "basic.consume", { queue, arguments: tableFrom({ [name]: 5 }) });
    const text = `invalid arg '${name}' for queue '${queue}' in vhost '/' of queue type rabbit_stream_queue`;
    await client.expectChannelClose(1, 406, `PRECONDITION_FAILED - ${text}`, 60, 20);
  });
}

for (const [type, name] of ["x-stream-offset", "x-stream-filter", "x-stream-match-unfiltered"].flatMap((name) =>
  ["classic", "quorum"].map((type) => [type, name] as const),
)) {
  methodTest(`[stream/basic.consume] ${name} is a stream's and not a ${type} queue's`, async (broker) => {
    const client = await broker.channel();
    const queue = await declareSharedQueue(broker, client, {
      durable: true,
      arguments: tableFrom({ "x-queue-type": type }),
    });
    client.send(1, "basic.consume", { queue, arguments: tableFrom({ [name]: "first" }) });
    const text = `invalid arg '${name}' for queue '${queue}' in vhost '/' of queue type rabbit_${type}_queue`;
    await client.expectChannelClose(1, 406, `PRECONDITION_FAILED - ${text}`, 60, 20);
  });
}

const OFFSETS: readonly (readonly [title: string, offset: FieldValue, first: string])[] = [
  ["first", longstr("first"), "a"],
  ["0", { type: "signedint", value: 0 }, "a"],
  ["2", { type: "signedint", value: 2 }, "c"],
  ["2 as a long", { type: "long", value: 2n }, "c"],
  ["a time long ago", { type: "timestamp", value: 0n }, "a"],
  ["an interval of an hour", longstr("1h"), "a"],
  ["an interval of a century", longstr("100Y"), "a"],
];

for (const [title, offset, first] of OFFSETS) {
  methodTest(`[stream/x-stream-offset] ${title}: begins with ${first}`, async (broker) => {
    const client = await broker.channel();
    const stream = await filledStream(broker, client, bodies);
    await consume(client, stream, { arguments: new Map([["x-stream-offset", offset]]) });
    const expected = bodies.slice(bodies.indexOf(first));
    assert.deepEqual(await deliveredBodies(client, expected.length), expected);
  });
}

methodTest("[stream/x-stream-offset] next, or none, begins with what comes after the consumer", async (broker) => {
  const client = await broker.channel();
  const stream = await filledStream(broker, client, bodies);
  await consume(client, stream, { arguments: tableFrom({ "x-stream-offset": "next" }) });
  await consume(client, stream);
  client.publish(1, { routingKey: stream }, "f");
  assert.deepEqual(await deliveredBodies(client, 2), ["f", "f"]);
});

methodTest(
  "[stream/basic.deliver] each reader has all messages, with their offsets, and none twice",
  async (broker) => {
    const client = await broker.channel();
    const stream = await filledStream(broker, client, bodies);
    for (const consumerTag of ["x", "y"]) {
      await consume(client, stream, { consumerTag, exclusive: true, arguments: FROM_FIRST });
      for (const [index, body] of bodies.entries()) {
        const delivery = await client.find(1, "basic.deliver");
        assert.equal(delivery.body.toString(), body);
        assert.equal(delivery.args.redelivered, false);
        assert.deepEqual(delivery.properties.headers?.get("x-stream-offset"), { type: "long", value: BigInt(index) });
      }
    }
  },
);

for (const [method, requeue] of [
  ["basic.nack", true],
  ["basic.nack", false],
  ["basic.reject", true],
  ["basic.reject", false],
] as const) {
  methodTest(`[stream/${method}] requeue=${requeue} gives credit and brings nothing back`, async (broker) => {
    const client = await broker.channel();
    const stream = await filledStream(broker, client, bodies);
    await client.call(1, "basic.qos", { prefetchCount: 2 });
    await consume(client, stream, { arguments: FROM_FIRST });
    assert.deepEqual(await deliveredBodies(client, 2), ["a", "b"]);
    client.send(1, method, { deliveryTag: 1, requeue });
    assert.deepEqual(await deliveredBodies(client, 1), ["c"]);
  });
}

methodTest("[stream/basic.qos] a limit for the whole channel is one", async (broker) => {
  const client = await broker.channel();
  const stream = await filledStream(broker, client, bodies);
  await client.call(1, "basic.qos", { prefetchCount: 0 });
  await client.call(1, "basic.qos", { prefetchCount: 2, global: true });
  await consume(client, stream, { arguments: FROM_FIRST });
  await expectWaiting(client, "basic.deliver", 2);
  await deliveredBodies(client, 2);
  client.send(1, "basic.ack", { deliveryTag: 1 });
  assert.deepEqual(await deliveredBodies(client, 1), ["c"]);
});

methodTest("[stream/queue.delete] consumers are cancelled", async (broker) => {
  const client = await broker.channel({ capabilities: { consumer_cancel_notify: true } });
  const other = await broker.channel();
  const stream = await filledStream(broker, client, bodies);
  const consumerTag = await consume(client, stream);
  await other.call(1, "queue.delete", { queue: stream });
  assert.equal((await client.find(1, "basic.cancel")).args.consumerTag, consumerTag);
});

methodTest(
  "[stream/queue.delete] if-unused and if-empty count",
  async (broker) => {
    const client = await broker.channel();
    const stream = await filledStream(broker, client, bodies);
    client.send(1, "queue.delete", { queue: stream, ifEmpty: true });
    await client.expectChannelClose(1, 406, `PRECONDITION_FAILED - queue '${stream}' in vhost '/' not empty`, 50, 40);
    await client.call(1, "channel.open");
    await client.call(1, "basic.qos", { prefetchCount: 1 });
    await consume(client, stream);
    client.send(1, "queue.delete", { queue: stream, ifUnused: true });
    await client.expectChannelClose(1, 406, `PRECONDITION_FAILED - queue '${stream}' in vhost '/' in use`, 50, 40);
  },
  { leveretOnly: "RabbitMQ deletes a stream all the same" },
);

methodTest(
  "[stream/queue.declare-ok] counts the messages that are kept, read or not",
  async (broker) => {
    const client = await broker.channel();
    const stream = await filledStream(broker, client, bodies);
    await consume(client, stream, { arguments: FROM_FIRST });
    await deliveredBodies(client, bodies.length);
    client.send(1, "basic.ack", { multiple: true });
    const { messageCount, consumerCount } = await client.call(1, "queue.declare", { queue: stream, passive: true });
    assert.deepEqual([messageCount, consumerCount], [bodies.length, 1]);
  },
  { leveretOnly: "RabbitMQ counts every five seconds only" },
);
