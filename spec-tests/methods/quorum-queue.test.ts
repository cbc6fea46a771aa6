import assert from "node:assert/strict";
import { tableFrom, tableToRecord } from "../../src/wire/field-table.ts";
import { type BrokerUnderTest, methodTest } from "../support/method-test.ts";
import { consume, deliveredBodies, drain, expectReady, fill } from "../support/queues.ts";
import type { RawClient, ReceivedContent } from "../support/raw-client.ts";
import { deadLettersTo, declareTyped, expectWaiting, getSoon, takeSoon } from "../support/waiting.ts";

type Got = ReceivedContent<"basic.get-ok"> | ReceivedContent<"basic.deliver">;

/** x-acquired-count and x-delivery-count with their types. */
function counts({ properties }: Got): (string | undefined)[] {
  return ["x-acquired-count", "x-delivery-count"].map((name) => {
    const field = properties.headers?.get(name);
    return field === undefined ? undefined : `${field.type} ${field.value}`;
  });
}

/** The ways in which an unacknowledged message comes back, and whether that counts as a failed delivery. */
const RETURNS: readonly (readonly [string, boolean, (client: RawClient) => unknown])[] = [
  ["basic.nack", false, (client) => client.send(1, "basic.nack", { deliveryTag: 1, requeue: true })],
  ["basic.nack of all", false, (client) => client.send(1, "basic.nack", { multiple: true, requeue: true })],
  ["basic.recover", false, (client) => client.call(1, "basic.recover", { requeue: true })],
  ["basic.reject", true, (client) => client.send(1, "basic.reject", { deliveryTag: 1, requeue: true })],
  ["channel.close", true, (client) => client.call(1, "channel.close", { replyCode: 200 })],
  ["the end of the connection", true, (client) => client.destroy()],
];

for (const [how, isFailure, comeBack] of RETURNS) {
  const title = isFailure ? "raises x-acquired-count and x-delivery-count" : "raises x-acquired-count only";
  methodTest(`[quorum/counts] ${how} ${title}; both are absent while they are 0`, async (broker) => {
    const [client, other] = [await broker.channel(), await broker.channel()];
    const queue = await declareTyped(broker, client, "quorum");
    await fill(client, queue, ["a"]);
    const first = await getSoon(other, queue);
    assert.deepEqual([first.args.redelivered, ...counts(first)], [false, undefined, undefined]);
    await comeBack(other);
    const second = await getSoon(client, queue);
    assert.deepEqual([second.args.redelivered, ...counts(second)], [true, "long 1", isFailure ? "long 1" : undefined]);
  });
}

methodTest("[quorum/counts] go on counting, each for itself; deliveries show them like basic.get", async (broker) => {
  const client = await broker.channel();
  const queue = await declareTyped(broker, client, "quorum");
  await fill(client, queue, ["a"]);
  await consume(client, queue);
  for (const [deliveryTag, method] of (["basic.reject", "basic.nack", "basic.reject"] as const).entries()) {
    await client.find(1, "basic.deliver");
    client.send(1, method, { deliveryTag: deliveryTag + 1, requeue: true });
  }
  assert.deepEqual(counts(await client.find(1, "basic.deliver")), ["long 3", "long 2"]);
});

methodTest(
  "[quorum/counts] a client's headers of these names are its own until the queue has something to say",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declareTyped(broker, client, "quorum");
    const headers = tableFrom({ "x-delivery-count": 7, "x-acquired-count": "mine", other: true });
    await fill(client, queue, ["a"], { headers });
    const first = await getSoon(client, queue);
    assert.deepEqual(counts(first), ["longstr mine", "long 7"]);
    client.send(1, "basic.reject", { deliveryTag: 1, requeue: true });
    const second = await getSoon(client, queue);
    assert.deepEqual(counts(second), ["long 1", "long 1"]);
    assert.equal(second.properties.headers?.get("other")?.value, true);
  },
);

methodTest("[quorum/counts] nothing else of the message changes", async (broker) => {
  const client = await broker.channel();
  const queue = await declareTyped(broker, client, "quorum");
  const properties = { contentType: "text/plain", deliveryMode: 1, priority: 3, messageId: "id", timestamp: 5n };
  await fill(client, queue, ["body"], properties);
  client.send(1, "basic.reject", { deliveryTag: (await getSoon(client, queue)).args.deliveryTag, requeue: true });
  const { headers: _, ...rest } = (await getSoon(client, queue)).properties;
  assert.deepEqual({ ...rest, timestamp: BigInt(rest.timestamp ?? 0) }, properties);
});

