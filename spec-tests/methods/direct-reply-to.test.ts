import assert from "node:assert/strict";
import { methodTest } from "../support/method-test.ts";
import { consume, declareQueue, expectReady } from "../support/queues.ts";
import type { RawClient } from "../support/raw-client.ts";

const REPLY_TO = "amq.rabbitmq.reply-to";

/** Publishes a request from `requester`, takes it from the queue and returns the reply-to name in it. */
async function replyToOf(requester: RawClient, queue: string): Promise<string> {
  requester.publish(1, { routingKey: queue }, "request", { replyTo: REPLY_TO });
  await expectReady(requester, queue, 1);
  const request = await requester.get(1, { queue, noAck: true });
  assert.ok(request?.properties.replyTo !== undefined);
  return request.properties.replyTo;
}

methodTest("[direct reply-to] the name is rewritten and a reply to it reaches the consumer", async (broker) => {
  const requester = await broker.channel();
  const replier = await broker.channel();
  const queue = await declareQueue(broker, requester);
  await consume(requester, REPLY_TO, { consumerTag: "replies", noAck: true });
  const replyTo = await replyToOf(requester, queue);
  assert.match(replyTo, /^amq\.rabbitmq\.reply-to\..+/);
  replier.publish(1, { routingKey: replyTo }, "reply", { correlationId: "7" });
  const { args, properties, body } = await requester.expectContent(1, "basic.deliver");
  const address = { exchange: "", routingKey: replyTo };
  assert.deepEqual(args, { consumerTag: "replies", deliveryTag: args.deliveryTag, redelivered: false, ...address });
  assert.equal(properties.correlationId, "7");
  assert.equal(body.toString(), "reply");
});

methodTest(
  "[direct reply-to] a routed reply with mandatory is not returned and is confirmed",
  async (broker) => {
    const requester = await broker.channel();
    const replier = await broker.channel();
    const queue = await declareQueue(broker, requester);
    await consume(requester, REPLY_TO, { noAck: true });
    const replyTo = await replyToOf(requester, queue);
    await replier.call(1, "confirm.select");
    replier.publish(1, { routingKey: replyTo, mandatory: true }, "reply");
    assert.equal((await replier.expect(1, "basic.ack")).deliveryTag, 1);
    await requester.expectContent(1, "basic.deliver");
  },
  { sinceRabbitmq: "4.3" },
);

methodTest("[direct reply-to] other reply-to values are left alone", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  client.publish(1, { routingKey: queue }, "", { replyTo: "my-replies" });
  await expectReady(client, queue, 1);
  assert.equal((await client.get(1, { queue }))?.properties.replyTo, "my-replies");
});

methodTest(
  "[direct reply-to] publishing without a reply consumer is 406 fast reply consumer does not exist",
  async (broker) => {
    const client = await broker.channel();
    client.publish(1, { routingKey: broker.name("queue") }, "", { replyTo: REPLY_TO });
    const text = "PRECONDITION_FAILED - fast reply consumer does not exist";
    await client.expectChannelClose(1, 406, text, 60, 40);
  },
);

methodTest("[direct reply-to] the consumer must be on the publishing channel", async (broker) => {
  const client = await broker.channel();
  await client.call(2, "channel.open");
  await consume(client, REPLY_TO, { noAck: true });
  client.publish(2, { routingKey: broker.name("queue") }, "", { replyTo: REPLY_TO });
  const text = "PRECONDITION_FAILED - fast reply consumer does not exist";
  await client.expectChannelClose(2, 406, text, 60, 40);
});

methodTest(
  "[direct reply-to] consuming with acknowledgements is 406 reply consumer cannot acknowledge",
  async (broker) => {
    const client = await broker.channel();
    client.send(1, "basic.consume", { queue: REPLY_TO, noAck: false });
    const text = "PRECONDITION_FAILED - reply consumer cannot acknowledge";
    await client.expectChannelClose(1, 406, text, 60, 20);
  },
);

