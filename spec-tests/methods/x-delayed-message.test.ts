import assert from "node:assert/strict";
import { type FieldTable, long, longstr, type PlainFieldValue, tableFrom } from "../../src/wire/field-table.ts";
import type { Properties } from "../../src/wire/properties.ts";
import { type BrokerUnderTest, methodTest } from "../support/method-test.ts";
import { consume, declareExchange, declareQueue, drain, expectReady } from "../support/queues.ts";
import type { RawClient } from "../support/raw-client.ts";

const TYPE = "x-delayed-message";

/** The plugin that RabbitMQ needs is not everywhere, and its time cannot be stepped. */
const STEPPED = { leveretOnly: "the test steps the broker's clock" };

interface Scene {
  readonly client: RawClient;
  readonly exchange: string;
  readonly queue: string;
}

/** A delayed exchange of an inner type, and a queue bound to it with the key "k". */
async function delayedScene(broker: BrokerUnderTest, type = "direct"): Promise<Scene> {
  const client = await broker.channel();
  const exchange = await declareExchange(broker, client, TYPE, tableFrom({ "x-delayed-type": type }));
  const queue = await declareQueue(broker, client);
  await client.call(1, "queue.bind", { queue, exchange, routingKey: "k" });
  return { client, exchange, queue };
}

function delayed(milliseconds: PlainFieldValue, properties: Properties = {}): Properties {
  return { ...properties, headers: tableFrom({ "x-delay": milliseconds }) };
}

/** Waits until the broker has read what the client has sent. */
async function sent(client: RawClient): Promise<void> {
  await client.call(1, "basic.qos");
}

async function expectDeclareRefused(broker: BrokerUnderTest, table: FieldTable, explanation: string): Promise<void> {
  const client = await broker.channel();
  client.send(1, "exchange.declare", { exchange: broker.name("exchange"), type: TYPE, arguments: table });
  await client.expectChannelClose(1, 406, `PRECONDITION_FAILED - ${explanation}`, 40, 10);
}

methodTest(
  `[exchange.declare/${TYPE}] the type it delays messages for has to be named, and to be one`,
  async (broker) => {
    const absent = "Invalid argument, 'x-delayed-type' must be an existing exchange type";
    await expectDeclareRefused(broker, tableFrom({}), absent);
    await expectDeclareRefused(broker, tableFrom({ "x-delayed-type": 1 }), absent);
    await expectDeclareRefused(broker, tableFrom({ "x-delayed-type": "nonsense" }), "unknown exchange type 'nonsense'");
    const itself = "Invalid argument, 'x-delayed-message' can't be used for 'x-delayed-type'";
    await expectDeclareRefused(broker, tableFrom({ "x-delayed-type": TYPE }), itself);
  },
  { leveretOnly: "RabbitMQ needs a plugin, which has no release for 4.3" },
);

methodTest(
  `[basic.publish/${TYPE}] messages come when their delay has passed, the shortest first, and count until then`,
  async (broker) => {
    const { client, exchange, queue } = await delayedScene(broker);
    for (const delay of [500, 100, 300, 200, 100])
      client.publish(1, { exchange, routingKey: "k" }, `${delay}`, delayed(delay));
    client.publish(1, { exchange, routingKey: "k" }, "none");
    await expectReady(client, queue, 1);
    const inside = broker.inside.findVhost("/")?.requireExchange(exchange) ?? assert.fail();
    assert.equal(inside.delayedCount, 5);
    broker.clock.advance(99);
    await sent(client);
    assert.deepEqual(await drain(client, queue), ["none"]);
    broker.clock.advance(201);
    await expectReady(client, queue, 4);
    assert.deepEqual(await drain(client, queue), ["100", "100", "200", "300"]);
    broker.clock.advance(200);
    await expectReady(client, queue, 1);
  },
  STEPPED,
);

