import assert from "node:assert/strict";
import { tableFrom } from "../../src/wire/field-table.ts";
import { type Arguments, HEADER, keyed, publishConfirmed, rule, TYPE } from "../support/deduplication.ts";
import type { BrokerUnderTest } from "../support/method-test.ts";
import { declareExchange, declareQueue, declareSharedQueue, drain, expectReady } from "../support/queues.ts";
import type { RawClient } from "../support/raw-client.ts";

/** An exchange of the plugin's type, with a queue. */
async function deduplicated(
  broker: BrokerUnderTest,
  client: RawClient,
  table: Arguments = {},
  type = TYPE,
): Promise<{ exchange: string; queue: string }> {
  const exchange = await declareExchange(broker, client, type, tableFrom({ "x-cache-size": 100, ...table }));
  const queue = await declareQueue(broker, client);
  await client.call(1, "queue.bind", { queue, exchange, routingKey: "k" });
  return { exchange, queue };
}

rule(
  "[exchange/x-message-deduplication] only the first message of a key is routed, to every queue",
  async (broker, client) => {
    const { exchange, queue } = await deduplicated(broker, client);
    const other = await declareQueue(broker, client);
    await client.call(1, "queue.bind", { queue: other, exchange, routingKey: "whatever" });
    await client.call(1, "confirm.select");
    await publishConfirmed(client, { exchange, routingKey: "" }, [
      ["a", keyed("1")],
      ["b", keyed("1")],
      ["c", keyed("2")],
      ["d", keyed("1", { more: true })],
    ]);
    for (const each of [queue, other]) assert.deepEqual(await drain(client, each), ["a", "c"]);
  },
);

rule("[exchange/x-message-deduplication] a message without the header is no duplicate", async (broker, client) => {
  const { exchange, queue } = await deduplicated(broker, client);
  for (const properties of [{}, { messageId: "1" }, { headers: tableFrom({ other: 1 }) }, keyed(null)]) {
    for (const body of ["a", "b"]) client.publish(1, { exchange, routingKey: "k" }, body, properties);
  }
  await expectReady(client, queue, 8);
});

rule("[exchange/x-message-deduplication] a message that has been consumed is still known", async (broker, client) => {
  const { exchange, queue } = await deduplicated(broker, client);
  client.publish(1, { exchange, routingKey: "k" }, "a", keyed("1"));
  await expectReady(client, queue, 1);
  await drain(client, queue);
  client.publish(1, { exchange, routingKey: "k" }, "b", keyed("1"));
  await expectReady(client, queue, 0);
});

rule("[exchange/x-cache-size] the oldest key leaves when there is no room", async (broker, client) => {
  const { exchange, queue } = await deduplicated(broker, client, { "x-cache-size": 2 });
  for (const key of ["1", "2", "1", "3", "2", "1"]) client.publish(1, { exchange, routingKey: "k" }, key, keyed(key));
  await expectReady(client, queue, 4);
  assert.deepEqual(await drain(client, queue), ["1", "2", "3", "1"]);
});

rule(
  "[exchange/x-cache-ttl] a key is forgotten after its time, which a message's header overrides",
  async (broker, client) => {
    const { exchange, queue } = await deduplicated(broker, client, { "x-cache-ttl": 1000 });
    const send = (body: string, key: string, more: Arguments = {}): void =>
      client.publish(1, { exchange, routingKey: "k" }, body, keyed(key, more));
    send("a", "usual");
    send("b", "brief", { "x-cache-ttl": 500 });
    send("c", "long", { "x-cache-ttl": 2000 });
    send("d", "odd", { "x-cache-ttl": "soon" });
    await expectReady(client, queue, 4);
    broker.clock.advance(500);
    for (const key of ["usual", "brief", "long", "odd"]) send(`${key} at 500`, key);
    await expectReady(client, queue, 5);
    broker.clock.advance(500);
    for (const key of ["usual", "brief", "long", "odd"]) send(`${key} at 1000`, key);
    await expectReady(client, queue, 7);
    broker.clock.advance(1000);
    send("long at 2000", "long");
    await expectReady(client, queue, 8);
    assert.deepEqual((await drain(client, queue)).slice(4), [
      "brief at 500",
      "usual at 1000",
      "odd at 1000",
      "long at 2000",
    ]);
  },
);

rule(
  "[exchange/x-message-deduplication] a mandatory duplicate is confirmed and not returned",
  async (broker, client) => {
    const { exchange } = await deduplicated(broker, client);
    await client.call(1, "confirm.select");
    for (const body of ["a", "b"]) client.publish(1, { exchange, routingKey: "k", mandatory: true }, body, keyed("1"));
    const { multiple } = await client.expect(1, "basic.ack");
    if (!multiple) await client.expect(1, "basic.ack");
    await client.expectNothing(1);
  },
);

