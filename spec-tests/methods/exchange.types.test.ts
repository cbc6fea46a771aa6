import assert from "node:assert/strict";
import { type FieldTable, tableFrom } from "../../src/wire/field-table.ts";
import type { Properties } from "../../src/wire/properties.ts";
import { type BrokerUnderTest, methodTest } from "../support/method-test.ts";
import { declareExchange, declareQueue, drain, expectReady } from "../support/queues.ts";
import type { RawClient } from "../support/raw-client.ts";

// RabbitMQ has x-consistent-hash, x-random and x-recent-history as plugins, which must be enabled there.

const HASH_RELEASE = { sinceRabbitmq: "4.3" };
const LOCAL_RANDOM_RELEASE = { sinceRabbitmq: "4.0" };

/** Asserts that exchange.declare with these arguments is 406 with this explanation. */
async function expectDeclareRefused(
  broker: BrokerUnderTest,
  type: string,
  table: FieldTable,
  explanation: string,
): Promise<void> {
  const client = await broker.channel();
  client.send(1, "exchange.declare", { exchange: broker.name("exchange"), type, arguments: table });
  await client.expectChannelClose(1, 406, `PRECONDITION_FAILED - ${explanation}`, 40, 10);
}

/** Declares queues, each bound to the exchange with its binding key; returns their names. */
async function bindQueues(
  broker: BrokerUnderTest,
  client: RawClient,
  exchange: string,
  routingKeys: readonly string[],
): Promise<string[]> {
  const queues: string[] = [];
  for (const routingKey of routingKeys) {
    const queue = await declareQueue(broker, client);
    await client.call(1, "queue.bind", { queue, exchange, routingKey });
    queues.push(queue);
  }
  return queues;
}

/** Publishes `bodies`, each with itself as the routing key, and returns what each queue got once all are there. */
async function publishAndDrain(
  client: RawClient,
  exchange: string,
  queues: readonly string[],
  bodies: readonly string[],
  properties: Properties = {},
): Promise<string[][]> {
  await client.call(1, "confirm.select");
  for (const body of bodies) client.publish(1, { exchange, routingKey: body }, body, properties);
  const unconfirmed = new Set(bodies.map((_, index) => index + 1));
  while (unconfirmed.size > 0) {
    const { deliveryTag, multiple } = (await client.find(1, "basic.ack")).args;
    for (const tag of unconfirmed) if (tag === deliveryTag || (multiple && tag < deliveryTag)) unconfirmed.delete(tag);
  }
  const taken: string[][] = [];
  for (const queue of queues) taken.push(await drain(client, queue));
  return taken;
}

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, index) => String(index));
}

for (const type of ["x-consistent-hash", "x-modulus-hash", "x-random", "x-local-random", "x-recent-history"]) {
  const release = type === "x-local-random" ? LOCAL_RANDOM_RELEASE : HASH_RELEASE;
  methodTest(
    `[exchange.declare/${type}] declared again, arguments but alternate-exchange are not compared`,
    async (broker) => {
      const client = await broker.channel();
      const exchange = await declareExchange(broker, client, type);
      await client.call(1, "exchange.declare", { exchange, type, arguments: tableFrom({ "hash-header": "h" }) });
      await client.call(1, "exchange.delete", { exchange });
    },
    release,
  );

  methodTest(
    `[exchange.declare/${type}] without bindings a mandatory message is returned`,
    async (broker) => {
      const client = await broker.channel();
      const exchange = await declareExchange(broker, client, type);
      client.publish(1, { exchange, routingKey: "k", mandatory: true }, "back");
      assert.equal((await client.find(1, "basic.return")).args.replyCode, 312);
    },
    release,
  );
}

