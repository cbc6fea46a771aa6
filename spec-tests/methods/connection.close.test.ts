import assert from "node:assert/strict";
import { expectStart, expectTune } from "../support/handshake.ts";
import { methodTest } from "../support/method-test.ts";
import {
  consume,
  declareQueue,
  declareSharedQueue,
  deliveredBodies,
  drain,
  expectReady,
  fill,
} from "../support/queues.ts";

const HALF_CLOSE = "RabbitMQ may end a connection as soon as its client does";

const OK = { replyCode: 200, replyText: "OK" };

methodTest("[connection.close] is answered with close-ok, then the socket ends", async (broker) => {
  const client = await broker.channel();
  await client.close();
  await client.expectEnd();
});

methodTest("[connection.close] is accepted with channels open and work in progress", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await consume(client, queue);
  client.send(1, "basic.publish", { routingKey: queue });
  await client.close();
});

methodTest(
  "[connection.close] exclusive queues are gone before close-ok",
  async (broker) => {
    const owner = await broker.channel();
    const other = await broker.channel();
    const queue = await declareQueue(broker, owner);
    await owner.close();
    assert.deepEqual(await other.call(1, "queue.delete", { queue }), { messageCount: 0 });
    await declareSharedQueue(broker, other, { queue, autoDelete: true });
  },
  { leveretOnly: "other connections to RabbitMQ 4.3 see it a moment later" },
);

methodTest("[connection.close] unacknowledged messages go back to their positions", async (broker) => {
  const one = await broker.channel();
  const other = await broker.channel();
  const queue = await declareSharedQueue(broker, one);
  await fill(one, queue, ["a", "b", "c"]);
  await consume(one, queue);
  await deliveredBodies(one, 3);
  one.send(1, "basic.ack", { deliveryTag: 2 });
  await one.close();
  await expectReady(other, queue, 2);
  assert.deepEqual(await drain(other, queue), ["a", "c"]);
});

methodTest("[connection.close] consumers are gone, and with them auto-delete queues", async (broker) => {
  const one = await broker.channel();
  const other = await broker.channel();
  const queue = await declareSharedQueue(broker, one, { autoDelete: true });
  await consume(one, queue);
  await one.close();
  other.send(1, "queue.declare", { queue, passive: true });
  await other.expectChannelClose(1, 404, `NOT_FOUND - no queue '${queue}' in vhost '/'`, 50, 10);
});

methodTest("[connection.close] after it the broker ignores what the client still sends", async (broker) => {
  const client = await broker.channel();
  client.send(0, "connection.close", OK);
  client.send(1, "access.request");
  client.send(7, "channel.open");
  await client.expect(0, "connection.close-ok");
  client.end();
  await client.expectEnd();
  assert.deepEqual([...client.waiting(1), ...client.waiting(7)], []);
});

methodTest("[connection.close] a crossing connection.close is answered", async (broker) => {
  const client = await broker.channel();
  client.send(1, "channel.flow", { active: false });
  client.send(0, "connection.close", OK);
  await client.expect(0, "connection.close");
  await client.expect(0, "connection.close-ok");
  client.send(0, "connection.close-ok");
  await client.expectEnd();
});

methodTest("[connection.close] while the broker closes, methods on channels are ignored", async (broker) => {
  const client = await broker.channel();
  client.send(1, "channel.flow", { active: false });
  client.send(1, "access.request");
  await client.expectConnectionClose(540, "NOT_IMPLEMENTED - active=false", 20, 20);
  await client.expectEnd();
  assert.deepEqual(client.waiting(1), []);
});

methodTest(
  "[connection.close] is answered in the middle of the handshake",
  async (broker) => {
    const early = await broker.rawClient();
    await expectStart(early);
    early.send(0, "connection.close", OK);
    await early.expect(0, "connection.close-ok");
    const late = await broker.rawClient();
    await expectTune(late);
    late.send(0, "connection.close", OK);
    await late.expect(0, "connection.close-ok");
  },
  { leveretOnly: "RabbitMQ answers connection.close only once the connection is open" },
);

methodTest("[connection.close-ok] out of the blue is 504 or ignored, and others are served on", async (broker) => {
  const client = await broker.connect();
  const other = await broker.channel();
  client.send(0, "connection.close-ok");
  await other.call(1, "access.request");
});

methodTest(
  "[connection/half-close] what was asked before the client's last octet is answered",
  async (broker) => {
    const client = await broker.channel();
    client.send(1, "access.request");
    client.end();
    await client.expect(1, "access.request-ok");
  },
  { leveretOnly: HALF_CLOSE },
);

methodTest(
  "[connection/half-close] what waits for the disk is answered too, and what came behind it is done",
  async (broker) => {
    const client = await broker.channel();
    const [first, second] = [broker.name("queue"), broker.name("queue")];
    client.send(1, "queue.declare", { queue: first, durable: true });
    client.publish(1, { exchange: "", routingKey: first }, "behind");
    client.send(1, "queue.declare", { queue: second, durable: true });
    client.publish(1, { exchange: "", routingKey: second }, "behind that");
    client.end();
    await client.expect(1, "queue.declare-ok");
    await client.expect(1, "queue.declare-ok");
    await client.expectEnd();
    const other = await broker.channel();
    assert.deepEqual([await drain(other, first), await drain(other, second)], [["behind"], ["behind that"]]);
  },
  { leveretOnly: HALF_CLOSE },
);