/** Rejects a message until it comes no more; returns how often it came. */
async function deliveriesUntilDead(client: RawClient, queue: string, target: string, most: number): Promise<number> {
  for (let count = 0; count < most; count++) {
    const message = (await client.get(1, { queue })) ?? (await nextOrDead(client, queue, target));
    if (message === undefined) return count;
    client.send(1, "basic.reject", { deliveryTag: message.args.deliveryTag, requeue: true });
  }
  return most;
}

async function nextOrDead(
  client: RawClient,
  queue: string,
  target: string,
): Promise<ReceivedContent<"basic.get-ok"> | undefined> {
  for (;;) {
    const { messageCount } = await client.call(1, "queue.declare", { queue: target, passive: true });
    if (messageCount > 0) return undefined;
    const message = await client.get(1, { queue });
    if (message !== undefined) return message;
  }
}

async function limited(
  broker: BrokerUnderTest,
  client: RawClient,
  limit: number | undefined,
): Promise<[string, string]> {
  const target = await declareTyped(broker, client, "classic");
  const limits = limit === undefined ? {} : { "x-delivery-limit": limit };
  const queue = await declareTyped(broker, client, "quorum", { ...limits, ...deadLettersTo(target) });
  await fill(client, queue, ["poison"]);
  return [queue, target];
}

for (const [limit, deliveries] of [
  [undefined, 21],
  [3, 4],
  [1, 2],
  [0, 1],
] as const) {
  methodTest(
    `[quorum/x-delivery-limit] ${limit ?? "none"}: ${deliveries} failed deliveries are the end`,
    async (broker) => {
      const client = await broker.channel();
      const [queue, target] = await limited(broker, client, limit);
      assert.equal(await deliveriesUntilDead(client, queue, target, 30), deliveries);
      const { headers } = (await getSoon(client, target)).properties;
      assert.ok(headers !== undefined);
      const { "x-death": deaths, "x-last-death-reason": reason } = tableToRecord(headers);
      const entries = (deaths as Record<string, unknown>[]).map((death) => [death["reason"], Number(death["count"])]);
      assert.deepEqual([reason, entries], ["delivery_limit", [["delivery_limit", 1]]]);
      assert.deepEqual([headers.has("x-delivery-count"), headers.has("x-acquired-count")], [false, false]);
    },
  );
}

for (const limit of [-1, -5]) {
  methodTest(`[quorum/x-delivery-limit] ${limit}: there is none`, async (broker) => {
    const client = await broker.channel();
    const [queue, target] = await limited(broker, client, limit);
    assert.equal(await deliveriesUntilDead(client, queue, target, 30), 30);
  });
}

methodTest("[quorum/x-delivery-limit] messages that are only returned come again for ever", async (broker) => {
  const client = await broker.channel();
  const [queue] = await limited(broker, client, 1);
  for (let count = 0; count < 5; count++) {
    const { args } = await getSoon(client, queue);
    client.send(1, "basic.nack", { deliveryTag: args.deliveryTag, requeue: true });
  }
  assert.deepEqual(counts(await getSoon(client, queue)), ["long 5", undefined]);
});

methodTest("[quorum/x-delivery-limit] without a dead letter exchange the message is dropped", async (broker) => {
  const client = await broker.channel();
  const queue = await declareTyped(broker, client, "quorum", { "x-delivery-limit": 0 });
  await fill(client, queue, ["a"]);
  client.send(1, "basic.reject", { deliveryTag: (await getSoon(client, queue)).args.deliveryTag, requeue: true });
  await fill(client, queue, ["b"]);
  assert.deepEqual(await takeSoon(client, queue, 1), ["b"]);
});

methodTest("[quorum/returns] come before what waits, in the order in which they were returned", async (broker) => {
  const client = await broker.channel();
  const queue = await declareTyped(broker, client, "quorum");
  await fill(client, queue, ["1", "2", "3", "4", "5", "6"]);
  await client.call(1, "basic.qos", { prefetchCount: 5 });
  await consume(client, queue);
  await expectWaiting(client, "basic.deliver", 5);
  await deliveredBodies(client, 5);
  for (const deliveryTag of [3, 1, 5]) client.send(1, "basic.nack", { deliveryTag, requeue: true });
  assert.deepEqual(await deliveredBodies(client, 3), ["3", "1", "5"]);
});

methodTest("[quorum/returns] of several at once come in the order of their deliveries", async (broker) => {
  const [client, other] = [await broker.channel(), await broker.channel()];
  const queue = await declareTyped(broker, client, "quorum");
  await fill(client, queue, ["1", "2", "3", "4"]);
  await other.call(1, "basic.qos", { prefetchCount: 3 });
  await consume(other, queue);
  await expectWaiting(other, "basic.deliver", 3);
  other.destroy();
  await expectReady(client, queue, 4);
  assert.deepEqual(await takeSoon(client, queue, 4), ["1", "2", "3", "4"]);
});

