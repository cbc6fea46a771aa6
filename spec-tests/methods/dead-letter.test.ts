import assert from "node:assert/strict";
import { type FieldTable, tableFrom, tableToRecord } from "../../src/wire/field-table.ts";
import type { Properties } from "../../src/wire/properties.ts";
import { type BrokerUnderTest, methodTest } from "../support/method-test.ts";
import { declareExchange, expectReady, fill } from "../support/queues.ts";
import type { RawClient, ReceivedContent } from "../support/raw-client.ts";
import { deadLettersTo, declareTyped, getSoon, type PlainArguments, takeSoon } from "../support/waiting.ts";

const TYPES = ["classic", "quorum"] as const;

interface Pair {
  readonly queue: string;
  readonly target: string;
}

/** A queue whose dead letters go to another. */
async function pair(
  broker: BrokerUnderTest,
  client: RawClient,
  type: "classic" | "quorum" = "classic",
  queueArguments: PlainArguments = {},
): Promise<Pair> {
  const target = await declareTyped(broker, client, "classic");
  const queue = await declareTyped(broker, client, type, { ...deadLettersTo(target), ...queueArguments });
  return { queue, target };
}

/** Takes the next message of the queue and refuses it for good. */
async function reject(client: RawClient, queue: string): Promise<void> {
  const { args } = await getSoon(client, queue);
  client.send(1, "basic.reject", { deliveryTag: args.deliveryTag, requeue: false });
}

function headersOf(message: ReceivedContent<"basic.get-ok">): FieldTable {
  assert.ok(message.properties.headers !== undefined, "a dead letter has headers");
  return message.properties.headers;
}

/** The entries of x-death, latest first, without their time. */
function deathsOf(message: ReceivedContent<"basic.get-ok">): Record<string, unknown>[] {
  const deaths = tableToRecord(headersOf(message))["x-death"] as Record<string, unknown>[];
  return deaths.map(({ time: _, ...death }) => ({ ...death, count: Number(death["count"]) }));
}

/** Declares a direct exchange and a queue for each key, bound by it; returns their names. */
async function boundQueues(
  broker: BrokerUnderTest,
  client: RawClient,
  keys: readonly string[],
): Promise<{ exchange: string; queues: string[] }> {
  const exchange = await declareExchange(broker, client);
  const queues: string[] = [];
  for (const routingKey of keys) {
    const queue = await declareTyped(broker, client, "classic");
    await client.call(1, "queue.bind", { queue, exchange, routingKey });
    queues.push(queue);
  }
  return { exchange, queues };
}

const COPIES = tableFrom({ CC: ["cc"], BCC: ["bcc"] });

for (const type of TYPES) {
  methodTest(`[dead-letter/rejected] ${type}: basic.reject and basic.nack without requeue`, async (broker) => {
    const client = await broker.channel();
    const { queue, target } = await pair(broker, client, type);
    await fill(client, queue, ["a", "b", "c"]);
    for (let index = 0; index < 3; index++) await getSoon(client, queue);
    client.send(1, "basic.reject", { deliveryTag: 1, requeue: false });
    client.send(1, "basic.nack", { deliveryTag: 3, multiple: true, requeue: false });
    const bodies: string[] = [];
    for (let index = 0; index < 3; index++) {
      const dead = await getSoon(client, target);
      bodies.push(dead.body.toString());
      assert.deepEqual(deathsOf(dead), [
        { count: 1, reason: "rejected", queue, exchange: "", "routing-keys": [queue] },
      ]);
    }
    assert.deepEqual(bodies, ["a", "b", "c"]);
  });

  methodTest(`[dead-letter/expired] ${type}: a message whose time is over`, async (broker) => {
    const client = await broker.channel();
    const { queue, target } = await pair(broker, client, type, { "x-message-ttl": 50 });
    client.publish(1, { routingKey: queue }, "a");
    await broker.pass(100);
    const dead = await getSoon(client, target);
    assert.deepEqual(deathsOf(dead), [{ count: 1, reason: "expired", queue, exchange: "", "routing-keys": [queue] }]);
    assert.equal(dead.args.redelivered, false);
  });

  methodTest(`[dead-letter/maxlen] ${type}: a message dropped from the head`, async (broker) => {
    const client = await broker.channel();
    const { queue, target } = await pair(broker, client, type, { "x-max-length": 1 });
    for (const body of ["a", "b"]) client.publish(1, { routingKey: queue }, body);
    const dead = await getSoon(client, target);
    assert.equal(dead.body.toString(), "a");
    assert.deepEqual(deathsOf(dead), [{ count: 1, reason: "maxlen", queue, exchange: "", "routing-keys": [queue] }]);
  });

  methodTest(
    `[dead-letter] ${type}: a missing exchange, or one that leads nowhere, loses the message silently`,
    async (broker) => {
      const client = await broker.channel();
      const nowhere = await declareExchange(broker, client);
      for (const exchange of [nowhere, broker.name("missing")]) {
        const queue = await declareTyped(broker, client, type, { "x-dead-letter-exchange": exchange });
        await fill(client, queue, ["a"]);
        await reject(client, queue);
        await expectReady(client, queue, 0);
        assert.equal((await client.call(1, "queue.purge", { queue })).messageCount, 0);
      }
    },
  );

  methodTest(`[dead-letter] ${type}: purged and deleted messages are no dead letters`, async (broker) => {
    const client = await broker.channel();
    const { queue, target } = await pair(broker, client, type);
    await fill(client, queue, ["a"]);
    await client.call(1, "queue.purge", { queue });
    await fill(client, queue, ["b"]);
    await client.call(1, "queue.delete", { queue });
    await broker.pass(100);
    await expectReady(client, target, 0);
  });
}

