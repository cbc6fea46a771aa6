import assert from "node:assert/strict";
import type { SomeArguments } from "../../src/client/arguments.ts";
import { EMPTY_TABLE, type FieldTable, tableFrom } from "../../src/wire/field-table.ts";
import { methodTest } from "../support/method-test.ts";
import { declareExchange, declareQueue, expectReady } from "../support/queues.ts";

type Declare = SomeArguments<"exchange.declare">;

for (const type of ["direct", "fanout", "topic", "headers"]) {
  methodTest(`[exchange.declare] creates an exchange of type ${type}`, async (broker) => {
    const client = await broker.channel();
    const exchange = broker.name("exchange");
    await client.call(1, "exchange.declare", { exchange, type });
    await client.call(1, "exchange.declare", { exchange, passive: true });
    await client.call(1, "exchange.delete", { exchange });
  });
}

methodTest("[exchange.declare] again with equal properties is answered with declare-ok", async (broker) => {
  const client = await broker.channel();
  const declare = { exchange: broker.name("exchange"), type: "topic", durable: true, autoDelete: true, internal: true };
  await client.call(1, "exchange.declare", declare);
  await client.call(1, "exchange.declare", declare);
  await client.call(1, "exchange.delete", { exchange: declare.exchange });
});

for (const name of ["amq.direct", "amq.fanout", "amq.topic", "amq.headers", "amq.match"]) {
  methodTest(`[exchange.declare/predeclared] ${name} exists and is durable`, async (broker) => {
    const client = await broker.channel();
    const type = name === "amq.match" ? "headers" : name.slice("amq.".length);
    await client.call(1, "exchange.declare", { exchange: name, passive: true });
    await client.call(1, "exchange.declare", { exchange: name, type, durable: true });
  });
}

methodTest("[exchange.declare/passive] ignores type and properties", async (broker) => {
  const client = await broker.channel();
  const exchange = await declareExchange(broker, client, "topic");
  await client.call(1, "exchange.declare", { exchange, type: "fanout", passive: true, durable: true, internal: true });
});

methodTest("[exchange.declare/passive] a missing exchange is 404 no exchange 'x' in vhost '/'", async (broker) => {
  const client = await broker.channel();
  const exchange = broker.name("missing");
  client.send(1, "exchange.declare", { exchange, type: "direct", passive: true });
  await client.expectChannelClose(1, 404, `NOT_FOUND - no exchange '${exchange}' in vhost '/'`, 40, 10);
});

methodTest("[exchange.declare/no-wait] creates without a reply", async (broker) => {
  const client = await broker.channel();
  const exchange = broker.name("exchange");
  client.send(1, "exchange.declare", { exchange, type: "direct", noWait: true });
  await client.call(1, "exchange.declare", { exchange, passive: true });
});

methodTest(
  "[exchange.declare/type] an unknown type is 406 with the words 'invalid exchange type' or 'unknown exchange type'",
  async (broker) => {
    const client = await broker.channel();
    client.send(1, "exchange.declare", { exchange: broker.name("exchange"), type: "x-bogus" });
    await client.expectChannelClose(
      1,
      406,
      /^PRECONDITION_FAILED - (invalid|unknown) exchange type '?x-bogus'?/,
      40,
      10,
    );
  },
  { sinceRabbitmq: "4.3" },
);

for (const passive of [false, true]) {
  const rule = passive ? "exchange.declare/passive" : "exchange.declare";
  methodTest(`[${rule}] the default exchange is 403 operation not permitted`, async (broker) => {
    const client = await broker.channel();
    client.send(1, "exchange.declare", { exchange: "", type: "direct", passive });
    await client.expectChannelClose(1, 403, "ACCESS_REFUSED - operation not permitted on the default exchange", 40, 10);
  });
}

