import assert from "node:assert/strict";
import { tableFrom } from "../../src/wire/field-table.ts";
import { methodTest } from "../support/method-test.ts";
import { consume, declareExchange, declareQueue, drain, expectReady, fill, lockedText } from "../support/queues.ts";

methodTest("[basic.get] get-ok carries the message and how many are left", async (broker) => {
  const client = await broker.channel();
  const exchange = await declareExchange(broker, client);
  const queue = await declareQueue(broker, client);
  await client.call(1, "queue.bind", { queue, exchange, routingKey: "key" });
  const properties = { messageId: "m1", headers: tableFrom({ n: 1 }) };
  for (const body of ["a", "b", "c"]) client.publish(1, { exchange, routingKey: "key" }, body, properties);
  await expectReady(client, queue, 3);
  const message = await client.get(1, { queue });
  const args = { deliveryTag: 1, redelivered: false, exchange, routingKey: "key", messageCount: 2 };
  assert.deepEqual(message, { args, properties, body: Buffer.from("a") });
  assert.equal((await client.get(1, { queue }))?.args.deliveryTag, 2);
});

methodTest("[basic.get] an empty queue is get-empty with an empty cluster-id", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  assert.equal(await client.get(1, { queue }), undefined);
  assert.deepEqual(client.frames.at(-1)?.payload, Buffer.from([0, 60, 0, 72, 0]));
});

methodTest("[basic.get] without no-ack the message is unacknowledged", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a"]);
  await client.get(1, { queue });
  assert.equal(await client.get(1, { queue }), undefined);
  client.send(1, "basic.ack", { deliveryTag: 1 });
  await client.call(1, "channel.close", { replyCode: 200 });
  await client.call(1, "channel.open");
  assert.deepEqual(await drain(client, queue), []);
});

methodTest("[basic.get/no-ack] the message is settled and its tag is unknown", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a"]);
  const message = await client.get(1, { queue, noAck: true });
  assert.equal(message?.args.deliveryTag, 1);
  client.send(1, "basic.ack", { deliveryTag: 1 });
  await client.expectChannelClose(1, 406, "PRECONDITION_FAILED - unknown delivery tag 1", 60, 80);
  await client.call(1, "channel.open");
  assert.deepEqual(await drain(client, queue), []);
});

methodTest("[basic.get] works beside consumers and shares their delivery tags", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a", "b"]);
  await client.call(1, "basic.qos", { prefetchCount: 1 });
  await consume(client, queue);
  assert.equal((await client.find(1, "basic.deliver")).args.deliveryTag, 1);
  const message = await client.get(1, { queue });
  assert.deepEqual([message?.args.deliveryTag, message?.body.toString()], [2, "b"]);
});

methodTest("[basic.get] a missing queue is 404 no queue 'x' in vhost '/'", async (broker) => {
  const client = await broker.channel();
  const queue = broker.name("missing");
  client.send(1, "basic.get", { queue });
  await client.expectChannelClose(1, 404, `NOT_FOUND - no queue '${queue}' in vhost '/'`, 60, 70);
});

methodTest("[basic.get/last-declared] the empty name is the queue declared last on the channel", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a"]);
  assert.equal((await client.get(1, { queue: "" }))?.body.toString(), "a");
});

methodTest("[basic.get/last-declared] with none declared is 404 no previously declared queue", async (broker) => {
  const client = await broker.channel();
  client.send(1, "basic.get", { queue: "" });
  await client.expectChannelClose(1, 404, "NOT_FOUND - no previously declared queue", 60, 70);
});

methodTest("[basic.get/exclusive] another connection's queue is 405", async (broker) => {
  const owner = await broker.channel();
  const other = await broker.channel();
  const queue = await declareQueue(broker, owner);
  other.send(1, "basic.get", { queue });
  await other.expectChannelClose(1, 405, lockedText(queue), 60, 70);
});