methodTest("[dead-letter/x-death] has these fields, of these types, in this order", async (broker) => {
  const client = await broker.channel();
  const { queue, target } = await pair(broker, client);
  const now = broker.clock.now();
  await fill(client, queue, ["a"], { expiration: "60000", timestamp: 1n });
  await reject(client, queue);
  const headers = headersOf(await getSoon(client, target));
  const deaths = headers.get("x-death");
  assert.ok(deaths?.type === "array" && deaths.value[0]?.type === "table");
  const entry = deaths.value[0].value;
  assert.deepEqual(
    [...entry].map(([name, { type }]) => `${name} ${type}`),
    [
      "original-expiration longstr",
      "count long",
      "reason longstr",
      "queue longstr",
      "time timestamp",
      "exchange longstr",
      "routing-keys array",
    ],
  );
  assert.equal(entry.get("original-expiration")?.value, "60000");
  const seconds = Number(entry.get("time")?.value);
  const from = Math.min(Math.floor(now / 1000), Math.floor(Date.now() / 1000) - 60);
  assert.ok(seconds >= from && seconds <= Date.now() / 1000 + 60, `${seconds} is now, in seconds`);
});

methodTest("[dead-letter/x-first-death] and x-last-death tell of both ends, as strings", async (broker) => {
  const client = await broker.channel();
  const exchange = await declareExchange(broker, client, "fanout");
  const { queue: second, target } = await pair(broker, client);
  const first = await declareTyped(broker, client, "classic", { ...deadLettersTo(second), "x-message-ttl": 50 });
  await client.call(1, "queue.bind", { queue: first, exchange });
  client.publish(1, { exchange, routingKey: "key" }, "a");
  await broker.pass(100);
  await reject(client, second);
  const headers = headersOf(await getSoon(client, target));
  const deaths = [...headers].filter(([name]) => /^x-(first|last)-death-/.test(name)).sort();
  assert.deepEqual(
    deaths.map(([name, { type, value }]) => [name, type, value]),
    [
      ["x-first-death-exchange", "longstr", exchange],
      ["x-first-death-queue", "longstr", first],
      ["x-first-death-reason", "longstr", "expired"],
      ["x-last-death-exchange", "longstr", ""],
      ["x-last-death-queue", "longstr", second],
      ["x-last-death-reason", "longstr", "rejected"],
    ],
  );
});

methodTest("[dead-letter/x-death] each queue and reason is an entry, the latest first", async (broker) => {
  const client = await broker.channel();
  const exchange = await declareExchange(broker, client, "fanout");
  const { queue: second, target } = await pair(broker, client);
  const first = await declareTyped(broker, client, "classic", { ...deadLettersTo(second), "x-message-ttl": 50 });
  await client.call(1, "queue.bind", { queue: first, exchange });
  client.publish(1, { exchange, routingKey: "key" }, "a", { expiration: "70000" });
  await broker.pass(100);
  await reject(client, second);
  assert.deepEqual(deathsOf(await getSoon(client, target)), [
    { count: 1, reason: "rejected", queue: second, exchange: "", "routing-keys": [second] },
    {
      "original-expiration": "70000",
      count: 1,
      reason: "expired",
      queue: first,
      exchange,
      "routing-keys": ["key"],
    },
  ]);
});

