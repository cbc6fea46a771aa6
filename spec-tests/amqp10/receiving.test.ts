import assert from "node:assert/strict";
import { test } from "node:test";
import type { Connection, EventContext, Receiver } from "rhea";
import rhea from "rhea";
import type { Channel } from "../../src/client/channel.ts";
import { long, longstr } from "../../src/wire/field-table.ts";
import { type Amqp10Broker, event, openReceiver, openSender, receive, startAmqp10Broker } from "./test-client.ts";

/** Part 3.5.10. */
const DELETE_ON_CLOSE = 0x2b;

interface Setting {
  readonly broker: Amqp10Broker;
  readonly channel: Channel;
  readonly client: Connection;
}

async function setUp(t: Parameters<typeof startAmqp10Broker>[0], queueArguments: object = {}): Promise<Setting> {
  const broker = startAmqp10Broker(t);
  const channel = await (await broker.client091()).openChannel();
  await channel.call("queue.declare", {
    queue: "q",
    durable: true,
    arguments: new Map(Object.entries(queueArguments)),
  });
  await channel.confirmSelect();
  return { broker, channel, client: await broker.client() };
}

async function publish({ channel }: Setting, ...bodies: string[]): Promise<void> {
  for (const body of bodies) await channel.publishConfirmed({ routingKey: "q" }, Buffer.from(body));
}

function text({ message }: EventContext): string {
  return String((message?.body as { content: Buffer } | undefined)?.content);
}

async function ready({ channel }: Setting): Promise<number> {
  return (await channel.call("queue.declare", { queue: "q", passive: true })).messageCount;
}

/** Waits until the broker has seen everything the client has sent. */
async function settle(client: Connection): Promise<void> {
  const sender = await openSender(client, {});
  sender.close();
  await event(sender, "sender_close");
}

test("[flow] credit drives delivery", async (t) => {
  const setting = await setUp(t);
  await publish(setting, "1", "2", "3");
  const receiver = await openReceiver(setting.client, "/queues/q");
  assert.equal(text(await receive(receiver)), "1");
  await settle(setting.client);
  assert.equal(await ready(setting), 2);
  assert.equal(text(await receive(receiver)), "2");
});

test("[flow] drain uses the credit up when the queue is empty", async (t) => {
  const setting = await setUp(t);
  await publish(setting, "1", "2");
  const receiver = await openReceiver(setting.client, "/queues/q");
  let messages = 0;
  receiver.on("message", () => messages++);
  receiver.add_credit(10);
  receiver.drain_credit();
  await event(receiver, "receiver_drained");
  assert.equal(messages, 2);
  assert.equal((receiver as unknown as { credit: number }).credit, 0);
});

test("[disposition] accepted removes, released makes ready again without a failure counted", async (t) => {
  const setting = await setUp(t, { "x-queue-type": longstr("quorum") });
  await publish(setting, "1");
  const receiver = await openReceiver(setting.client, "/queues/q");
  const first = await receive(receiver);
  assert.equal(first.message?.first_acquirer, true);
  assert.equal(first.message?.delivery_count, 0);
  first.delivery?.release();
  const second = await receive(receiver);
  assert.equal(second.message?.first_acquirer, false);
  assert.equal(second.message?.delivery_count, 0);
  second.delivery?.accept();
  await settle(setting.client);
  assert.equal(await ready(setting), 0);
});

test("[disposition] modified with delivery-failed counts, with undeliverable-here and rejected it dies", async (t) => {
  const setting = await setUp(t, {
    "x-queue-type": longstr("quorum"),
    "x-dead-letter-exchange": longstr(""),
    "x-dead-letter-routing-key": longstr("dead"),
  });
  await setting.channel.call("queue.declare", { queue: "dead" });
  await publish(setting, "1", "2");
  const receiver = await openReceiver(setting.client, "/queues/q");
  (await receive(receiver)).delivery?.modified({ delivery_failed: true, undeliverable_here: false } as never);
  const again = await receive(receiver);
  assert.equal(text(again), "1");
  assert.equal(again.message?.delivery_count, 1);
  again.delivery?.modified({ delivery_failed: true, undeliverable_here: true } as never);
  (await receive(receiver)).delivery?.reject({ condition: "app:bad" } as never);
  const dead = await openReceiver(setting.client, "/queues/dead");
  for (const body of ["1", "2"]) {
    const context = await receive(dead);
    assert.equal(text(context), body);
    const deaths = context.message?.message_annotations?.["x-opt-deaths"];
    assert.equal(deaths[0].queue, "q");
    assert.equal(deaths[0].reason, "rejected");
  }
});