methodTest(
  `[basic.publish/${TYPE}] a message that has waited has its delay as a negative long, and is else as it was`,
  async (broker) => {
    const { client, exchange, queue } = await delayedScene(broker);
    const headers = new Map([
      ["first", longstr("1")],
      ["x-delay", { type: "signedint", value: 1000 } as const],
    ]);
    client.publish(1, { exchange, routingKey: "k" }, "body", { headers, deliveryMode: 2, contentType: "text/plain" });
    await sent(client);
    broker.clock.advance(1000);
    await expectReady(client, queue, 1);
    const message = await client.get(1, { queue, noAck: true });
    assert.deepEqual(message?.properties.headers?.get("x-delay"), long(-1000));
    assert.deepEqual(message?.properties.headers?.get("first"), longstr("1"));
    assert.deepEqual([message?.properties.deliveryMode, message?.properties.contentType], [2, "text/plain"]);
    assert.deepEqual(
      [message?.args.exchange, message?.args.routingKey, message?.args.redelivered],
      [exchange, "k", false],
    );
  },
  STEPPED,
);

methodTest(
  `[confirm.select/${TYPE}] a delayed message is confirmed when it is taken, and not returned`,
  async (broker) => {
    const { client, exchange } = await delayedScene(broker);
    await client.call(1, "confirm.select");
    client.publish(1, { exchange, routingKey: "nowhere", mandatory: true }, "", delayed(1000, { deliveryMode: 2 }));
    assert.equal((await client.expect(1, "basic.ack")).deliveryTag, 1);
    broker.clock.advance(1000);
    await sent(client);
    client.publish(1, { exchange, routingKey: "nowhere", mandatory: true }, "", delayed(0));
    await client.expectContent(1, "basic.return");
    await client.expect(1, "basic.ack");
  },
  STEPPED,
);

methodTest(
  `[basic.publish/${TYPE}] the bindings at the time when a message is due decide where it goes`,
  async (broker) => {
    const { client, exchange, queue } = await delayedScene(broker);
    client.publish(1, { exchange, routingKey: "k" }, "moved", delayed(1000));
    const later = await declareQueue(broker, client);
    await client.call(1, "queue.unbind", { queue, exchange, routingKey: "k" });
    await client.call(1, "queue.bind", { queue: later, exchange, routingKey: "k" });
    broker.clock.advance(1000);
    await expectReady(client, later, 1);
    await expectReady(client, queue, 0);
  },
  STEPPED,
);

methodTest(
  `[basic.publish/${TYPE}] CC and BCC keys survive the delay; receivers see CC only`,
  async (broker) => {
    const { client, exchange, queue } = await delayedScene(broker);
    const [cc, bcc] = [await declareQueue(broker, client), await declareQueue(broker, client)];
    await client.call(1, "queue.bind", { queue: cc, exchange, routingKey: "cc" });
    await client.call(1, "queue.bind", { queue: bcc, exchange, routingKey: "bcc" });
    const headers = tableFrom({ CC: ["cc"], BCC: ["bcc"], "x-delay": 1000 });
    client.publish(1, { exchange, routingKey: "k" }, "copied", { headers });
    await sent(client);
    broker.clock.advance(1000);
    for (const each of [queue, cc, bcc]) {
      await expectReady(client, each, 1);
      const message = await client.get(1, { queue: each, noAck: true });
      assert.deepEqual([...(message?.properties.headers?.keys() ?? [])].sort(), ["CC", "x-delay"]);
    }
  },
  STEPPED,
);

methodTest(
  `[exchange.bind/${TYPE}] messages that come through another exchange wait too`,
  async (broker) => {
    const { client, exchange, queue } = await delayedScene(broker, "fanout");
    const source = await declareExchange(broker, client, "fanout");
    await client.call(1, "exchange.bind", { source, destination: exchange });
    client.publish(1, { exchange: source, routingKey: "" }, "through", delayed(1000));
    await sent(client);
    await expectReady(client, queue, 0);
    broker.clock.advance(1000);
    await expectReady(client, queue, 1);
  },
  STEPPED,
);

methodTest(
  `[queue.declare/x-dead-letter-exchange] a dead letter waits in a delayed exchange if it has not waited before`,
  async (broker) => {
    const { client, exchange, queue } = await delayedScene(broker, "fanout");
    const table = tableFrom({ "x-dead-letter-exchange": exchange, "x-message-ttl": 10 });
    const dying = await declareQueue(broker, client, { arguments: table });
    client.publish(1, { routingKey: dying }, "dead", delayed(1000));
    await expectReady(client, dying, 1);
    broker.clock.advance(10);
    await expectReady(client, dying, 0);
    broker.clock.advance(999);
    await sent(client);
    await expectReady(client, queue, 0);
    broker.clock.advance(1);
    await expectReady(client, queue, 1);
  },
  STEPPED,
);