methodTest(
  "[dead-letter/x-death] a death that repeats is counted and moves to the front; the rest is as at first",
  async (broker) => {
    const client = await broker.channel();
    const exchange = await declareExchange(broker, client, "fanout");
    const work = broker.name("work");
    const retry = await declareTyped(broker, client, "classic", { ...deadLettersTo(work), "x-message-ttl": 50 });
    const workArguments = tableFrom({ ...deadLettersTo(retry), "x-queue-type": "classic" });
    await client.call(1, "queue.declare", { queue: work, durable: true, arguments: workArguments });
    await client.call(1, "queue.bind", { queue: work, exchange });
    client.publish(1, { exchange, routingKey: "key" }, "a", { expiration: "90000" });
    const times: unknown[] = [];
    for (let round = 0; round < 3; round++) {
      if (round > 0) {
        await broker.pass(1100);
      }
      const message = await getSoon(client, work);
      if (round > 0) {
        assert.deepEqual(deathsOf(message), [
          { count: round, reason: "expired", queue: retry, exchange: "", "routing-keys": [retry] },
          {
            "original-expiration": "90000",
            count: round,
            reason: "rejected",
            queue: work,
            exchange,
            "routing-keys": ["key"],
          },
        ]);
        const deaths = tableToRecord(headersOf(message))["x-death"] as Record<string, unknown>[];
        times.push(deaths.map(({ time }) => time));
      }
      client.send(1, "basic.reject", { deliveryTag: message.args.deliveryTag, requeue: false });
    }
    assert.deepEqual(times[0], times[1], "the times of the first deaths");
  },
);

methodTest("[dead-letter/x-death] what a client puts there says nothing, its other headers stay", async (broker) => {
  const client = await broker.channel();
  const { queue, target } = await pair(broker, client);
  const forged = tableFrom({
    "x-death": [{ queue, reason: "rejected", count: 7 }],
    "x-first-death-queue": "forged",
    "x-first-death-reason": "forged",
    "x-first-death-exchange": "forged",
    "x-last-death-queue": "forged",
    "x-delivery-count": 5,
    mine: true,
  });
  await fill(client, queue, ["a"], { headers: forged });
  await fill(client, queue, ["b"], { headers: tableFrom({ "x-death": "no deaths" }) });
  await reject(client, queue);
  await reject(client, queue);
  for (let index = 0; index < 2; index++) {
    const dead = await getSoon(client, target);
    assert.deepEqual(deathsOf(dead), [{ count: 1, reason: "rejected", queue, exchange: "", "routing-keys": [queue] }]);
    const headers = headersOf(dead);
    assert.equal(headers.get("x-first-death-queue")?.value, queue);
    assert.equal(headers.get("x-last-death-queue")?.value, queue);
    if (index > 0) continue;
    assert.deepEqual([headers.get("mine")?.value, Number(headers.get("x-delivery-count")?.value)], [true, 5]);
  }
});

methodTest("[dead-letter/x-death] a client that publishes a dead letter again begins a new life", async (broker) => {
  const client = await broker.channel();
  const { queue, target } = await pair(broker, client);
  await fill(client, queue, ["a"]);
  await reject(client, queue);
  const dead = await getSoon(client, target);
  await fill(client, queue, ["a"], dead.properties);
  await reject(client, queue);
  assert.deepEqual(deathsOf(await getSoon(client, target)), deathsOf(dead));
});

methodTest("[dead-letter] the other properties stay; expiration goes", async (broker) => {
  const client = await broker.channel();
  const { queue, target } = await pair(broker, client);
  const properties: Properties = {
    contentType: "text/plain",
    contentEncoding: "identity",
    deliveryMode: 2,
    priority: 3,
    correlationId: "correlation",
    replyTo: "reply",
    messageId: "id",
    timestamp: 5n,
    type: "type",
    userId: "guest",
    appId: "app",
  };
  await fill(client, queue, ["a"], { ...properties, expiration: "60000", headers: tableFrom({ mine: "kept" }) });
  await reject(client, queue);
  const dead = await getSoon(client, target);
  const { headers, ...rest } = dead.properties;
  assert.deepEqual({ ...rest, timestamp: BigInt(rest.timestamp ?? 0) }, properties);
  assert.equal(headers?.get("mine")?.value, "kept");
  assert.deepEqual([dead.args.exchange, dead.args.routingKey, dead.body.toString()], ["", target, "a"]);
});

