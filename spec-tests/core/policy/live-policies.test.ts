import assert from "node:assert/strict";
import { test } from "node:test";
import type { Broker } from "../../../src/core/broker.ts";
import type { PolicySpec } from "../../../src/core/policy/policy.ts";
import type { Queue } from "../../../src/core/queue/queue.ts";
import type { Vhost } from "../../../src/core/vhost.ts";
import { EMPTY_TABLE, type PlainFieldValue, tableFrom } from "../../../src/wire/field-table.ts";
import { declareQueue, expectReady } from "../../support/queues.ts";
import { methodTest } from "../../support/method-test.ts";
import { startTestBroker } from "../../support/test-broker.ts";

const INSIDE = { leveretOnly: "sets policies from inside" };

function withVhost(title: string, body: (vhost: Vhost, broker: Broker) => void): void {
  test(title, async () => {
    const { broker, close } = startTestBroker();
    try {
      body(broker.findVhost("/") as Vhost, broker);
    } finally {
      await close();
    }
  });
}

function addQueue(vhost: Vhost, name: string, queueArguments: Record<string, PlainFieldValue> = {}): Queue {
  const spec = { name, durable: true, autoDelete: false, exclusiveOwner: undefined };
  return vhost.addQueue({ ...spec, arguments: tableFrom(queueArguments) });
}

function addExchange(vhost: Vhost, name: string, exchangeArguments: Record<string, PlainFieldValue> = {}): void {
  const spec = { name, type: "direct", durable: false, autoDelete: false, internal: false };
  vhost.addExchange({ ...spec, arguments: tableFrom(exchangeArguments) });
}

function set(broker: Broker, definition: Record<string, unknown>, spec: Partial<PolicySpec> = {}): void {
  broker.policies.set("policy", "/", "p", { pattern: "", definition, ...spec });
}

withVhost("[policy/live] queues that are there and queues that come later act by it", (vhost, broker) => {
  const before = addQueue(vhost, "before");
  set(broker, { "max-length": 5 });
  const after = addQueue(vhost, "after");
  assert.deepEqual([before.settings.lengthMax, after.settings.lengthMax], [5, 5]);
  set(broker, { "message-ttl": 100 });
  assert.deepEqual([before.settings.lengthMax, before.settings.messageTtlMilliseconds], [undefined, 100]);
  broker.policies.delete("policy", "/", "p");
  assert.deepEqual(
    [before.settings.messageTtlMilliseconds, after.settings.messageTtlMilliseconds],
    [undefined, undefined],
  );
});

withVhost("[policy/live] only queues whose settings change are touched", (vhost, broker) => {
  const configured: string[] = [];
  for (const name of ["a", "b"]) {
    const queue = addQueue(vhost, name, name === "b" ? { "x-max-length": 2 } : {});
    const configure = queue.configure.bind(queue);
    queue.configure = (settings) => {
      configured.push(name);
      configure(settings);
    };
  }
  set(broker, { "max-length": 5 });
  set(broker, { "max-length": 5 }, { priority: 1 });
  assert.deepEqual(configured, ["a"]);
});

withVhost("[policy/live] in another virtual host changes nothing", (vhost, broker) => {
  broker.createVhost("other");
  broker.policies.set("policy", "other", "p", { pattern: "", definition: { "max-length": 5 } });
  assert.equal(addQueue(vhost, "q").settings.lengthMax, undefined);
});

withVhost("[policy/live] an operator policy caps what the policy and the arguments allow", (vhost, broker) => {
  const queue = addQueue(vhost, "q", { "x-max-length": 50 });
  set(broker, { "max-length": 100 });
  assert.equal(queue.settings.lengthMax, 50);
  broker.policies.set("operator-policy", "/", "o", { pattern: "", definition: { "max-length": 10 } });
  assert.equal(queue.settings.lengthMax, 10);
});

withVhost("[policy/alternate-exchange] is in effect live, behind the exchange's own argument", (vhost, broker) => {
  addExchange(vhost, "x");
  addExchange(vhost, "own", { "alternate-exchange": "mine" });
  const generation = vhost.topologyGeneration;
  set(broker, { "alternate-exchange": "amq.fanout" });
  const alternates = () => ["x", "own", "amq.topic", ""].map((name) => vhost.requireExchange(name).alternateExchange);
  assert.deepEqual(alternates(), ["amq.fanout", "mine", "amq.fanout", undefined]);
  assert(vhost.topologyGeneration > generation, "cached routes are given up");
  addExchange(vhost, "later");
  assert.equal(vhost.requireExchange("later").alternateExchange, "amq.fanout");
  const settled = vhost.topologyGeneration;
  set(broker, { "alternate-exchange": "amq.fanout" }, { priority: 9 });
  assert.equal(vhost.topologyGeneration, settled);
  broker.policies.delete("policy", "/", "p");
  assert.deepEqual(alternates(), [undefined, "mine", undefined, undefined]);
});

withVhost("[policy/delayed-message] makes a queue delay messages", (vhost, broker) => {
  const queue = addQueue(vhost, "q");
  set(broker, { "delayed-message": true }, { applyTo: "queues" });
  assert.equal(queue.settings.delaysMessages, true);
});

methodTest(
  "[policy/max-length] that comes later drops the oldest of what is there; one for another name does not",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declareQueue(broker, client);
    for (let i = 0; i < 5; i++) client.publish(1, { routingKey: queue }, Buffer.from(String(i)));
    await expectReady(client, queue, 5);
    const definition = { "max-length": 2 };
    broker.inside.policies.set("policy", "/", "other", { pattern: "^other$", priority: 9, definition });
    await expectReady(client, queue, 5);
    broker.inside.policies.set("policy", "/", "p", { pattern: `^${queue}$`, definition });
    await expectReady(client, queue, 2);
  },
  INSIDE,
);

methodTest(
  "[policy/alternate-exchange] takes what is unroutable from the next publish on, cached routes or not",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declareQueue(broker, client);
    const exchange = broker.name("x");
    await client.call(1, "exchange.declare", { exchange, type: "direct" });
    await client.call(1, "queue.bind", { queue, exchange: "amq.fanout", routingKey: "", arguments: EMPTY_TABLE });
    client.publish(1, { exchange, routingKey: "k" }, Buffer.from("lost"));
    await expectReady(client, queue, 0);
    const definition = { "alternate-exchange": "amq.fanout" };
    broker.inside.policies.set("policy", "/", "p", { pattern: `^${exchange}$`, applyTo: "exchanges", definition });
    client.publish(1, { exchange, routingKey: "k" }, Buffer.from("kept"));
    await expectReady(client, queue, 1);
  },
  INSIDE,
);
