import assert from "node:assert/strict";
import type { SomeArguments } from "../../src/client/arguments.ts";
import { tableFrom } from "../../src/wire/field-table.ts";
import { type BrokerUnderTest, methodTest } from "../support/method-test.ts";
import { consume, declareSharedQueue, deliveredBodies, expectReady } from "../support/queues.ts";
import type { RawClient } from "../support/raw-client.ts";
import { eventually, expectWaiting, isThere, type PlainArguments } from "../support/waiting.ts";

const LEVERET_ONLY = { leveretOnly: "the exchange type x-super-stream is Leveret's" };
const TYPE = "x-super-stream";
const FIRST = { "x-stream-offset": "first" };
const ONE_AT_A_TIME = { "x-single-active-consumer": true };

async function declareSuperStream(
  broker: BrokerUnderTest,
  client: RawClient,
  superStreamArguments: PlainArguments = { partitions: 3 },
): Promise<string> {
  const exchange = broker.name("super");
  const table = tableFrom(superStreamArguments);
  await client.call(1, "exchange.declare", { exchange, type: TYPE, durable: true, arguments: table });
  return exchange;
}

/** Sends an exchange.declare of type x-super-stream that must be refused; nothing may have been created. */
async function expectRefused(
  broker: BrokerUnderTest,
  client: RawClient,
  spec: Omit<SomeArguments<"exchange.declare">, "arguments"> & { readonly arguments?: PlainArguments },
  text: (exchange: string) => string,
): Promise<void> {
  const exchange = spec.exchange ?? broker.name("super");
  const table = tableFrom(spec.arguments ?? { partitions: 2 });
  client.send(1, "exchange.declare", { durable: true, type: TYPE, ...spec, exchange, arguments: table });
  await client.expectChannelClose(1, 406, `PRECONDITION_FAILED - ${text(exchange)}`, 40, 10);
  assert.equal(broker.inside.findVhost("/")?.findExchange(exchange), undefined);
  assert.equal(await isThere(broker, `${exchange}-0`), false);
}

methodTest(
  "[super-stream/routing] a key goes to the partition that RabbitMQ's stream clients choose",
  async (broker) => {
    const client = await broker.channel();
    const name = await declareSuperStream(broker, client);
    // The table in the tests of RabbitMQ's stream clients for Java, .NET, Go and Python.
    const partitions = [1, 0, 1, 2, 0, 2, 0, 1, 0, 2];
    for (let key = 1; key <= partitions.length; key++) {
      client.publish(1, { exchange: name, routingKey: `hello${key}` }, `hello${key}`);
    }
    await client.call(1, "basic.qos", { prefetchCount: 20 });
    for (const partition of [0, 1, 2]) {
      const expected = partitions.flatMap((chosen, index) => (chosen === partition ? [`hello${index + 1}`] : []));
      await consume(client, `${name}-${partition}`, { arguments: tableFrom(FIRST) });
      assert.deepEqual(await deliveredBodies(client, expected.length), expected);
    }
  },
  LEVERET_ONLY,
);

methodTest(
  "[super-stream/exchange.declare] the partitions are streams with the exchange's arguments for streams",
  async (broker) => {
    const client = await broker.channel();
    const name = await declareSuperStream(broker, client, { partitions: 2, "x-max-age": "7D" });
    for (const queue of [`${name}-0`, `${name}-1`]) {
      const table = tableFrom({ "x-queue-type": "stream", "x-max-age": "7D" });
      await declareSharedQueue(broker, client, { queue, durable: true, arguments: table });
    }
    assert.equal(await isThere(broker, `${name}-2`), false);
    await expectRefused(
      broker,
      client,
      { arguments: { partitions: 2, "x-max-age": "7" } },
      (exchange) => `invalid arg 'x-max-age' for queue '${exchange}-0' in vhost '/': invalid_max_age`,
    );
  },
  LEVERET_ONLY,
);

for (const partitions of [undefined, 0, -1, 1025, "3", true]) {
  methodTest(
    `[super-stream/exchange.declare] ${partitions} is no number of partitions`,
    async (broker) => {
      const spec = { arguments: partitions === undefined ? {} : { partitions } };
      const reason = "an integer from 1 to 1024 is needed";
      const text = (exchange: string) => `invalid arg 'partitions' for exchange '${exchange}' in vhost '/': ${reason}`;
      await expectRefused(broker, await broker.channel(), spec, text);
    },
    LEVERET_ONLY,
  );
}

for (const [property, spec] of [
  ["non-durable", { durable: false }],
  ["auto-delete", { autoDelete: true }],
] as const) {
  methodTest(
    `[super-stream/exchange.declare] it cannot be ${property}`,
    async (broker) => {
      const text = (exchange: string) => `invalid property '${property}' for exchange '${exchange}' in vhost '/'`;
      await expectRefused(broker, await broker.channel(), spec, text);
    },
    LEVERET_ONLY,
  );
}

