import assert from "node:assert/strict";
import { tableFrom } from "../../src/wire/field-table.ts";
import { methodTest } from "../support/method-test.ts";
import { consume, declareExchange, declareQueue, declareSharedQueue, drain, expectReady } from "../support/queues.ts";

methodTest("[basic.publish/default-exchange] every queue is bound to it by its name", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  client.publish(1, { routingKey: queue }, "a");
  await expectReady(client, queue, 1);
});

methodTest("[basic.publish/order] one channel's messages stay in order", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  const bodies = Array.from({ length: 200 }, (_, index) => `${index}`);
  for (const body of bodies) client.publish(1, { routingKey: queue }, body);
  await expectReady(client, queue, 200);
  assert.deepEqual(await drain(client, queue), bodies);
});

methodTest("[basic.publish] an unroutable message that is not mandatory is dropped silently", async (broker) => {
  const client = await broker.channel();
  client.publish(1, { routingKey: broker.name("nowhere") });
  await client.expectNothing(1);
});

methodTest("[basic.publish] a missing exchange is 404 no exchange 'x' in vhost '/'", async (broker) => {
  const client = await broker.channel();
  const exchange = broker.name("missing");
  client.publish(1, { exchange, routingKey: "key" });
  await client.expectChannelClose(1, 404, `NOT_FOUND - no exchange '${exchange}' in vhost '/'`, 60, 40);
});

methodTest(
  "[basic.publish/internal] to an internal exchange is 403 cannot publish to internal exchange",
  async (broker) => {
    const client = await broker.channel();
    const exchange = broker.name("exchange");
    await client.call(1, "exchange.declare", { exchange, type: "fanout", internal: true, autoDelete: true });
    const queue = await declareQueue(broker, client);
    await client.call(1, "queue.bind", { queue, exchange });
    client.publish(1, { exchange, routingKey: "" });
    const text = `ACCESS_REFUSED - cannot publish to internal exchange '${exchange}' in vhost '/'`;
    await client.expectChannelClose(1, 403, text, 60, 40);
  },
);

methodTest("[basic.publish/internal] messages reach an internal exchange through a binding", async (broker) => {
  const client = await broker.channel();
  const source = await declareExchange(broker, client, "fanout");
  const destination = broker.name("exchange");
  await client.call(1, "exchange.declare", { exchange: destination, type: "fanout", internal: true, autoDelete: true });
  const queue = await declareQueue(broker, client);
  await client.call(1, "queue.bind", { queue, exchange: destination });
  await client.call(1, "exchange.bind", { source, destination });
  client.publish(1, { exchange: source, routingKey: "" });
  await expectReady(client, queue, 1);
});

methodTest("[basic.publish/immediate] is 540 immediate=true", async (broker) => {
  const client = await broker.channel();
  client.publish(1, { routingKey: broker.name("queue"), immediate: true });
  await client.expectConnectionClose(540, "NOT_IMPLEMENTED - immediate=true", 60, 40);
  await client.expectEnd();
});

methodTest("[basic.publish/exclusive] others may publish to an exclusive queue", async (broker) => {
  const owner = await broker.channel();
  const other = await broker.channel();
  const queue = await declareQueue(broker, owner);
  await other.call(1, "confirm.select");
  other.publish(1, { routingKey: queue }, "hello");
  await other.expect(1, "basic.ack");
  await expectReady(owner, queue, 1);
});

methodTest("[basic.publish/channels] contents on several channels may be interleaved", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await client.call(2, "channel.open");
  client.send(1, "basic.publish", { routingKey: queue });
  client.send(2, "basic.publish", { routingKey: queue });
  client.sendContent(2, "two");
  client.sendContent(1, "one");
  await expectReady(client, queue, 2);
  assert.deepEqual((await drain(client, queue)).sort(), ["one", "two"]);
});

for (const [expiration, reason] of [
  ["abc", "no_integer"],
  ["", "no_integer"],
  ["-1", "{value_negative,-1}"],
  ["10 ", '{leftover_string," "}'],
  ["315360000001", "{value_too_large,315360000001}"],
] as const) {
  const title = `'${expiration}' is 406 invalid expiration '${expiration}': ${reason}`;
  methodTest(`[basic.publish/expiration] ${title}`, async (broker) => {
    const client = await broker.channel();
    client.publish(1, { routingKey: broker.name("queue") }, "", { expiration });
    const text = `PRECONDITION_FAILED - invalid expiration '${expiration}': ${reason}`;
    await client.expectChannelClose(1, 406, text, 60, 40);
  });
}

methodTest("[basic.publish/expiration] the longest, 10 years, is accepted", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  client.publish(1, { routingKey: queue }, "", { expiration: "315360000000" });
  await expectReady(client, queue, 1);
});

methodTest("[basic.publish/expiration] 0 is delivered only to a consumer that can take it now", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  client.publish(1, { routingKey: queue }, "expired", { expiration: "0" });
  assert.equal(await client.get(1, { queue }), undefined);
  await consume(client, queue, { noAck: true });
  client.publish(1, { routingKey: queue }, "taken", { expiration: "0" });
  assert.equal((await client.expectContent(1, "basic.deliver")).body.toString(), "taken");
});

