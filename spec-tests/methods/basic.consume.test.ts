import assert from "node:assert/strict";
import { type FieldTable, tableFrom } from "../../src/wire/field-table.ts";
import { methodTest } from "../support/method-test.ts";
import {
  consume,
  declareQueue,
  declareSharedQueue,
  deliveredBodies,
  drain,
  fill,
  lockedText,
} from "../support/queues.ts";

methodTest("[basic.consume] an empty tag becomes amq.ctag- and 22 base64url characters", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  const one = await consume(client, queue);
  const other = await consume(client, queue);
  for (const tag of [one, other]) assert.match(tag, /^amq\.ctag-[A-Za-z0-9_-]{22}$/);
  assert.notEqual(one, other);
});

methodTest(
  "[basic.consume] deliver carries tag, delivery tags from 1, address, properties and body",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declareQueue(broker, client);
    assert.equal(await consume(client, queue, { consumerTag: "mine" }), "mine");
    const properties = {
      contentType: "text/plain",
      headers: tableFrom({ a: [1, "b", null] }),
      priority: 0,
      timestamp: 7n,
    };
    client.publish(1, { routingKey: queue }, "hello", properties);
    const first = await client.expectContent(1, "basic.deliver");
    const expected = { consumerTag: "mine", deliveryTag: 1, redelivered: false, exchange: "", routingKey: queue };
    assert.deepEqual(first.args, expected);
    assert.deepEqual(first.properties, properties);
    assert.equal(first.body.toString(), "hello");
    client.publish(1, { routingKey: queue }, "again");
    assert.equal((await client.expectContent(1, "basic.deliver")).args.deliveryTag, 2);
  },
);

methodTest("[basic.consume] what waits in the queue is delivered in order, behind consume-ok", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  const bodies = Array.from({ length: 100 }, (_, index) => `${index}`);
  await fill(client, queue, bodies);
  await consume(client, queue, { noAck: true });
  assert.deepEqual(await deliveredBodies(client, 100), bodies);
});

methodTest("[basic.consume/no-ack] what was delivered is settled and does not come back", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a", "b"]);
  await consume(client, queue, { noAck: true });
  await deliveredBodies(client, 2);
  await client.call(1, "channel.close", { replyCode: 200 });
  await client.call(1, "channel.open");
  assert.deepEqual(await drain(client, queue), []);
});

methodTest("[basic.consume/no-wait] deliveries come without consume-ok", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a"]);
  client.send(1, "basic.consume", { queue, consumerTag: "mine", noWait: true });
  const { args, body } = await client.expectContent(1, "basic.deliver");
  assert.equal(args.consumerTag, "mine");
  assert.equal(body.toString(), "a");
});

methodTest("[basic.consume/no-local] is ignored", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await consume(client, queue, { noLocal: true });
  client.publish(1, { routingKey: queue }, "own");
  assert.deepEqual(await deliveredBodies(client, 1), ["own"]);
});

methodTest(
  "[basic.consume/consumer-tag] a tag in use on the channel is 530 attempt to reuse consumer tag",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declareQueue(broker, client);
    await consume(client, queue, { consumerTag: "mine" });
    client.send(1, "basic.consume", { queue, consumerTag: "mine" });
    await client.expectConnectionClose(530, "NOT_ALLOWED - attempt to reuse consumer tag 'mine'", 60, 20);
    await client.expectEnd();
  },
);

methodTest("[basic.consume/consumer-tag] channels do not share tags", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await client.call(2, "channel.open");
  await consume(client, queue, { consumerTag: "mine" });
  await client.call(2, "basic.consume", { queue, consumerTag: "mine" });
});

methodTest("[basic.consume/consumer-tag] a cancelled tag may be used again", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await consume(client, queue, { consumerTag: "mine" });
  await client.call(1, "basic.cancel", { consumerTag: "mine" });
  await consume(client, queue, { consumerTag: "mine" });
});

methodTest("[basic.consume] a missing queue is 404 no queue 'x' in vhost '/'", async (broker) => {
  const client = await broker.channel();
  const queue = broker.name("missing");
  client.send(1, "basic.consume", { queue });
  await client.expectChannelClose(1, 404, `NOT_FOUND - no queue '${queue}' in vhost '/'`, 60, 20);
});

methodTest("[basic.consume/last-declared] the empty name is the queue declared last on the channel", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await consume(client, "");
  client.publish(1, { routingKey: queue }, "a");
  assert.deepEqual(await deliveredBodies(client, 1), ["a"]);
});

methodTest("[basic.consume/last-declared] with none declared is 404 no previously declared queue", async (broker) => {
  const client = await broker.channel();
  client.send(1, "basic.consume", { queue: "" });
  await client.expectChannelClose(1, 404, "NOT_FOUND - no previously declared queue", 60, 20);
});