methodTest(
  "[super-stream/exchange.declare] a queue that is in the way is 406, and nothing is created",
  async (broker) => {
    const client = await broker.channel();
    const exchange = broker.name("super");
    const queue = await declareSharedQueue(broker, client, { queue: `${exchange}-1`, durable: true });
    const difference = "received 'stream' but current is 'classic'";
    const text = () => `inequivalent arg 'x-queue-type' for queue '${queue}' in vhost '/': ${difference}`;
    await expectRefused(broker, client, { exchange }, text);
  },
  LEVERET_ONLY,
);

methodTest(
  "[super-stream/exchange.declare] again: brings back a partition that is gone; another number is 406",
  async (broker) => {
    const client = await broker.channel();
    const exchange = await declareSuperStream(broker, client);
    await client.call(1, "queue.delete", { queue: `${exchange}-1` });
    client.publish(1, { exchange, routingKey: "hello1", mandatory: true }, "lost");
    assert.equal((await client.find(1, "basic.return")).body.toString(), "lost");
    const spec = { exchange, type: TYPE, durable: true };
    await client.call(1, "exchange.declare", { ...spec, arguments: tableFrom({ partitions: 3 }) });
    client.publish(1, { exchange, routingKey: "hello1" }, "kept");
    await expectReady(client, `${exchange}-1`, 1);
    client.send(1, "exchange.declare", { ...spec, arguments: tableFrom({ partitions: 4 }) });
    const text = `inequivalent arg 'partitions' for exchange '${exchange}' in vhost '/': received '4' but current is '3'`;
    await client.expectChannelClose(1, 406, `PRECONDITION_FAILED - ${text}`, 40, 10);
  },
  LEVERET_ONLY,
);

methodTest(
  "[super-stream/exchange.delete] the partitions go with it; if-unused: only when nobody reads one",
  async (broker) => {
    const client = await broker.channel();
    const exchange = await declareSuperStream(broker, client);
    await client.call(1, "basic.qos", { prefetchCount: 1 });
    await consume(client, `${exchange}-2`, { consumerTag: "reader" });
    const other = await broker.channel();
    other.send(1, "exchange.delete", { exchange, ifUnused: true });
    await other.expectChannelClose(1, 406, `PRECONDITION_FAILED - exchange '${exchange}' in vhost '/' in use`, 40, 20);
    await client.call(1, "basic.cancel", { consumerTag: "reader" });
    await client.call(1, "exchange.delete", { exchange, ifUnused: true });
    for (const partition of [0, 1, 2]) assert.equal(await isThere(broker, `${exchange}-${partition}`), false);
  },
  LEVERET_ONLY,
);

methodTest(
  "[super-stream/queue.bind] a binding has to say which partition it leads to",
  async (broker) => {
    const client = await broker.channel();
    const exchange = await declareSuperStream(broker, client);
    const queue = await declareSharedQueue(broker, client);
    const order = tableFrom({ "x-stream-partition-order": 1 });
    await client.call(1, "queue.bind", { exchange, queue, arguments: order });
    client.publish(1, { exchange, routingKey: "hello1" }, "a copy");
    await expectReady(client, queue, 1);
    client.send(1, "queue.bind", { exchange, queue, routingKey: "hello1" });
    const text = `a binding to super stream '${exchange}' needs an x-stream-partition-order from 0 to 2`;
    await client.expectChannelClose(1, 406, `PRECONDITION_FAILED - ${text}`, 50, 20);
  },
  LEVERET_ONLY,
);

/** A client that reads every partition of the super stream as one of a group. */
async function reader(broker: BrokerUnderTest, superStream: string, partitions: number): Promise<RawClient> {
  const client = await broker.channel();
  await client.call(1, "basic.qos", { prefetchCount: 10 });
  for (let partition = 0; partition < partitions; partition++) {
    const queue = `${superStream}-${partition}`;
    await consume(client, queue, { consumerTag: `billing-${partition}`, arguments: tableFrom(ONE_AT_A_TIME) });
  }
  return client;
}