for (const [key, text] of [
  ["abc", 'The binding key must be an integer: <<"abc">>'],
  ["0", "The binding key must be greater than 0"],
  ["10001", "The binding key must not exceed 10000"],
] as const) {
  methodTest(
    `[queue.bind/x-consistent-hash] binding key ${key} is 406 ${text}`,
    async (broker) => {
      const client = await broker.channel();
      const exchange = await declareExchange(broker, client, "x-consistent-hash");
      const queue = await declareQueue(broker, client);
      client.send(1, "queue.bind", { queue, exchange, routingKey: key });
      await client.expectChannelClose(1, 406, `PRECONDITION_FAILED - ${text}`, 50, 20);
    },
    HASH_RELEASE,
  );
}

for (const [table, text] of [
  [{ "hash-property": "zz" }, "Unsupported property: zz"],
  [{ "hash-header": "h", "hash-property": "message_id" }, "hash-header and hash-property are mutually exclusive"],
] as const) {
  methodTest(`[exchange.declare/x-consistent-hash] 406 ${text}`, (broker) =>
    expectDeclareRefused(broker, "x-consistent-hash", tableFrom(table), text),
  );
}

methodTest("[basic.publish/x-consistent-hash] a routing key goes to one queue, always the same", async (broker) => {
  const client = await broker.channel();
  const exchange = await declareExchange(broker, client, "x-consistent-hash");
  const queues = await bindQueues(broker, client, exchange, ["1", "1", "2"]);
  const bodies = numbers(150);
  const taken = await publishAndDrain(client, exchange, queues, [...bodies, ...bodies]);
  assert.deepEqual(taken.flat().sort(), [...bodies, ...bodies].sort());
  for (const each of taken) assert.deepEqual(each.slice(each.length / 2), each.slice(0, each.length / 2));
});

methodTest("[basic.publish/x-consistent-hash] hash-header: the header decides, not the routing key", async (broker) => {
  const client = await broker.channel();
  const table = tableFrom({ "hash-header": "customer" });
  const exchange = await declareExchange(broker, client, "x-consistent-hash", table);
  const queues = await bindQueues(broker, client, exchange, ["1", "1", "1"]);
  const headers = tableFrom({ customer: "c-1" });
  const taken = await publishAndDrain(client, exchange, queues, numbers(20), { headers });
  assert.deepEqual(taken.map((each) => each.length).sort(), [0, 0, 20]);
});

for (const [property, properties] of [
  ["message_id", { messageId: "id-1" }],
  ["correlation_id", { correlationId: "id-1" }],
  ["timestamp", { timestamp: 1_700_000_000n }],
] as const) {
  methodTest(`[basic.publish/x-consistent-hash] hash-property: ${property} decides`, async (broker) => {
    const client = await broker.channel();
    const table = tableFrom({ "hash-property": property });
    const exchange = await declareExchange(broker, client, "x-consistent-hash", table);
    const queues = await bindQueues(broker, client, exchange, ["1", "1", "1"]);
    const taken = await publishAndDrain(client, exchange, queues, numbers(20), properties);
    assert.deepEqual(taken.map((each) => each.length).sort(), [0, 0, 20]);
  });
}

methodTest(
  "[basic.publish/x-consistent-hash] hash-property: different values go to different queues",
  async (broker) => {
    const client = await broker.channel();
    const table = tableFrom({ "hash-property": "message_id" });
    const exchange = await declareExchange(broker, client, "x-consistent-hash", table);
    const queues = await bindQueues(broker, client, exchange, ["1", "1"]);
    for (const messageId of numbers(100)) client.publish(1, { exchange, routingKey: "same" }, messageId, { messageId });
    const taken = await publishAndDrain(client, exchange, queues, ["last"]);
    for (const each of taken) assert.notEqual(each.length, 0);
    assert.equal(taken.flat().length, 101);
  },
);

methodTest(
  "[basic.publish/x-modulus-hash] a routing key goes to one queue, always the same",
  async (broker) => {
    const client = await broker.channel();
    const exchange = await declareExchange(broker, client, "x-modulus-hash");
    const queues = await bindQueues(broker, client, exchange, ["", "any", "other"]);
    const bodies = numbers(150);
    const taken = await publishAndDrain(client, exchange, queues, [...bodies, ...bodies]);
    assert.deepEqual(taken.flat().sort(), [...bodies, ...bodies].sort());
    for (const each of taken) assert.deepEqual(each.slice(each.length / 2), each.slice(0, each.length / 2));
  },
  HASH_RELEASE,
);