methodTest("[basic.consume/exclusive-queue] another connection's queue is 405", async (broker) => {
  const owner = await broker.channel();
  const other = await broker.channel();
  const queue = await declareQueue(broker, owner);
  other.send(1, "basic.consume", { queue });
  await other.expectChannelClose(1, 405, lockedText(queue), 60, 20);
});

for (const [first, second] of [
  [true, false],
  [false, true],
  [true, true],
] as const) {
  const title = `a consumer with exclusive=${second} beside one with exclusive=${first}`;
  methodTest(`[basic.consume/exclusive] ${title} is 403 in exclusive use`, async (broker) => {
    const client = await broker.channel();
    const queue = await declareQueue(broker, client);
    await client.call(2, "channel.open");
    await consume(client, queue, { exclusive: first });
    client.send(2, "basic.consume", { queue, exclusive: second });
    await client.expectChannelClose(2, 403, `ACCESS_REFUSED - queue '${queue}' in vhost '/' in exclusive use`, 60, 20);
  });
}

methodTest("[basic.consume/exclusive] once the exclusive consumer is cancelled others may come", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await consume(client, queue, { consumerTag: "mine", exclusive: true });
  await client.call(1, "basic.cancel", { consumerTag: "mine" });
  await consume(client, queue);
  await consume(client, queue);
});

methodTest("[basic.consume] equal consumers take turns", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  const tags = ["one", "two", "three"];
  for (const consumerTag of tags) await consume(client, queue, { consumerTag });
  for (let index = 0; index < 30; index++) client.publish(1, { routingKey: queue }, `${index}`);
  const counts = new Map<string, number>();
  for (let index = 0; index < 30; index++) {
    const { consumerTag } = (await client.expectContent(1, "basic.deliver")).args;
    counts.set(consumerTag, (counts.get(consumerTag) ?? 0) + 1);
  }
  for (const tag of tags) assert.equal(counts.get(tag), 10, tag);
});

function priority(value: number): FieldTable {
  return new Map([["x-priority", { type: "signedint", value }]]);
}

methodTest("[basic.consume/x-priority] a higher priority is served first while it has room", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await client.call(1, "basic.qos", { prefetchCount: 2 });
  await consume(client, queue, { consumerTag: "low", arguments: priority(-1) });
  await consume(client, queue, { consumerTag: "high", arguments: priority(10) });
  await consume(client, queue, { consumerTag: "plain" });
  for (let index = 0; index < 6; index++) client.publish(1, { routingKey: queue }, `${index}`);
  const order: string[] = [];
  for (let index = 0; index < 6; index++) {
    order.push((await client.expectContent(1, "basic.deliver")).args.consumerTag);
  }
  assert.deepEqual(order, ["high", "high", "plain", "plain", "low", "low"]);
});

methodTest(
  "[basic.consume/x-priority] a higher consumer that has room again comes before the lower ones",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declareQueue(broker, client);
    await client.call(1, "basic.qos", { prefetchCount: 1 });
    await consume(client, queue, { consumerTag: "high", arguments: priority(1) });
    await client.call(2, "channel.open");
    await client.call(2, "basic.consume", { queue });
    for (const body of ["a", "b"]) client.publish(1, { routingKey: queue }, body);
    const { args } = await client.expectContent(1, "basic.deliver");
    assert.equal((await client.expectContent(2, "basic.deliver")).body.toString(), "b");
    client.send(1, "basic.ack", { deliveryTag: args.deliveryTag });
    await client.expectNothing(1, queue);
    client.publish(1, { routingKey: queue }, "c");
    assert.deepEqual(await deliveredBodies(client, 1), ["c"]);
  },
);

methodTest("[basic.consume/x-priority] a string is 406 expected integer, got longstr", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  client.send(1, "basic.consume", { queue, arguments: tableFrom({ "x-priority": "high" }) });
  await client.expectChannelClose(1, 406, /^PRECONDITION_FAILED - .*expected integer, got longstr/, 60, 20);
});

methodTest("[basic.consume] unknown arguments are ignored", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await consume(client, queue, { arguments: tableFrom({ "x-mine": "yes" }) });
});

methodTest(
  "[basic.consume/connection-loss] unacknowledged messages come back, redelivered, in order",
  async (broker) => {
    const lost = await broker.channel();
    const client = await broker.channel();
    const queue = await declareSharedQueue(broker, lost);
    await fill(lost, queue, ["a", "b", "c"]);
    await consume(lost, queue);
    await deliveredBodies(lost, 3);
    await consume(client, queue);
    lost.destroy();
    for (const body of ["a", "b", "c"]) {
      const delivery = await client.expectContent(1, "basic.deliver");
      assert.deepEqual([delivery.body.toString(), delivery.args.redelivered], [body, true]);
    }
  },
);