methodTest(
  "[super-stream/x-single-active-consumer] one reader of a partition at a time; they spread, and another goes on",
  async (broker) => {
    const client = await broker.channel();
    const exchange = await declareSuperStream(broker, client);
    const [a, b] = [await reader(broker, exchange, 3), await reader(broker, exchange, 3)];
    // hello1, hello2 and hello4 lead to the partitions 1, 0 and 2.
    for (const routingKey of ["hello1", "hello2", "hello4"]) {
      for (const body of ["first", "second"]) client.publish(1, { exchange, routingKey }, `${routingKey} ${body}`);
    }
    await expectWaiting(a, "basic.deliver", 4);
    await expectWaiting(b, "basic.deliver", 2);
    assert.deepEqual(await deliveredBodies(b, 2), ["hello1 first", "hello1 second"]);
    assert.deepEqual((await deliveredBodies(a, 4)).sort(), [
      "hello2 first",
      "hello2 second",
      "hello4 first",
      "hello4 second",
    ]);
    b.send(1, "basic.ack", { deliveryTag: 1 });
    await b.call(1, "basic.qos", { prefetchCount: 10 });
    b.destroy();
    assert.deepEqual(await deliveredBodies(a, 1), ["hello1 second"], "what was not acknowledged comes again");
    assert.deepEqual(a.waiting(1), []);
    const c = await reader(broker, exchange, 3);
    a.destroy();
    assert.deepEqual(
      (await deliveredBodies(c, 5)).filter((body) => body.startsWith("hello1")),
      ["hello1 second"],
    );
  },
  LEVERET_ONLY,
);

methodTest("[super-stream/by hand] a direct exchange, streams and bindings, as in RabbitMQ", async (broker) => {
  const client = await broker.channel();
  const exchange = broker.name("invoices");
  const table = tableFrom({ "x-super-stream": true });
  await client.call(1, "exchange.declare", { exchange, type: "direct", durable: true, arguments: table });
  const regions = ["amer", "emea"];
  for (const [order, routingKey] of regions.entries()) {
    const queue = `${exchange}-${routingKey}`;
    const stream = tableFrom({ "x-queue-type": "stream" });
    await client.call(1, "queue.declare", { queue, durable: true, arguments: stream });
    const bindingArguments = tableFrom({ "x-stream-partition-order": order });
    await client.call(1, "queue.bind", { exchange, queue, routingKey, arguments: bindingArguments });
    client.publish(1, { exchange, routingKey }, routingKey);
  }
  await client.call(1, "basic.qos", { prefetchCount: 10 });
  for (const region of regions) {
    await consume(client, `${exchange}-${region}`, { arguments: tableFrom(FIRST) });
    assert.deepEqual(await deliveredBodies(client, 1), [region]);
  }
});

methodTest(
  "[super-stream/by hand] its partitions spread over the readers of a group too",
  async (broker) => {
    const client = await broker.channel();
    const exchange = broker.name("invoices");
    const table = tableFrom({ "x-super-stream": true });
    await client.call(1, "exchange.declare", { exchange, type: "direct", durable: true, arguments: table });
    for (const order of [0, 1]) {
      const queue = `${exchange}-${order}`;
      const stream = tableFrom({ "x-queue-type": "stream" });
      await client.call(1, "queue.declare", { queue, durable: true, arguments: stream });
      const bindingArguments = tableFrom({ "x-stream-partition-order": order });
      await client.call(1, "queue.bind", { exchange, queue, routingKey: `${order}`, arguments: bindingArguments });
    }
    const readers = [await reader(broker, exchange, 2), await reader(broker, exchange, 2)];
    for (const routingKey of ["0", "1"]) client.publish(1, { exchange, routingKey }, routingKey);
    for (const [order, each] of readers.entries()) assert.deepEqual(await deliveredBodies(each, 1), [`${order}`]);
    await client.call(1, "queue.unbind", {
      exchange,
      queue: `${exchange}-1`,
      routingKey: "1",
      arguments: tableFrom({ "x-stream-partition-order": 1 }),
    });
    const [first, second] = readers as [RawClient, RawClient];
    second.send(1, "basic.ack", { deliveryTag: 1 });
    client.publish(1, { routingKey: `${exchange}-1` }, "on its own");
    await eventually("a stream on its own is read by who came first", () => first.waiting(1).length === 1);
  },
  LEVERET_ONLY,
);

methodTest(
  "[super-stream/permissions] it takes those to declare and bind every partition",
  async (broker) => {
    const user = await broker.newUser();
    await broker.administration.setPermissions("/", user, { configure: ".*", write: "-0$", read: ".*" });
    const client = await broker.channel({ username: user, password: user });
    const exchange = broker.name("super");
    const table = tableFrom({ partitions: 2 });
    client.send(1, "exchange.declare", { exchange, type: TYPE, durable: true, arguments: table });
    const refused = `write access to queue '${exchange}-1' in vhost '/' refused for user '${user}'`;
    await client.expectChannelClose(1, 403, `ACCESS_REFUSED - ${refused}`, 40, 10);
    assert.equal(await isThere(broker, `${exchange}-0`), false);
  },
  { ...LEVERET_ONLY, administers: true },
);