rule(
  "[exchange/x-message-deduplication] what no queue gets is returned, and not remembered",
  async (broker, client) => {
    const exchange = await declareExchange(broker, client, TYPE, tableFrom({ "x-cache-size": 5 }));
    for (let time = 0; time < 2; time++) {
      client.publish(1, { exchange, routingKey: "k", mandatory: true }, "a", keyed("1"));
      assert.equal((await client.find(1, "basic.return")).args.replyCode, 312);
    }
    const queue = await declareQueue(broker, client);
    await client.call(1, "queue.bind", { queue, exchange });
    client.publish(1, { exchange, routingKey: "k" }, "a", keyed("1"));
    await expectReady(client, queue, 1);
  },
);

rule("[exchange/x-message-deduplication] a message that a queue refuses is not remembered", async (broker, client) => {
  const { exchange } = await deduplicated(broker, client);
  const full = await declareQueue(broker, client, {
    arguments: tableFrom({ "x-max-length": 1, "x-overflow": "reject-publish" }),
  });
  await client.call(1, "queue.bind", { queue: full, exchange, routingKey: "k" });
  await client.call(1, "confirm.select");
  client.publish(1, { exchange, routingKey: "k" }, "a", keyed("1"));
  await client.find(1, "basic.ack");
  client.publish(1, { exchange, routingKey: "k" }, "b", keyed("2"));
  await client.find(1, "basic.nack");
  assert.deepEqual(await drain(client, full), ["a"]);
  client.publish(1, { exchange, routingKey: "k" }, "b again", keyed("2"));
  await client.find(1, "basic.ack");
  assert.deepEqual(await drain(client, full), ["b again"]);
});

rule(
  "[exchange/x-message-deduplication] the alternate exchange gets what is not routed, but no duplicates",
  async (broker, client) => {
    const alternate = await declareExchange(broker, client, "fanout");
    const lost = await declareQueue(broker, client);
    await client.call(1, "queue.bind", { queue: lost, exchange: alternate });
    const table = { [TYPE]: true, "alternate-exchange": alternate };
    const { exchange, queue } = await deduplicated(broker, client, table, "direct");
    client.publish(1, { exchange, routingKey: "k" }, "a", keyed("1"));
    client.publish(1, { exchange, routingKey: "k" }, "a twice", keyed("1"));
    client.publish(1, { exchange, routingKey: "nowhere" }, "b", keyed("2"));
    client.publish(1, { exchange, routingKey: "nowhere" }, "b twice", keyed("2"));
    await expectReady(client, queue, 1);
    await expectReady(client, lost, 1);
    assert.deepEqual(await drain(client, lost), ["b"]);
  },
);

for (const type of ["direct", "fanout", "topic", "headers", "x-consistent-hash"]) {
  rule(
    `[exchange.declare/x-message-deduplication] the argument works with ${type}, whose routing stays`,
    async (broker, client) => {
      const exchange = await declareExchange(broker, client, type, tableFrom({ [TYPE]: true }));
      const queue = await declareQueue(broker, client);
      const routingKey = type === "x-consistent-hash" ? "1" : "k";
      await client.call(1, "queue.bind", { queue, exchange, routingKey });
      for (const body of ["a", "b"]) client.publish(1, { exchange, routingKey: "k" }, body, keyed("1"));
      client.publish(1, { exchange, routingKey: "other" }, "c", keyed("2"));
      const routesByKey = type === "direct" || type === "topic";
      await expectReady(client, queue, routesByKey ? 1 : 2);
      assert.deepEqual(await drain(client, queue), routesByKey ? ["a"] : ["a", "c"]);
      await client.call(1, "exchange.declare", { exchange, type });
    },
  );
}

rule(
  "[exchange/x-deduplication-header] another header can be named; its values are compared with their class",
  async (broker, client) => {
    const { exchange, queue } = await deduplicated(broker, client, { [HEADER]: "order" });
    for (const order of [5, 5n, "5", "5", 5]) {
      client.publish(1, { exchange, routingKey: "k" }, typeof order, {
        headers: tableFrom({ order, [HEADER]: "same" }),
      });
    }
    await expectReady(client, queue, 2);
    assert.deepEqual(await drain(client, queue), ["number", "string"]);
  },
);

rule("[exchange/x-deduplication-property] the message-id can be the key", async (broker, client) => {
  const { exchange, queue } = await deduplicated(broker, client, { "x-deduplication-property": "message-id" });
  for (const messageId of ["1", "2", "1", "", ""]) client.publish(1, { exchange, routingKey: "k" }, "m", { messageId });
  await expectReady(client, queue, 4);
});

rule(
  "[tx.commit/x-message-deduplication] a key counts from the commit on, within it as well",
  async (broker, client) => {
    const { exchange, queue } = await deduplicated(broker, client);
    await client.call(1, "tx.select");
    for (const body of ["rolled back", "too"]) client.publish(1, { exchange, routingKey: "k" }, body, keyed("1"));
    await client.call(1, "tx.rollback");
    for (const body of ["a", "b"]) client.publish(1, { exchange, routingKey: "k" }, body, keyed("1"));
    await client.call(1, "tx.commit");
    assert.deepEqual(await drain(client, queue), ["a"]);
  },
);