for (const type of ["x-random", "x-local-random"]) {
  methodTest(
    `[basic.publish/${type}] every message goes to one queue, and every queue gets some`,
    async (broker) => {
      const client = await broker.channel();
      const exchange = await declareExchange(broker, client, type);
      const queues = await bindQueues(broker, client, exchange, ["", "", ""]);
      const bodies = numbers(200);
      const taken = await publishAndDrain(client, exchange, queues, bodies);
      assert.deepEqual(taken.flat().sort(), bodies.sort());
      for (const each of taken) assert.notEqual(each.length, 0);
    },
    LOCAL_RANDOM_RELEASE,
  );
}

methodTest(
  "[queue.bind/x-local-random] a binding key is 406 Non empty binding 'k' key not permitted",
  async (broker) => {
    const client = await broker.channel();
    const exchange = await declareExchange(broker, client, "x-local-random");
    const queue = await declareQueue(broker, client);
    client.send(1, "queue.bind", { queue, exchange, routingKey: "k" });
    const text = "PRECONDITION_FAILED - Non empty binding 'k' key not permitted";
    await client.expectChannelClose(1, 406, text, 50, 20);
  },
  LOCAL_RANDOM_RELEASE,
);

methodTest(
  "[exchange.bind/x-local-random] an exchange is 406 Destination not found",
  async (broker) => {
    const client = await broker.channel();
    const source = await declareExchange(broker, client, "x-local-random");
    const destination = await declareExchange(broker, client, "fanout");
    client.send(1, "exchange.bind", { source, destination });
    await client.expectChannelClose(1, 406, "PRECONDITION_FAILED - Destination not found", 40, 30);
  },
  LOCAL_RANDOM_RELEASE,
);

for (const type of ["quorum", "stream"]) {
  methodTest(
    `[queue.bind/x-local-random] a ${type} queue is 406 Queue type rabbit_${type}_queue not valid`,
    async (broker) => {
      const client = await broker.channel();
      const exchange = await declareExchange(broker, client, "x-local-random");
      const table = tableFrom({ "x-queue-type": type });
      const queue = await declareQueue(broker, client, { durable: true, exclusive: false, arguments: table });
      client.send(1, "queue.bind", { queue, exchange });
      const text = `PRECONDITION_FAILED - Queue type rabbit_${type}_queue not valid for this exchange type`;
      await client.expectChannelClose(1, 406, text, 50, 20);
    },
    LOCAL_RANDOM_RELEASE,
  );
}

methodTest("[exchange.declare/x-recent-history] length 0 is 406", (broker) =>
  expectDeclareRefused(
    broker,
    "x-recent-history",
    tableFrom({ "x-recent-history-length": 0 }),
    "Invalid argument 0, 'x-recent-history-length' must be a positive integer",
  ),
);

methodTest("[basic.publish/x-recent-history] goes to every bound queue", async (broker) => {
  const client = await broker.channel();
  const exchange = await declareExchange(broker, client, "x-recent-history");
  const queues = await bindQueues(broker, client, exchange, ["", "any"]);
  client.publish(1, { exchange, routingKey: "other" }, "a");
  for (const queue of queues) await expectReady(client, queue, 1);
});

methodTest("[queue.bind/x-recent-history] a new binding gets the latest 20 messages, oldest first", async (broker) => {
  const client = await broker.channel();
  const exchange = await declareExchange(broker, client, "x-recent-history");
  await publishAndDrain(client, exchange, [], numbers(25));
  const [first] = await bindQueues(broker, client, exchange, [""]);
  const [second] = await bindQueues(broker, client, exchange, ["any"]);
  for (const queue of [first, second]) {
    await expectReady(client, queue as string, 20);
    assert.deepEqual(await drain(client, queue as string), numbers(25).slice(5));
  }
});