methodTest("[exchange.declare/reserved] a new amq.* name is 403 contains reserved prefix 'amq.*'", async (broker) => {
  const client = await broker.channel();
  const exchange = `amq.${broker.name("exchange")}`;
  client.send(1, "exchange.declare", { exchange, type: "direct" });
  const text = `ACCESS_REFUSED - exchange name '${exchange}' contains reserved prefix 'amq.*'`;
  await client.expectChannelClose(1, 403, text, 40, 10);
});

methodTest("[exchange.declare/reserved] a missing amq.* name declared passively is 404", async (broker) => {
  const client = await broker.channel();
  client.send(1, "exchange.declare", { exchange: "amq.missing", passive: true });
  await client.expectChannelClose(1, 404, "NOT_FOUND - no exchange 'amq.missing' in vhost '/'", 40, 10);
});

const INEQUIVALENT: readonly { key: string; first: Declare; second: Declare; received: string; current: string }[] = [
  { key: "type", first: {}, second: { type: "fanout" }, received: "'fanout'", current: "'direct'" },
  { key: "type", first: { type: "x-modulus-hash" }, second: {}, received: "'direct'", current: "''x-modulus-hash''" },
  { key: "type", first: {}, second: { type: "x-local-random" }, received: "''x-local-random''", current: "'direct'" },
  { key: "durable", first: {}, second: { durable: true }, received: "'true'", current: "'false'" },
  { key: "durable", first: { durable: true }, second: {}, received: "'false'", current: "'true'" },
  { key: "auto_delete", first: {}, second: { autoDelete: true }, received: "'true'", current: "'false'" },
  { key: "internal", first: {}, second: { internal: true }, received: "'true'", current: "'false'" },
];

for (const { key, first, second, received, current } of INEQUIVALENT) {
  methodTest(
    `[exchange.declare/equivalence] ${key} ${received} after ${current} is 406 inequivalent arg`,
    async (broker) => {
      const client = await broker.channel();
      const exchange = broker.name("exchange");
      await client.call(1, "exchange.declare", { exchange, type: "direct", ...first });
      client.send(1, "exchange.declare", { exchange, type: "direct", ...second });
      const text = `PRECONDITION_FAILED - inequivalent arg '${key}' for exchange '${exchange}' in vhost '/': received ${received} but current is ${current}`;
      await client.expectChannelClose(1, 406, text, 40, 10);
      await client.call(1, "channel.open");
      await client.call(1, "exchange.delete", { exchange });
    },
  );
}

methodTest(
  "[exchange.declare/equivalence] type is checked before durable, durable before auto_delete",
  async (broker) => {
    const client = await broker.channel();
    const exchange = await declareExchange(broker, client, "direct");
    client.send(1, "exchange.declare", { exchange, type: "topic", durable: true, autoDelete: true });
    await client.expectChannelClose(1, 406, /inequivalent arg 'type'/, 40, 10);
    await client.call(1, "channel.open");
    client.send(1, "exchange.declare", { exchange, type: "direct", durable: true, autoDelete: true });
    await client.expectChannelClose(1, 406, /inequivalent arg 'durable'/, 40, 10);
  },
);

const ALTERNATE = tableFrom({ "alternate-exchange": "amq.fanout" });
const OTHER_ALTERNATE = tableFrom({ "alternate-exchange": "amq.direct" });
const ALTERNATES: readonly [title: string, first: FieldTable, second: FieldTable, difference: string][] = [
  ["changed", ALTERNATE, OTHER_ALTERNATE, "received 'amq.direct' but current is 'amq.fanout'"],
  ["added", EMPTY_TABLE, ALTERNATE, "received the value 'amq.fanout' of type 'longstr' but current is none"],
  ["left out", ALTERNATE, EMPTY_TABLE, "received none but current is the value 'amq.fanout' of type 'longstr'"],
];

for (const [title, first, second, difference] of ALTERNATES) {
  methodTest(`[exchange.declare/equivalence] alternate-exchange ${title} is 406`, async (broker) => {
    const client = await broker.channel();
    const exchange = await declareExchange(broker, client, "direct", first);
    client.send(1, "exchange.declare", { exchange, type: "direct", arguments: second });
    const text = `PRECONDITION_FAILED - inequivalent arg 'alternate-exchange' for exchange '${exchange}' in vhost '/': ${difference}`;
    await client.expectChannelClose(1, 406, text, 40, 10);
  });
}