methodTest(
  "[basic.publish/expiration] a message is gone once its time is over",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declareQueue(broker, client);
    client.publish(1, { routingKey: queue }, "short", { expiration: "1000" });
    client.publish(1, { routingKey: queue }, "long", { expiration: "5000" });
    await expectReady(client, queue, 2);
    broker.clock.advance(999);
    await expectReady(client, queue, 2);
    broker.clock.advance(1);
    await expectReady(client, queue, 1);
    assert.deepEqual(await drain(client, queue), ["long"]);
  },
  { leveretOnly: "steps the clock" },
);

methodTest("[basic.publish/user-id] the user's own name is accepted and delivered", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  client.publish(1, { routingKey: queue }, "", { userId: "guest" });
  await expectReady(client, queue, 1);
  assert.equal((await client.get(1, { queue }))?.properties.userId, "guest");
});

methodTest(
  "[basic.publish/user-id] another name is 406 user_id property set to 'A' but authenticated user was 'B'",
  async (broker) => {
    const client = await broker.channel();
    client.publish(1, { routingKey: broker.name("queue") }, "", { userId: "somebody" });
    const text = "PRECONDITION_FAILED - user_id property set to 'somebody' but authenticated user was 'guest'";
    await client.expectChannelClose(1, 406, text, 60, 40);
  },
);

for (const header of ["CC", "BCC"]) {
  methodTest(`[basic.publish/${header}] routes by its keys too, one copy per queue`, async (broker) => {
    const client = await broker.channel();
    const to = await declareQueue(broker, client);
    const copied = await declareQueue(broker, client);
    const headers = tableFrom({ [header]: [copied, copied, to, broker.name("nowhere")] });
    client.publish(1, { routingKey: to }, "", { headers });
    await expectReady(client, to, 1);
    await expectReady(client, copied, 1);
  });

  methodTest(`[basic.publish/${header}] a message routed only by it is routed: no return`, async (broker) => {
    const client = await broker.channel();
    const queue = await declareQueue(broker, client);
    await client.call(1, "confirm.select");
    const headers = tableFrom({ [header]: [queue] });
    client.publish(1, { routingKey: broker.name("nowhere"), mandatory: true }, "", { headers });
    assert.equal((await client.expect(1, "basic.ack")).deliveryTag, 1);
    await expectReady(client, queue, 1);
  });

  methodTest(
    `[basic.publish/${header}] something else than an array is 406 invalid message`,
    async (broker) => {
      const client = await broker.channel();
      const headers = tableFrom({ [header]: "not-an-array" });
      client.publish(1, { routingKey: broker.name("queue") }, "", { headers });
      const text = `PRECONDITION_FAILED - invalid message: {unacceptable_type_in_header,"${header}",longstr}`;
      await client.expectChannelClose(1, 406, text, 60, 40);
    },
    { sinceRabbitmq: "3.13" },
  );

  methodTest(`[basic.publish/${header}] elements that are not strings are ignored`, async (broker) => {
    const client = await broker.channel();
    const queue = await declareQueue(broker, client);
    const headers = tableFrom({ [header]: [1, true, queue] });
    client.publish(1, { routingKey: broker.name("nowhere") }, "", { headers });
    await expectReady(client, queue, 1);
  });
}

methodTest("[basic.publish/CC] is delivered with the original routing key; BCC is removed", async (broker) => {
  const client = await broker.channel();
  const to = await declareQueue(broker, client);
  const [cc, bcc] = [await declareQueue(broker, client), await declareQueue(broker, client)];
  const headers = tableFrom({ CC: [cc], BCC: [bcc], mine: "kept" });
  client.publish(1, { routingKey: to }, "body", { headers, appId: "test" });
  for (const queue of [to, cc, bcc]) {
    await expectReady(client, queue, 1);
    const message = await client.get(1, { queue });
    assert.equal(message?.args.routingKey, to);
    const kept = new Map([...headers].filter(([key]) => key !== "BCC"));
    assert.deepEqual(new Map([...(message?.properties.headers ?? [])].sort()), kept);
    assert.equal(message?.properties.appId, "test");
    assert.equal(message?.body.toString(), "body");
  }
});

methodTest(
  "[basic.publish/max-message-size] a larger message is 406 message size N is larger than M",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declareQueue(broker, client);
    const size = 16 * 1024 * 1024 + 1;
    client.publish(1, { routingKey: queue }, Buffer.alloc(size));
    const text = `PRECONDITION_FAILED - message size ${size} is larger than configured max size ${size - 1}`;
    await client.expectChannelClose(1, 406, text, 60, 40);
    await client.call(1, "channel.open");
    await expectReady(client, queue, 0);
  },
  { sinceRabbitmq: "4.0" },
);

methodTest("[basic.publish/max-message-size] the largest message passes", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  const body = Buffer.alloc(16 * 1024 * 1024, "x");
  client.publish(1, { routingKey: queue }, body);
  await expectReady(client, queue, 1);
  const message = await client.get(1, { queue, noAck: true });
  assert.ok(message?.body.equals(body));
});

methodTest("[basic.publish/queue-gone] a message in flight to a deleted queue is confirmed", async (broker) => {
  const client = await broker.channel();
  const queue = await declareSharedQueue(broker, client, { durable: true });
  await client.call(1, "confirm.select");
  client.publish(1, { routingKey: queue }, "", { deliveryMode: 2 });
  client.send(1, "queue.delete", { queue });
  assert.equal((await client.find(1, "basic.ack")).args.deliveryTag, 1);
});