methodTest("[dead-letter] without a key of the queue the original keys route, CC and BCC too", async (broker) => {
  const client = await broker.channel();
  const { exchange, queues } = await boundQueues(broker, client, ["key", "cc", "bcc"]);
  const source = await declareExchange(broker, client, "fanout");
  const queue = await declareTyped(broker, client, "classic", { "x-dead-letter-exchange": exchange });
  await client.call(1, "queue.bind", { queue, exchange: source });
  client.publish(1, { exchange: source, routingKey: "key" }, "a", { headers: COPIES });
  await reject(client, queue);
  for (const target of queues) {
    const dead = await getSoon(client, target);
    assert.deepEqual([dead.args.exchange, dead.args.routingKey], [exchange, "key"]);
    assert.deepEqual(deathsOf(dead), [
      { count: 1, reason: "rejected", queue, exchange: source, "routing-keys": ["key", "cc"] },
    ]);
    const headers = headersOf(dead);
    assert.deepEqual([tableToRecord(headers)["CC"], headers.has("BCC")], [["cc"], false]);
  }
});

methodTest("[dead-letter] BCC keys survive a first death and route after the second", async (broker) => {
  const client = await broker.channel();
  const { exchange, queues } = await boundQueues(broker, client, ["bcc"]);
  const second = await declareTyped(broker, client, "classic", { "x-dead-letter-exchange": exchange });
  const between = await declareExchange(broker, client, "fanout");
  await client.call(1, "queue.bind", { queue: second, exchange: between });
  const first = await declareTyped(broker, client, "classic", { "x-dead-letter-exchange": between });
  await fill(client, first, ["a"], { headers: COPIES });
  await reject(client, first);
  await reject(client, second);
  assert.deepEqual(await takeSoon(client, queues[0] as string, 1), ["a"]);
});

methodTest("[dead-letter/x-dead-letter-routing-key] alone routes; CC and BCC do no more", async (broker) => {
  const client = await broker.channel();
  const { exchange, queues } = await boundQueues(broker, client, ["explicit", "cc", "bcc"]);
  const queue = await declareTyped(broker, client, "classic", {
    "x-dead-letter-exchange": exchange,
    "x-dead-letter-routing-key": "explicit",
  });
  await fill(client, queue, ["a"], { headers: COPIES });
  await reject(client, queue);
  const [explicit, ...others] = queues as [string, ...string[]];
  const dead = await getSoon(client, explicit);
  assert.deepEqual([dead.args.exchange, dead.args.routingKey], [exchange, "explicit"]);
  assert.deepEqual(tableToRecord(headersOf(dead))["CC"], ["cc"]);
  assert.deepEqual(deathsOf(dead)[0]?.["routing-keys"], [queue, "cc"]);
  for (const other of others) await expectReady(client, other, 0);
});

methodTest("[dead-letter] the exchange routes as it always does: by headers, to its alternate", async (broker) => {
  const client = await broker.channel();
  const { exchange: alternate, queues } = await boundQueues(broker, client, ["key"]);
  const table = tableFrom({ "alternate-exchange": alternate });
  const byHeaders = await declareExchange(broker, client, "headers", table);
  const matching = await declareTyped(broker, client, "classic");
  const bindingArguments = tableFrom({ kind: "match" });
  await client.call(1, "queue.bind", { queue: matching, exchange: byHeaders, arguments: bindingArguments });
  const queue = await declareTyped(broker, client, "classic", {
    "x-dead-letter-exchange": byHeaders,
    "x-dead-letter-routing-key": "key",
  });
  await fill(client, queue, ["matches"], { headers: bindingArguments });
  await fill(client, queue, ["does not"]);
  await reject(client, queue);
  await reject(client, queue);
  assert.deepEqual(await takeSoon(client, matching, 1), ["matches"]);
  assert.deepEqual(await takeSoon(client, queues[0] as string, 1), ["does not"]);
});

methodTest("[dead-letter/cycle] a message that dies by itself in a queue it has died in is dropped", async (broker) => {
  const client = await broker.channel();
  const queue = await declareTyped(broker, client, "classic", { "x-dead-letter-exchange": "", "x-message-ttl": 50 });
  client.publish(1, { routingKey: queue }, "a");
  await broker.pass(100);
  await broker.pass(100);
  assert.equal((await client.call(1, "queue.purge", { queue })).messageCount, 0);
});

methodTest("[dead-letter/cycle] a longer circle ends where it would close", async (broker) => {
  const client = await broker.channel();
  const [one, other] = [broker.name("one"), broker.name("other")];
  for (const [queue, next] of [
    [one, other],
    [other, one],
  ] as const) {
    const circling = tableFrom({ ...deadLettersTo(next), "x-message-ttl": 50 });
    await client.call(1, "queue.declare", { queue, durable: true, arguments: circling });
  }
  client.publish(1, { routingKey: one }, "a");
  for (let round = 0; round < 4; round++) await broker.pass(100);
  await expectReady(client, one, 0);
  await expectReady(client, other, 0);
});