methodTest("[exchange.declare/equivalence] unknown arguments are not compared", async (broker) => {
  const client = await broker.channel();
  const exchange = await declareExchange(broker, client, "direct", tableFrom({ "x-mine": 1 }));
  await client.call(1, "exchange.declare", { exchange, type: "direct", arguments: tableFrom({ "x-mine": 2 }) });
});

methodTest("[exchange.declare/alternate-exchange] takes what the exchange cannot route", async (broker) => {
  const client = await broker.channel();
  const alternate = await declareExchange(broker, client, "fanout");
  const queue = await declareQueue(broker, client);
  await client.call(1, "queue.bind", { queue, exchange: alternate });
  const exchange = await declareExchange(broker, client, "direct", tableFrom({ "alternate-exchange": alternate }));
  client.publish(1, { exchange, routingKey: "unbound" });
  await expectReady(client, queue, 1);
  const message = await client.get(1, { queue, noAck: true });
  assert.equal(message?.args.exchange, exchange);
  assert.equal(message?.args.routingKey, "unbound");
});

methodTest("[exchange.declare/auto-delete] the exchange goes with its last binding as a source", async (broker) => {
  const client = await broker.channel();
  const exchange = broker.name("exchange");
  await client.call(1, "exchange.declare", { exchange, type: "direct", autoDelete: true });
  const queue = await declareQueue(broker, client);
  for (const routingKey of ["a", "b"]) await client.call(1, "queue.bind", { queue, exchange, routingKey });
  await client.call(1, "queue.unbind", { queue, exchange, routingKey: "a" });
  await client.call(1, "exchange.declare", { exchange, passive: true });
  await client.call(1, "queue.unbind", { queue, exchange, routingKey: "b" });
  client.send(1, "exchange.declare", { exchange, passive: true });
  await client.expectChannelClose(1, 404, `NOT_FOUND - no exchange '${exchange}' in vhost '/'`, 40, 10);
});

methodTest("[exchange.declare/auto-delete] the exchange goes when the queue bound to it is deleted", async (broker) => {
  const client = await broker.channel();
  const exchange = broker.name("exchange");
  await client.call(1, "exchange.declare", { exchange, type: "direct", autoDelete: true });
  const queue = await declareQueue(broker, client);
  await client.call(1, "queue.bind", { queue, exchange, routingKey: "a" });
  await client.call(1, "queue.delete", { queue });
  client.send(1, "exchange.declare", { exchange, passive: true });
  await client.expectChannelClose(1, 404, `NOT_FOUND - no exchange '${exchange}' in vhost '/'`, 40, 10);
});

methodTest("[exchange.declare/auto-delete] an exchange that never had a binding stays", async (broker) => {
  const client = await broker.channel();
  const exchange = broker.name("exchange");
  await client.call(1, "exchange.declare", { exchange, type: "direct", autoDelete: true });
  await client.call(1, "exchange.declare", { exchange, passive: true });
  await client.call(1, "exchange.delete", { exchange });
});

methodTest("[exchange.declare/name] CR and LF are stripped", async (broker) => {
  const client = await broker.channel();
  const exchange = broker.name("exchange");
  await client.call(1, "exchange.declare", { exchange: `\r${exchange}\n`, type: "direct" });
  await client.call(1, "exchange.declare", { exchange, passive: true });
  await client.call(1, "exchange.delete", { exchange: `${exchange}\r\n` });
});

methodTest("[exchange.declare/name] 255 octets of any UTF-8 are a name", async (broker) => {
  const client = await broker.channel();
  const exchange = `${"é".repeat(120)} ${broker.name("")}`;
  await client.call(1, "exchange.declare", { exchange, type: "direct" });
  await client.call(1, "exchange.declare", { exchange, passive: true });
  await client.call(1, "exchange.delete", { exchange });
});