methodTest("[direct reply-to] a second consumer on the channel is 406 reply consumer already set", async (broker) => {
  const client = await broker.channel();
  await consume(client, REPLY_TO, { noAck: true });
  client.send(1, "basic.consume", { queue: REPLY_TO, noAck: true });
  const text = "PRECONDITION_FAILED - reply consumer already set";
  await client.expectChannelClose(1, 406, text, 60, 20);
});

methodTest("[direct reply-to] after cancel the consumer may be set again, and not used in between", async (broker) => {
  const client = await broker.channel();
  await consume(client, REPLY_TO, { consumerTag: "one", noAck: true });
  await client.call(1, "basic.cancel", { consumerTag: "one" });
  await consume(client, REPLY_TO, { consumerTag: "two", noAck: true });
  await client.call(1, "basic.cancel", { consumerTag: "two" });
  client.publish(1, { routingKey: broker.name("queue") }, "", { replyTo: REPLY_TO });
  const text = "PRECONDITION_FAILED - fast reply consumer does not exist";
  await client.expectChannelClose(1, 406, text, 60, 40);
});

methodTest("[direct reply-to] declaring the bare name is answered with 1 consumer", async (broker) => {
  const client = await broker.channel();
  const declared = await client.call(1, "queue.declare", { queue: REPLY_TO, passive: true });
  assert.deepEqual(declared, { queue: REPLY_TO, messageCount: 0, consumerCount: 1 });
});

methodTest("[direct reply-to] declaring a live reply name tells 0 messages and 1 consumer", async (broker) => {
  const requester = await broker.channel();
  const replier = await broker.channel();
  const queue = await declareQueue(broker, requester);
  await consume(requester, REPLY_TO, { noAck: true });
  const replyTo = await replyToOf(requester, queue);
  const declared = await replier.call(1, "queue.declare", { queue: replyTo, passive: true });
  assert.deepEqual(declared, { queue: replyTo, messageCount: 0, consumerCount: 1 });
});

methodTest("[direct reply-to] once the requester is gone the name is 404", async (broker) => {
  const requester = await broker.channel();
  const replier = await broker.channel();
  const queue = await declareQueue(broker, requester);
  await consume(requester, REPLY_TO, { noAck: true });
  const replyTo = await replyToOf(requester, queue);
  await requester.close();
  replier.send(1, "queue.declare", { queue: replyTo, passive: true });
  await replier.expectChannelClose(1, 404, /^NOT_FOUND - no queue 'amq\.rabbitmq\.reply-to\./, 50, 10);
});

methodTest(
  "[direct reply-to] a reply to a requester that is gone is confirmed, not returned",
  async (broker) => {
    const requester = await broker.channel();
    const replier = await broker.channel();
    const queue = await declareQueue(broker, requester);
    await consume(requester, REPLY_TO, { noAck: true });
    const replyTo = await replyToOf(requester, queue);
    await requester.close();
    await replier.call(1, "confirm.select");
    replier.publish(1, { routingKey: replyTo, mandatory: true });
    assert.equal((await replier.expect(1, "basic.ack")).deliveryTag, 1);
  },
  { sinceRabbitmq: "4.3" },
);

methodTest(
  "[direct reply-to] cannot be bound: 403 under its full name, 404 under the short one",
  async (broker) => {
    const client = await broker.channel();
    await consume(client, REPLY_TO, { noAck: true });
    await client.call(1, "queue.unbind", { queue: REPLY_TO, exchange: "amq.direct", routingKey: "key" });
    client.send(1, "queue.bind", { queue: REPLY_TO, exchange: "amq.direct", routingKey: "key" });
    await client.expectChannelClose(1, 404, `NOT_FOUND - no queue '${REPLY_TO}' in vhost '/'`, 50, 20);
    for (const [method, methodId] of [
      ["queue.bind", 20],
      ["queue.unbind", 50],
    ] as const) {
      const other = await broker.channel();
      other.send(1, method, { queue: `${REPLY_TO}.any`, exchange: "amq.direct", routingKey: "key" });
      const text = "ACCESS_REFUSED - cannot bind or unbind to a volatile (direct reply-to) queue";
      await other.expectChannelClose(1, 403, text, 50, methodId);
    }
  },
  { sinceRabbitmq: "4.3" },
);
