import assert from "node:assert/strict";
import { type PlainFieldValue, tableFrom } from "../../src/wire/field-table.ts";
import { methodTest } from "../support/method-test.ts";
import { declareExchange, declareQueue, expectReady, lockedText } from "../support/queues.ts";

methodTest("[queue.bind] messages flow to the queue", async (broker) => {
  const client = await broker.channel();
  const exchange = await declareExchange(broker, client);
  const queue = await declareQueue(broker, client);
  await client.call(1, "queue.bind", { queue, exchange, routingKey: "key" });
  client.publish(1, { exchange, routingKey: "key" }, "a");
  client.publish(1, { exchange, routingKey: "other" }, "b");
  await expectReady(client, queue, 1);
});

methodTest("[queue.bind] is idempotent: one copy, one unbind", async (broker) => {
  const client = await broker.channel();
  const exchange = await declareExchange(broker, client);
  const queue = await declareQueue(broker, client);
  for (let round = 0; round < 2; round++) await client.call(1, "queue.bind", { queue, exchange, routingKey: "key" });
  client.publish(1, { exchange, routingKey: "key" });
  await expectReady(client, queue, 1);
  await client.call(1, "queue.unbind", { queue, exchange, routingKey: "key" });
  await client.call(1, "exchange.delete", { exchange, ifUnused: true });
});

methodTest("[queue.bind] a queue bound twice by different keys gets one copy", async (broker) => {
  const client = await broker.channel();
  const exchange = await declareExchange(broker, client, "topic");
  const queue = await declareQueue(broker, client);
  for (const routingKey of ["a.*", "*.b", "#"]) await client.call(1, "queue.bind", { queue, exchange, routingKey });
  client.publish(1, { exchange, routingKey: "a.b" });
  await expectReady(client, queue, 1);
});

methodTest("[queue.bind/no-wait] binds without a reply", async (broker) => {
  const client = await broker.channel();
  const exchange = await declareExchange(broker, client);
  const queue = await declareQueue(broker, client);
  client.send(1, "queue.bind", { queue, exchange, routingKey: "key", noWait: true });
  client.publish(1, { exchange, routingKey: "key" });
  await expectReady(client, queue, 1);
});

methodTest(
  "[queue.bind/last-declared] the empty queue name is the queue declared last on the channel",
  async (broker) => {
    const client = await broker.channel();
    const exchange = await declareExchange(broker, client);
    await declareQueue(broker, client);
    const queue = await declareQueue(broker, client);
    await client.call(1, "queue.bind", { queue: "", exchange, routingKey: "key" });
    client.publish(1, { exchange, routingKey: "key" });
    await expectReady(client, queue, 1);
  },
);

methodTest("[queue.bind/last-declared] empty queue and empty key: the key is the queue's name too", async (broker) => {
  const client = await broker.channel();
  const exchange = await declareExchange(broker, client);
  const queue = await declareQueue(broker, client);
  await client.call(1, "queue.bind", { queue: "", exchange, routingKey: "" });
  client.publish(1, { exchange, routingKey: queue });
  client.publish(1, { exchange, routingKey: "" });
  await expectReady(client, queue, 1);
});

methodTest("[queue.bind/last-declared] with none declared is 404 no previously declared queue", async (broker) => {
  const client = await broker.channel();
  await client.call(2, "channel.open");
  await client.call(2, "queue.declare", { queue: broker.name("queue"), exclusive: true });
  client.send(1, "queue.bind", { queue: "", exchange: "amq.direct", routingKey: "key" });
  await client.expectChannelClose(1, 404, "NOT_FOUND - no previously declared queue", 50, 20);
});

methodTest("[queue.bind] a missing queue is 404 no queue 'x' in vhost '/'", async (broker) => {
  const client = await broker.channel();
  const queue = broker.name("missing");
  client.send(1, "queue.bind", { queue, exchange: "amq.direct", routingKey: "key" });
  await client.expectChannelClose(1, 404, `NOT_FOUND - no queue '${queue}' in vhost '/'`, 50, 20);
});

methodTest("[queue.bind] a missing exchange is 404 no exchange 'x' in vhost '/'", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  const exchange = broker.name("missing");
  client.send(1, "queue.bind", { queue, exchange, routingKey: "key" });
  await client.expectChannelClose(1, 404, `NOT_FOUND - no exchange '${exchange}' in vhost '/'`, 50, 20);
});

methodTest("[queue.bind] to the default exchange is 403 operation not permitted", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  client.send(1, "queue.bind", { queue, exchange: "", routingKey: "key" });
  await client.expectChannelClose(1, 403, "ACCESS_REFUSED - operation not permitted on the default exchange", 50, 20);
});