methodTest(
  `[basic.publish/${TYPE}] a message's own expiration, and a queue's, begin when the message has waited`,
  async (broker) => {
    const { client, exchange, queue } = await delayedScene(broker, "fanout");
    const short = await declareQueue(broker, client, { arguments: tableFrom({ "x-message-ttl": 100 }) });
    await client.call(1, "queue.bind", { queue: short, exchange });
    client.publish(1, { exchange, routingKey: "" }, "brief", delayed(1000, { expiration: "200" }));
    await sent(client);
    broker.clock.advance(1000);
    await expectReady(client, queue, 1);
    await expectReady(client, short, 1);
    broker.clock.advance(100);
    await expectReady(client, short, 0);
    await expectReady(client, queue, 1);
    broker.clock.advance(100);
    await expectReady(client, queue, 0);
  },
  STEPPED,
);

methodTest(
  `[tx.commit/${TYPE}] the delay of a message in a transaction begins at the commit`,
  async (broker) => {
    const { client, exchange, queue } = await delayedScene(broker);
    const publisher = await broker.channel();
    await publisher.call(1, "tx.select");
    publisher.publish(1, { exchange, routingKey: "k" }, "rolled back", delayed(1000));
    await publisher.call(1, "tx.rollback");
    publisher.publish(1, { exchange, routingKey: "k" }, "committed", delayed(1000, { deliveryMode: 2 }));
    await sent(publisher);
    broker.clock.advance(5000);
    await publisher.call(1, "tx.commit");
    await expectReady(client, queue, 0);
    broker.clock.advance(1000);
    await expectReady(client, queue, 1);
    assert.deepEqual(await drain(client, queue), ["committed"]);
  },
  STEPPED,
);

methodTest(
  `[exchange.delete/${TYPE}] what waits goes with the exchange`,
  async (broker) => {
    const { client, exchange, queue } = await delayedScene(broker);
    client.publish(1, { exchange, routingKey: "k" }, "gone", delayed(1000, { deliveryMode: 2 }));
    await client.call(1, "exchange.delete", { exchange });
    await client.call(1, "exchange.declare", { exchange, type: "direct" });
    await client.call(1, "queue.bind", { queue, exchange, routingKey: "k" });
    broker.clock.advance(5000);
    await sent(client);
    await expectReady(client, queue, 0);
  },
  STEPPED,
);

methodTest(
  `[basic.publish/${TYPE}] a delay beyond 4294967295 ms, or none that is a number, is no delay`,
  async (broker) => {
    const { client, exchange, queue } = await delayedScene(broker);
    for (const delay of [4_294_967_296, -1, "soon", true]) {
      client.publish(1, { exchange, routingKey: "k" }, "now", delayed(delay));
    }
    client.publish(1, { exchange, routingKey: "k" }, "last", delayed(4_294_967_295));
    await expectReady(client, queue, 4);
    await drain(client, queue);
    broker.clock.advance(4_294_967_294);
    await sent(client);
    await expectReady(client, queue, 0);
    broker.clock.advance(1);
    await expectReady(client, queue, 1);
  },
  STEPPED,
);

methodTest(
  "[queue.declare/x-delayed-message] a queue keeps messages with a delay until it has passed",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declareQueue(broker, client, { arguments: tableFrom({ "x-delayed-message": true }) });
    client.publish(1, { routingKey: queue }, "second", delayed(200));
    client.publish(1, { routingKey: queue }, "first", delayed(100));
    client.publish(1, { routingKey: queue }, "now");
    await expectReady(client, queue, 1);
    const inside = broker.inside.findVhost("/")?.requireQueue(queue) ?? assert.fail();
    assert.deepEqual([inside.delayedCount, inside.readyCount, inside.unackedCount], [2, 1, 0]);
    await consume(client, queue, { noAck: true });
    assert.equal((await client.expectContent(1, "basic.deliver")).body.toString(), "now");
    broker.clock.advance(200);
    const { body, properties } = await client.expectContent(1, "basic.deliver");
    assert.equal(body.toString(), "first");
    assert.deepEqual(properties.headers?.get("x-delay"), long(-100));
    assert.equal((await client.expectContent(1, "basic.deliver")).body.toString(), "second");
    assert.equal(inside.delayedCount, 0);
  },
  STEPPED,
);