methodTest("[quorum/basic.consume] exclusive means nothing", async (broker) => {
  const [first, second] = [await broker.channel(), await broker.channel()];
  const queue = await declareTyped(broker, first, "quorum");
  await consume(first, queue, { exclusive: true });
  await consume(second, queue, { exclusive: true });
});

methodTest("[quorum/tx] a transaction publishes to it like to any queue", async (broker) => {
  const client = await broker.channel();
  const queue = await declareTyped(broker, client, "quorum");
  await client.call(1, "tx.select");
  client.publish(1, { routingKey: queue }, "a");
  await client.call(1, "tx.commit");
  await expectReady(client, queue, 1);
  assert.deepEqual(await drain(client, queue), ["a"]);
});

methodTest("[quorum/queue.purge] removes ready messages and leaves unacknowledged ones", async (broker) => {
  const client = await broker.channel();
  const queue = await declareTyped(broker, client, "quorum");
  await fill(client, queue, ["a", "b", "c"]);
  const { args } = await getSoon(client, queue);
  assert.equal((await client.call(1, "queue.purge", { queue })).messageCount, 2);
  client.send(1, "basic.nack", { deliveryTag: args.deliveryTag, requeue: true });
  assert.deepEqual(await takeSoon(client, queue, 1), ["a"]);
});

for (const [properties, named] of [
  [{ durable: false }, "non-durable"],
  [{ durable: true, exclusive: true }, "exclusive-owner"],
  [{ durable: true, autoDelete: true }, "auto-delete"],
  [{ durable: false, exclusive: true }, "exclusive-owner"],
  [{ durable: true, exclusive: true, autoDelete: true }, "auto-delete"],
] as const) {
  methodTest(`[quorum/queue.declare] ${JSON.stringify(properties)} is 406, for ${named}`, async (broker) => {
    const client = await broker.channel();
    const queue = broker.name("queue");
    client.send(1, "queue.declare", { queue, ...properties, arguments: tableFrom({ "x-queue-type": "quorum" }) });
    const text = `PRECONDITION_FAILED - invalid property '${named}' for queue '${queue}' in vhost '/'`;
    await client.expectChannelClose(1, 406, text, 50, 10);
  });
}

for (const type of ["quorum", "stream"]) {
  methodTest(`[queue.declare/name] the broker makes up no name for a ${type}: 406`, async (broker) => {
    const client = await broker.channel();
    client.send(1, "queue.declare", { durable: true, arguments: tableFrom({ "x-queue-type": type }) });
    const text = `PRECONDITION_FAILED - Cannot declare a server-named queue for type rabbit_${type}_queue`;
    await client.expectChannelClose(1, 406, text, 50, 10);
  });
}

for (const [name, value, reason] of [
  ["x-max-priority", 5, " of queue type rabbit_quorum_queue"],
  ["x-queue-mode", "lazy", " of queue type rabbit_quorum_queue"],
  ["x-queue-version", 2, " of queue type rabbit_quorum_queue"],
  ["x-max-age", "1h", " of queue type rabbit_quorum_queue"],
  ["x-dead-letter-strategy", "zzz", ": invalid_dlx_strategy"],
  ["x-consumer-timeout", -1, ": {value_negative,-1}"],
  ["x-consumer-timeout", "a", ': "expected integer, got longstr"'],
  ["x-consumer-disconnected-timeout", -1, ": {value_negative,-1}"],
  ["x-quorum-initial-group-size", 0, ": {value_zero,0}"],
] as const) {
  methodTest(`[quorum/queue.declare] ${name} ${value} is 406`, async (broker) => {
    const client = await broker.channel();
    const queue = broker.name("queue");
    const queueArguments = tableFrom({ "x-queue-type": "quorum", [name]: value });
    client.send(1, "queue.declare", { queue, durable: true, arguments: queueArguments });
    const text = `PRECONDITION_FAILED - invalid arg '${name}' for queue '${queue}' in vhost '/'${reason}`;
    await client.expectChannelClose(1, 406, text, 50, 10);
  });
}

for (const [name, value] of [
  ["x-delivery-limit", "a"],
  ["x-delayed-retry-type", "zzz"],
  ["x-delayed-retry-type", 5],
  ["x-delayed-retry-min", -1],
  ["x-dead-letter-strategy", "at-least-once"],
  ["x-consumer-timeout", 0],
] as const) {
  methodTest(`[quorum/queue.declare] ${name} ${value} is accepted`, async (broker) => {
    const client = await broker.channel();
    await declareTyped(broker, client, "quorum", { [name]: value });
  });
}