methodTest("[queue.bind/exclusive] another connection's queue is 405", async (broker) => {
  const owner = await broker.channel();
  const other = await broker.channel();
  const queue = await declareQueue(broker, owner);
  other.send(1, "queue.bind", { queue, exchange: "amq.direct", routingKey: "key" });
  await other.expectChannelClose(1, 405, lockedText(queue), 50, 20);
});

for (const value of ["zz", ""]) {
  methodTest(
    `[queue.bind/x-match] '${value}' is 406 Invalid x-match field value`,
    async (broker) => {
      const client = await broker.channel();
      const queue = await declareQueue(broker, client);
      client.send(1, "queue.bind", { queue, exchange: "amq.headers", arguments: tableFrom({ "x-match": value }) });
      const text = `PRECONDITION_FAILED - Invalid x-match field value <<${value === "" ? "" : `"${value}"`}>>; expected all, any, all-with-x, or any-with-x`;
      await client.expectChannelClose(1, 406, text, 50, 20);
    },
    { sinceRabbitmq: "3.12" },
  );
}

const TOPICS: readonly [pattern: string, key: string, matches: boolean][] = [
  ["#", "", true],
  ["*", "", false],
  ["*", "a", true],
  ["a.*", "a.", true],
  ["a.*", "a", false],
  ["a.#", "a", true],
  ["a.#", "a.b.c", true],
  ["#.c", "a.b.c", true],
  ["#.b.#", "a.b.c", true],
  ["a.*.c", "a.b.c", true],
  ["a.*.c", "a.b.b.c", false],
  ["*.#.*", "a", false],
  ["*.#.*", "a.b", true],
  ["A", "a", false],
];

for (const [pattern, key, matches] of TOPICS) {
  methodTest(`[queue.bind/topic] '${pattern}' ${matches ? "matches" : "does not match"} '${key}'`, async (broker) => {
    const client = await broker.channel();
    const exchange = await declareExchange(broker, client, "topic");
    const queue = await declareQueue(broker, client);
    await client.call(1, "queue.bind", { queue, exchange, routingKey: pattern });
    client.publish(1, { exchange, routingKey: key, mandatory: true });
    if (matches) await expectReady(client, queue, 1);
    else assert.equal((await client.expectContent(1, "basic.return")).args.replyCode, 312);
  });
}

const HEADERS: readonly [
  binding: Readonly<Record<string, PlainFieldValue>>,
  headers: Readonly<Record<string, PlainFieldValue>>,
  matches: boolean,
][] = [
  [{}, {}, true],
  [{}, { a: 1 }, true],
  [{ a: "1" }, { a: "1", b: "2" }, true],
  [{ a: "1" }, { a: "2" }, false],
  [{ a: "1", b: "2" }, { a: "1" }, false],
  [{ "x-match": "all", a: "1", b: "2" }, { a: "1", b: "2" }, true],
  [{ "x-match": "any", a: "1", b: "2" }, { b: "2" }, true],
  [{ "x-match": "any", a: "1", b: "2" }, { a: "2", b: "1" }, false],
  [{ "x-match": "any" }, { a: 1 }, false],
  [{ a: null }, { a: "whatever" }, true],
  [{ a: null }, {}, false],
  [{ a: 1 }, { a: "1" }, false],
  [{ a: 1 }, { a: 1.5 }, false],
  [{ "x-mine": "1" }, {}, true],
];

for (const [binding, published, matches] of HEADERS) {
  const title = `${JSON.stringify(binding)} ${matches ? "matches" : "does not match"} ${JSON.stringify(published)}`;
  methodTest(`[queue.bind/headers] ${title}`, async (broker) => {
    const client = await broker.channel();
    const exchange = await declareExchange(broker, client, "headers");
    const queue = await declareQueue(broker, client);
    await client.call(1, "queue.bind", { queue, exchange, arguments: tableFrom(binding) });
    client.publish(1, { exchange, routingKey: "", mandatory: true }, "", { headers: tableFrom(published) });
    if (matches) await expectReady(client, queue, 1);
    else assert.equal((await client.expectContent(1, "basic.return")).args.replyCode, 312);
  });
}

for (const mode of ["all-with-x", "any-with-x"]) {
  methodTest(`[queue.bind/headers] x-match=${mode} looks at keys that start with x- too`, async (broker) => {
    const client = await broker.channel();
    const exchange = await declareExchange(broker, client, "headers");
    const queue = await declareQueue(broker, client);
    await client.call(1, "queue.bind", { queue, exchange, arguments: tableFrom({ "x-match": mode, "x-mine": "1" }) });
    client.publish(1, { exchange, routingKey: "" }, "", { headers: tableFrom({ "x-mine": "1" }) });
    client.publish(1, { exchange, routingKey: "" }, "", { headers: tableFrom({ "x-mine": "2" }) });
    await expectReady(client, queue, 1);
  });
}