methodTest(
  "[queue.declare/x-delayed-message] any other queue takes no notice of x-delay",
  async (broker) => {
    const client = await broker.channel();
    for (const table of [tableFrom({}), tableFrom({ "x-delayed-message": false })]) {
      const queue = await declareQueue(broker, client, { arguments: table });
      client.publish(1, { routingKey: queue }, "now", delayed(1000));
      await expectReady(client, queue, 1);
    }
  },
  STEPPED,
);

methodTest(
  "[queue.declare/x-delayed-message] a message that has waited in an exchange does not wait in the queue as well",
  async (broker) => {
    const { client, exchange } = await delayedScene(broker, "fanout");
    const queue = await declareQueue(broker, client, { arguments: tableFrom({ "x-delayed-message": true }) });
    await client.call(1, "queue.bind", { queue, exchange });
    client.publish(1, { exchange, routingKey: "" }, "once", delayed(1000));
    await sent(client);
    broker.clock.advance(1000);
    await expectReady(client, queue, 1);
  },
  STEPPED,
);

methodTest(
  "[queue.declare/x-delayed-message] a priority queue serves what has waited by its priority",
  async (broker) => {
    const client = await broker.channel();
    const table = tableFrom({ "x-delayed-message": true, "x-max-priority": 5 });
    const queue = await declareQueue(broker, client, { arguments: table });
    client.publish(1, { routingKey: queue }, "low", delayed(100, { priority: 1 }));
    client.publish(1, { routingKey: queue }, "high", delayed(200, { priority: 5 }));
    await sent(client);
    broker.clock.advance(200);
    await expectReady(client, queue, 2);
    assert.deepEqual(await drain(client, queue), ["high", "low"]);
  },
  STEPPED,
);

methodTest(
  "[queue.declare/x-overflow] a message that finds its queue full when it is due is refused like any other",
  async (broker) => {
    const client = await broker.channel();
    const dead = await declareQueue(broker, client);
    const table = tableFrom({
      "x-delayed-message": true,
      "x-max-length": 1,
      "x-overflow": "reject-publish-dlx",
      "x-dead-letter-exchange": "",
      "x-dead-letter-routing-key": dead,
    });
    const queue = await declareQueue(broker, client, { arguments: table });
    client.publish(1, { routingKey: queue }, "late", delayed(100));
    client.publish(1, { routingKey: queue }, "early");
    await expectReady(client, queue, 1);
    broker.clock.advance(100);
    await expectReady(client, dead, 1);
    assert.deepEqual([await drain(client, queue), await drain(client, dead)], [["early"], ["late"]]);
  },
  STEPPED,
);

methodTest(
  "[queue.purge/x-delayed-message] only ready messages are purged; with the queue all are deleted",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declareQueue(broker, client, { arguments: tableFrom({ "x-delayed-message": true }) });
    client.publish(1, { routingKey: queue }, "later", delayed(100));
    client.publish(1, { routingKey: queue }, "now");
    await expectReady(client, queue, 1);
    assert.equal((await client.call(1, "queue.purge", { queue })).messageCount, 1);
    broker.clock.advance(100);
    await expectReady(client, queue, 1);
    client.publish(1, { routingKey: queue }, "never", delayed(100));
    await client.call(1, "queue.delete", { queue });
    assert.doesNotThrow(() => broker.clock.advance(100));
  },
  STEPPED,
);

methodTest(
  "[policy/delayed-message] a queue delays what comes after the policy, and keeps what waits when it goes",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declareQueue(broker, client);
    const inside = broker.inside.findVhost("/")?.requireQueue(queue) ?? assert.fail();
    inside.configure({ ...inside.settings, delaysMessages: true });
    client.publish(1, { routingKey: queue }, "later", delayed(100));
    await sent(client);
    inside.configure({ ...inside.settings, delaysMessages: false });
    client.publish(1, { routingKey: queue }, "now", delayed(100));
    await expectReady(client, queue, 1);
    broker.clock.advance(100);
    await expectReady(client, queue, 2);
    assert.deepEqual(await drain(client, queue), ["now", "later"]);
  },
  STEPPED,
);