methodTest("[queue.bind/x-recent-history] a replayed message is delivered as it was published", async (broker) => {
  const client = await broker.channel();
  const table = tableFrom({ "x-recent-history-length": 1 });
  const exchange = await declareExchange(broker, client, "x-recent-history", table);
  const properties = { messageId: "id", deliveryMode: 2, headers: tableFrom({ CC: ["copy"] }) };
  client.publish(1, { exchange, routingKey: "key" }, "body", properties);
  const [queue] = (await bindQueues(broker, client, exchange, [""])) as [string];
  await expectReady(client, queue, 1);
  const message = await client.get(1, { queue, noAck: true });
  const { exchange: from, routingKey, redelivered } = message?.args ?? {};
  assert.deepEqual([from, routingKey, redelivered], [exchange, "key", false]);
  assert.equal(message?.body.toString(), "body");
  assert.deepEqual(message?.properties, properties);
});

methodTest("[queue.bind/x-recent-history] x-recent-history-no-store keeps a message out", async (broker) => {
  const client = await broker.channel();
  const exchange = await declareExchange(broker, client, "x-recent-history");
  const headers = tableFrom({ "x-recent-history-no-store": true });
  client.publish(1, { exchange, routingKey: "" }, "kept out", { headers });
  client.publish(1, { exchange, routingKey: "" }, "kept");
  const [queue] = (await bindQueues(broker, client, exchange, [""])) as [string];
  await expectReady(client, queue, 1);
  assert.deepEqual(await drain(client, queue), ["kept"]);
});

methodTest("[exchange.bind/x-recent-history] the history goes through the bound exchange", async (broker) => {
  const client = await broker.channel();
  const source = await declareExchange(broker, client, "x-recent-history");
  const destination = await declareExchange(broker, client, "direct");
  const [queue] = (await bindQueues(broker, client, destination, ["3"])) as [string];
  await publishAndDrain(client, source, [], ["3"]);
  await client.call(1, "exchange.bind", { source, destination });
  await expectReady(client, queue, 1);
});

methodTest("[tx.commit/x-recent-history] a message is remembered once, when it is committed", async (broker) => {
  const client = await broker.channel();
  const exchange = await declareExchange(broker, client, "x-recent-history");
  await client.call(1, "tx.select");
  client.publish(1, { exchange, routingKey: "" }, "committed");
  await client.call(1, "tx.commit");
  const [queue] = (await bindQueues(broker, client, exchange, [""])) as [string];
  await expectReady(client, queue, 1);
});

methodTest(
  "[tx.rollback/x-recent-history] a message that is rolled back is not remembered",
  async (broker) => {
    const client = await broker.channel();
    const exchange = await declareExchange(broker, client, "x-recent-history");
    await client.call(1, "tx.select");
    client.publish(1, { exchange, routingKey: "" }, "rolled back");
    await client.call(1, "tx.rollback");
    const [queue] = (await bindQueues(broker, client, exchange, [""])) as [string];
    await client.expectNothing(1, queue);
    await expectReady(client, queue, 0);
  },
  { leveretOnly: "RabbitMQ remembers a message when it is published, before the transaction ends" },
);

methodTest(
  "[queue.bind/x-recent-history] the expiration of a replayed message counts from the binding on",
  async (broker) => {
    const client = await broker.channel();
    const exchange = await declareExchange(broker, client, "x-recent-history");
    await publishAndDrain(client, exchange, [], ["short-lived"], { expiration: "60000" });
    broker.clock.advance(3_600_000);
    const [queue] = (await bindQueues(broker, client, exchange, [""])) as [string];
    await expectReady(client, queue, 1);
    broker.clock.advance(60_000);
    await expectReady(client, queue, 0);
  },
  { leveretOnly: "steps the clock" },
);