test("[settled] with sender-settle-mode settled nothing is acknowledged", async (t) => {
  const setting = await setUp(t);
  await publish(setting, "1", "2");
  const receiver = await openReceiver(setting.client, "/queues/q", { snd_settle_mode: 1 });
  const { delivery } = await receive(receiver);
  assert.equal(delivery?.remote_settled, true);
  receiver.close();
  await event(receiver, "receiver_close");
  assert.equal(await ready(setting), 1);
});

test("[detach] a link that goes leaves what it has not settled ready again", async (t) => {
  const setting = await setUp(t);
  await publish(setting, "1");
  const receiver = await openReceiver(setting.client, "/queues/q");
  await receive(receiver);
  assert.equal(await ready(setting), 0);
  receiver.close();
  await event(receiver, "receiver_close");
  assert.equal(await ready(setting), 1);
});

test("[detach] what a link hands back by going is no failure, what a lost connection had is", async (t) => {
  const setting = await setUp(t, { "x-queue-type": longstr("quorum") });
  await publish(setting, "1");
  const receiver = await openReceiver(setting.client, "/queues/q");
  await receive(receiver);
  receiver.close();
  await event(receiver, "receiver_close");
  const lost = await setting.broker.client();
  const { message } = await receive(await openReceiver(lost, "/queues/q"));
  assert.equal(message?.delivery_count, 0);
  (lost as unknown as { socket: { destroy(): void } }).socket.destroy();
  const again = await receive(await openReceiver(setting.client, "/queues/q"));
  assert.equal(again.message?.delivery_count, 1);
});

test("[detach] the link of a queue that is deleted ends with amqp:resource-deleted", async (t) => {
  const setting = await setUp(t);
  const receiver = await openReceiver(setting.client, "/queues/q");
  const gone = event(receiver, "receiver_error", []);
  await setting.channel.call("queue.delete", { queue: "q" });
  const error = (await gone).receiver?.error as { condition?: string };
  assert.equal(error.condition, "amqp:resource-deleted");
});

test("[attach] a queue of another connection is locked", async (t) => {
  const setting = await setUp(t);
  await setting.channel.call("queue.declare", { queue: "mine", exclusive: true });
  const receiver = setting.client.open_receiver("/queues/mine");
  const error = (await event(receiver, "receiver_error", [])).receiver?.error as { condition?: string };
  assert.equal(error.condition, "amqp:resource-locked");
});

test("[attach] rabbitmq:priority is the consumer's priority", async (t) => {
  const setting = await setUp(t);
  const low = await openReceiver(setting.client, "/queues/q", { name: "low" });
  const high = await openReceiver(setting.client, "/queues/q", {
    name: "high",
    properties: { "rabbitmq:priority": rhea.types.wrap_int(5) },
  } as object);
  const order: string[] = [];
  for (const receiver of [low, high]) receiver.on("message", () => order.push(receiver.name));
  low.add_credit(10);
  high.add_credit(2);
  await settle(setting.client);
  await publish(setting, "1", "2", "3");
  await settle(setting.client);
  assert.deepEqual(order, ["high", "high", "low"]);
});

test("[delivery-count] a classic queue counts failures, and nothing that was only released", async (t) => {
  const setting = await setUp(t);
  await publish(setting, "1", "2");
  const receiver = await openReceiver(setting.client, "/queues/q");
  const counts: (number | undefined)[] = [];
  const next = async (): Promise<EventContext> => {
    const context = await receive(receiver);
    counts.push(context.message?.delivery_count);
    return context;
  };
  (await next()).delivery?.release();
  (await next()).delivery?.modified({ delivery_failed: true });
  (await next()).delivery?.modified({ delivery_failed: true });
  (await next()).delivery?.release();
  (await next()).delivery?.accept();
  await next();
  assert.deepEqual(counts, [0, 0, 1, 2, 2, 0], "the last is another message");
});

test("[delivery-count] a message whose receiver is lost counts as failed", async (t) => {
  const setting = await setUp(t);
  await publish(setting, "1");
  const { client } = setting;
  await receive(await openReceiver(client, "/queues/q"));
  client.close();
  await event(client, "connection_close");
  const { message } = await receive(await openReceiver(await setting.broker.client(), "/queues/q"));
  assert.equal(message?.delivery_count, 1);
});

test("[attach] the answer has the capabilities that there are, and what a dynamic node's life is", async (t) => {
  const { client } = await setUp(t);
  const asked = { dynamic: true, capabilities: ["temporary-queue", "rabbitmq:volatile-queue"] };
  const { source } = await openReceiver(client, asked);
  assert.deepEqual(source.capabilities, ["temporary-queue"]);
  const lifetime = (source as { dynamic_node_properties?: Record<string, { descriptor: { value: number } }> })
    .dynamic_node_properties?.["lifetime-policy"];
  assert.equal(Number(lifetime?.descriptor.value), DELETE_ON_CLOSE);
});