rule("[tx.commit/x-message-deduplication] nothing of a commit that fails is remembered", async (broker, client) => {
  const exchange = await declareExchange(broker, client, TYPE, tableFrom({ "x-cache-size": 5 }));
  const queue = await declareSharedQueue(broker, client, {
    arguments: tableFrom({ "x-max-length": 1, "x-overflow": "reject-publish" }),
  });
  await client.call(1, "queue.bind", { queue, exchange });
  await client.call(1, "tx.select");
  for (const key of ["1", "2"]) client.publish(1, { exchange, routingKey: "k" }, key, keyed(key));
  client.send(1, "tx.commit");
  await client.expectChannelClose(1, 406, "PRECONDITION_FAILED - partial tx completion", 90, 20);
  const next = await broker.channel();
  next.publish(1, { exchange, routingKey: "k" }, "again", keyed("2"));
  await expectReady(next, queue, 1);
  assert.deepEqual(await drain(next, queue), ["again"]);
});

rule(
  "[exchange.bind/x-message-deduplication] duplicates are dropped behind another exchange too, in a circle as well",
  async (broker, client) => {
    const { exchange, queue } = await deduplicated(broker, client);
    const source = await declareExchange(broker, client, "fanout");
    await client.call(1, "exchange.bind", { source, destination: exchange });
    await client.call(1, "exchange.bind", { source: exchange, destination: source });
    for (const to of [source, exchange, source]) client.publish(1, { exchange: to, routingKey: "k" }, to, keyed("1"));
    await expectReady(client, queue, 1);
    assert.deepEqual(await drain(client, queue), [source]);
  },
);

rule("[exchange.declare/x-delayed-message] a duplicate is dropped before it waits", async (broker, client) => {
  for (const table of [{ "x-delayed-type": TYPE }, { "x-delayed-type": "fanout", [TYPE]: true }]) {
    const { exchange, queue } = await deduplicated(broker, client, table, "x-delayed-message");
    for (const body of ["a", "b"]) {
      client.publish(1, { exchange, routingKey: "k" }, body, keyed("1", { "x-delay": 1000 }));
    }
    client.publish(1, { exchange, routingKey: "k" }, "c", keyed("1"));
    await expectReady(client, queue, 0);
    broker.clock.advance(1000);
    await expectReady(client, queue, 1);
    assert.deepEqual(await drain(client, queue), ["a"]);
  }
});

const SIZE_TEXT = "Missing or invalid argument, 'x-cache-size' must be an integer greater than 0";
for (const [type, table, text] of [
  [TYPE, {}, SIZE_TEXT],
  [TYPE, { "x-cache-size": 0 }, SIZE_TEXT],
  [TYPE, { "x-cache-size": "many" }, SIZE_TEXT],
  [TYPE, { "x-cache-size": 10_000_001 }, "Invalid argument, 'x-cache-size' must not exceed 10000000"],
  [TYPE, { "x-cache-size": 1, "x-cache-ttl": 0 }, "Invalid argument, 'x-cache-ttl' must be an integer greater than 0"],
  [
    TYPE,
    { "x-cache-size": 1, "x-cache-persistence": "tape" },
    "Invalid argument, 'x-cache-persistence' must be either 'disk' or 'memory'",
  ],
  ["topic", { [TYPE]: "yes" }, "Invalid argument, 'x-message-deduplication' must be a boolean"],
  ["topic", { [TYPE]: true, "x-cache-size": -1 }, SIZE_TEXT],
  ["topic", { [TYPE]: true, [HEADER]: 5 }, "Invalid argument, 'x-deduplication-header' must be a string"],
  [
    "topic",
    { [TYPE]: true, "x-deduplication-property": "app-id" },
    "Invalid argument, 'x-deduplication-property' must be 'message-id'",
  ],
  [
    "topic",
    { [TYPE]: true, "x-deduplication-property": "message-id", [HEADER]: "h" },
    "x-deduplication-header and x-deduplication-property are mutually exclusive",
  ],
] as const) {
  rule(`[exchange.declare/${type}] ${JSON.stringify(table)} is 406`, async (broker, client) => {
    client.send(1, "exchange.declare", { exchange: broker.name("x"), type, arguments: tableFrom(table as Arguments) });
    await client.expectChannelClose(1, 406, `PRECONDITION_FAILED - ${text}`, 40, 10);
  });
}

rule(
  "[exchange.declare/x-message-deduplication] x-cache-size may be text, as for the plugin",
  async (broker, client) => {
    const { exchange, queue } = await deduplicated(broker, client, { "x-cache-size": "1" });
    for (const key of ["1", "1", "2", "1"]) client.publish(1, { exchange, routingKey: "k" }, key, keyed(key));
    await expectReady(client, queue, 3);
  },
);
