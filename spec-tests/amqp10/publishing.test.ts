import assert from "node:assert/strict";
import { test } from "node:test";
import type { EventContext } from "rhea";
import { event, openSender, send, startAmqp10Broker } from "./test-client.ts";

async function brokerWithQueue(t: Parameters<typeof startAmqp10Broker>[0], args: object = {}) {
  const broker = startAmqp10Broker(t);
  const channel = await (await broker.client091()).openChannel();
  await channel.call("queue.declare", { queue: "q", ...args });
  return { broker, channel, client: await broker.client() };
}

function errorOf({ sender }: EventContext): { condition?: string; description?: string } {
  return sender?.error as { condition?: string; description?: string };
}

test("[target] /exchanges/:exchange/:key publishes with that key, without it with none", async (t) => {
  const { client, channel } = await brokerWithQueue(t);
  await channel.call("queue.bind", { queue: "q", exchange: "amq.direct", routingKey: "a/b" });
  const withKey = await openSender(client, "/exchanges/amq.direct/a%2Fb");
  assert.equal((await send(withKey, { body: "1" })).outcome, "accepted");
  const without = await openSender(client, "/exchanges/amq.direct");
  assert.equal((await send(without, { body: "2" })).outcome, "released");
  assert.equal((await channel.call("queue.purge", { queue: "q" })).messageCount, 1);
});

test("[target] an unroutable message is released", async (t) => {
  const { client } = await brokerWithQueue(t);
  const sender = await openSender(client, "/exchanges/amq.direct/nowhere");
  assert.equal((await send(sender, { body: "x" })).outcome, "released");
});

test("[target] a message that a full queue refuses is rejected", async (t) => {
  const { client } = await brokerWithQueue(t, {
    arguments: new Map([
      ["x-max-length", { type: "long", value: 1n }],
      ["x-overflow", { type: "longstr", value: "reject-publish" }],
    ]),
  });
  const sender = await openSender(client, "/queues/q");
  assert.equal((await send(sender, { body: "1" })).outcome, "accepted");
  const { outcome, context } = await send(sender, { body: "2" });
  assert.equal(outcome, "rejected");
  const state = context.delivery?.remote_state as { error?: { condition: string } } | undefined;
  assert.equal(state?.error?.condition, "amqp:resource-limit-exceeded");
});

test("[target] addresses that cannot be are refused with RabbitMQ's conditions", async (t) => {
  const { client } = await brokerWithQueue(t);
  for (const [target, condition] of [
    ["/queues/none", "amqp:not-found"],
    ["/exchanges/none/key", "amqp:not-found"],
    ["/exchanges/amq.default/key", "amqp:invalid-field"],
    ["/exchanges//key", "amqp:invalid-field"],
    ["/exchanges/a/b/c", "amqp:invalid-field"],
    ["/queues/", "amqp:invalid-field"],
    ["/queues/%zz", "amqp:invalid-field"],
    ["/exchanges/amq.rabbitmq.trace/key", "amqp:unauthorized-access"],
    ["plain", "amqp:not-found"],
  ] as const) {
    const sender = client.open_sender(target);
    assert.equal(errorOf(await event(sender, "sender_error", [])).condition, condition, target);
  }
});

test("[target] through the anonymous terminus each message has its own address", async (t) => {
  const { client, channel } = await brokerWithQueue(t);
  const sender = await openSender(client, {});
  assert.equal((await send(sender, { to: "/queues/q", body: "1" })).outcome, "accepted");
  assert.equal((await send(sender, { to: "/queues/none", body: "2" })).outcome, "released");
  for (const message of [{ body: "3" }, { to: "q", body: "4" }, { to: "/exchanges/none/k", body: "5" }]) {
    assert.equal((await send(sender, message)).outcome, "rejected");
  }
  assert.equal((await channel.call("queue.purge", { queue: "q" })).messageCount, 1);
});

test("[target] a plain name with capability queue is a queue, created when there is none", async (t) => {
  const { client, broker } = await brokerWithQueue(t);
  const sender = await openSender(client, { address: "jms.queue", capabilities: ["queue"] });
  assert.equal((await send(sender, { body: "1" })).outcome, "accepted");
  assert.equal(broker.broker.findVhost("/")?.findQueue("jms.queue")?.readyCount, 1);
});

test("[credit] a client gets 170, and more before it runs out", async (t) => {
  const { client, broker } = await brokerWithQueue(t);
  const sender = await openSender(client, "/queues/q");
  assert.equal((sender as unknown as { credit: number }).credit, 170);
  let accepted = 0;
  sender.on("accepted", () => accepted++);
  let sent = 0;
  const sendMore = (): void => {
    while (sent < 1000 && sender.sendable()) {
      sender.send({ body: sent++ });
    }
  };
  sender.on("sendable", sendMore);
  sendMore();
  while (accepted < 1000) await event(sender, "accepted");
  assert.equal(broker.broker.findVhost("/")?.findQueue("q")?.readyCount, 1000);
});

test("[settled] what the client has settled is published without an answer", async (t) => {
  const { client, broker } = await brokerWithQueue(t);
  const sender = await openSender(client, "/queues/q", { snd_settle_mode: 1 });
  for (let index = 0; index < 300; index++) {
    while (!sender.sendable()) await event(sender, "sendable");
    sender.send({ body: index });
  }
  const last = await openSender(client, "/queues/q");
  await send(last, { body: "last" });
  assert.equal(broker.broker.findVhost("/")?.findQueue("q")?.readyCount, 301);
});

test("[transfer] a message larger than a frame is put together, one larger than the limit ends the link", async (t) => {
  const broker = startAmqp10Broker(t, { limits: { messageBytesMax: 1_000_000 } });
  const channel = await (await broker.client091()).openChannel();
  await channel.call("queue.declare", { queue: "q" });
  const client = await broker.client();
  const sender = await openSender(client, "/queues/q");
  assert.equal((await send(sender, { body: rheaData(900_000) })).outcome, "accepted");
  assert.equal((await channel.call("queue.declare", { queue: "q", passive: true })).messageCount, 1);
  sender.send({ body: rheaData(1_100_000) } as never);
  assert.equal(errorOf(await event(sender, "sender_error", [])).condition, "amqp:link:message-size-exceeded");
});

function rheaData(bytes: number): Buffer {
  return Buffer.alloc(bytes, "x");
}