test("[dynamic] a dynamic source is a queue of the connection, gone with the link", async (t) => {
  const setting = await setUp(t);
  const receiver = await openReceiver(setting.client, { dynamic: true });
  const address = receiver.source.address as string;
  assert.match(address, /^\/queues\/amq\.gen-/);
  const sender = await openSender(setting.client, {});
  sender.send({ to: address, body: "reply" });
  assert.equal((await receive(receiver)).message?.body, "reply");
  receiver.close();
  await event(receiver, "receiver_close");
  const { sender: refused } = await event(setting.client.open_sender(address), "sender_error", []);
  assert.equal((refused?.error as { condition?: string } | undefined)?.condition, "amqp:not-found");
});

test("[stream] offset, filter and match-unfiltered come as filters of the source", async (t) => {
  const setting = await setUp(t, { "x-queue-type": longstr("stream") });
  const { client } = setting;
  const sender = await openSender(client, "/queues/q");
  for (const [body, filter] of [
    ["a", "x"],
    ["b", "y"],
    ["c", undefined],
    ["d", "x"],
  ] as const) {
    const annotations = filter === undefined ? {} : { message_annotations: { "x-stream-filter-value": filter } };
    sender.send({ body, ...annotations });
    await event(sender, "accepted");
  }
  const filtered = await openReceiver(client, {
    address: "/queues/q",
    filter: {
      o: rhea.types.wrap_described("first", "rabbitmq:stream-offset-spec" as never),
      f: rhea.types.wrap_described("x", "rabbitmq:stream-filter" as never),
      m: rhea.types.wrap_described(true, "rabbitmq:stream-match-unfiltered" as never),
    },
  });
  assert.deepEqual(await bodies(filtered, 3), ["a", "c", "d"]);
  const fromTwo = await openReceiver(client, {
    address: "/queues/q",
    filter: { o: rhea.types.wrap_described(rhea.types.wrap_ulong(2), "rabbitmq:stream-offset-spec" as never) },
  });
  const { message } = await receive(fromTwo);
  assert.equal(message?.body, "c");
  assert.equal(message?.message_annotations?.["x-stream-offset"], 2);
});

test("[selector] a subscription to a topic gets what it selects, and publishes go by key", async (t) => {
  const { client } = await setUp(t);
  const source = {
    address: "news.#",
    capabilities: ["topic"],
    filter: rhea.filter.selector("colour = 'red' AND weight > 2.5 OR JMSPriority BETWEEN 8 AND 9"),
  };
  const receiver = await openReceiver(client, source);
  const sender = await openSender(client, { address: "news.sport", capabilities: ["topic"] });
  const messages = [
    { body: "1", application_properties: { colour: "red", weight: 3 } },
    { body: "2", application_properties: { colour: "red", weight: 2 } },
    { body: "3", priority: 8 },
    { body: "4", application_properties: { colour: "blue", weight: 3 } },
    { body: "5", application_properties: { colour: "red", weight: 2.75 } },
  ];
  for (const message of messages) {
    sender.send(message);
    await event(sender, "accepted");
  }
  assert.deepEqual(await bodies(receiver, 3), ["1", "3", "5"]);
  assert.ok(Object.keys(receiver.source.filter ?? {}).includes("jms-selector"), "the filter in place is told");
});

test("[selector] one on a queue is not in effect, and the answer says so", async (t) => {
  const { client } = await setUp(t);
  const receiver = await openReceiver(client, { address: "/queues/q", filter: rhea.filter.selector("a = 1") });
  assert.deepEqual(receiver.source.filter, {}, "an empty map: it is not in effect");
});

async function bodies(receiver: Receiver, count: number): Promise<unknown[]> {
  const found: unknown[] = [];
  while (found.length < count) {
    const { message, delivery } = await receive(receiver);
    found.push(message?.body);
    delivery?.accept();
  }
  return found;
}

test("[headers] x-delivery-count and x-acquired-count are told as RabbitMQ does", async (t) => {
  const setting = await setUp(t, { "x-queue-type": longstr("quorum"), "x-delivery-limit": long(5) });
  await publish(setting, "1");
  const receiver = await openReceiver(setting.client, "/queues/q");
  (await receive(receiver)).delivery?.release();
  const { message } = await receive(receiver);
  assert.equal(message?.message_annotations?.["x-acquired-count"], 1);
  assert.equal(message?.message_annotations?.["x-exchange"], "");
  assert.equal(message?.message_annotations?.["x-routing-key"], "q");
});