methodTest("[dead-letter/cycle] a rejection lets it go round", async (broker) => {
  const client = await broker.channel();
  const queue = await declareTyped(broker, client, "classic", { "x-dead-letter-exchange": "" });
  await fill(client, queue, ["a"]);
  for (let round = 0; round < 3; round++) await reject(client, queue);
  assert.deepEqual(deathsOf(await getSoon(client, queue)), [
    { count: 3, reason: "rejected", queue, exchange: "", "routing-keys": [queue] },
  ]);
});

methodTest("[dead-letter] at-most-once: a target that refuses it loses it", async (broker) => {
  const client = await broker.channel();
  const full = await declareTyped(broker, client, "classic", { "x-max-length": 0, "x-overflow": "reject-publish" });
  const queue = await declareTyped(broker, client, "classic", deadLettersTo(full));
  await fill(client, queue, ["a"]);
  await reject(client, queue);
  await expectReady(client, full, 0);
  assert.equal((await client.call(1, "queue.purge", { queue })).messageCount, 0);
});

const AT_LEAST_ONCE = { "x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish" };

methodTest("[dead-letter/at-least-once] moves a message like at-most-once does", async (broker) => {
  const client = await broker.channel();
  const { queue, target } = await pair(broker, client, "quorum", AT_LEAST_ONCE);
  await fill(client, queue, ["a"]);
  await reject(client, queue);
  assert.deepEqual(deathsOf(await getSoon(client, target)), [
    { count: 1, reason: "rejected", queue, exchange: "", "routing-keys": [queue] },
  ]);
  await broker.pass(100);
  assert.equal((await client.call(1, "queue.purge", { queue })).messageCount, 0);
});

methodTest(
  "[dead-letter/at-least-once] keeps what nobody takes: not ready, but purged with the rest",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declareTyped(broker, client, "quorum", {
      ...deadLettersTo(broker.name("nowhere")),
      ...AT_LEAST_ONCE,
    });
    await fill(client, queue, ["a"]);
    await reject(client, queue);
    await expectReady(client, queue, 0);
    assert.equal((await client.call(1, "queue.purge", { queue })).messageCount, 1);
  },
);

methodTest("[dead-letter/at-least-once] without x-overflow reject-publish is at-most-once", async (broker) => {
  const client = await broker.channel();
  const queue = await declareTyped(broker, client, "quorum", {
    ...deadLettersTo(broker.name("nowhere")),
    "x-dead-letter-strategy": "at-least-once",
  });
  await fill(client, queue, ["a"]);
  await reject(client, queue);
  await broker.pass(100);
  assert.equal((await client.call(1, "queue.purge", { queue })).messageCount, 0);
});

methodTest("[dead-letter/at-least-once] what it keeps counts towards x-max-length", async (broker) => {
  const client = await broker.channel();
  const queue = await declareTyped(broker, client, "quorum", {
    ...deadLettersTo(broker.name("nowhere")),
    ...AT_LEAST_ONCE,
    "x-max-length": 2,
  });
  await fill(client, queue, ["a", "b"]);
  await reject(client, queue);
  await reject(client, queue);
  await expectReady(client, queue, 0);
  await client.call(1, "confirm.select");
  // RabbitMQ's quorum queue takes one more than it should.
  for (let index = 0; index < 2; index++) {
    client.publish(1, { routingKey: queue });
    await broker.pass(100);
  }
  assert.equal(client.waiting(1).at(-1), "basic.nack");
});

const RETRY_INTERVAL = { leveretOnly: "RabbitMQ tries again only after three minutes" };

methodTest(
  "[dead-letter/at-least-once] goes on when there is a queue that takes the message",
  async (broker) => {
    const client = await broker.channel();
    const target = broker.name("target");
    const queue = await declareTyped(broker, client, "quorum", { ...deadLettersTo(target), ...AT_LEAST_ONCE });
    await fill(client, queue, ["a", "b"]);
    await reject(client, queue);
    await reject(client, queue);
    await broker.pass(5_000);
    const limits = tableFrom({ "x-max-length": 1, "x-overflow": "reject-publish" });
    await client.call(1, "queue.declare", { queue: target, durable: true, arguments: limits });
    await broker.pass(1_000);
    assert.deepEqual(await takeSoon(client, target, 1), ["a"]);
    await broker.pass(1_000);
    assert.deepEqual(await takeSoon(client, target, 1), ["b"]);
    assert.equal((await client.call(1, "queue.purge", { queue })).messageCount, 0);
  },
  RETRY_INTERVAL,
);
