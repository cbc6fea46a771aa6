import assert from "node:assert/strict";
import { test } from "node:test";
import { deleteExchange } from "../../../src/core/commands/delete-exchange.ts";
import { deleteQueue } from "../../../src/core/commands/delete-queue.ts";
import { unbindQueue } from "../../../src/core/commands/unbind-queue.ts";
import { InvalidDefinitionError } from "../../../src/core/definitions.ts";
import { EMPTY_TABLE, tableFrom } from "../../../src/wire/field-table.ts";
import { bindingTexts, FakeQueue, Topology } from "./topology.ts";

function destinations(topology: Topology, exchange: string, routingKey: string): string[] {
  const { vhost } = topology;
  const route = vhost.route(vhost.requireExchange(exchange), {
    routingKeys: [routingKey],
    headers: () => undefined,
    message: undefined,
  });
  return route.destinations.map(({ name }) => name).sort();
}

test("[vhost] starts with the predeclared exchanges, none of them stored", () => {
  const topology = new Topology();
  const exchanges = Array.from(topology.vhost.exchanges, (each) => [each.name, each.type, each.internal, each.durable]);
  assert.deepEqual(exchanges, [
    ["", "direct", false, true],
    ["amq.direct", "direct", false, true],
    ["amq.fanout", "fanout", false, true],
    ["amq.topic", "topic", false, true],
    ["amq.headers", "headers", false, true],
    ["amq.match", "headers", false, true],
    ["amq.rabbitmq.trace", "topic", true, true],
  ]);
  assert.deepEqual(topology.definitions.stored, []);
});

test("[vhost] the default exchange routes to every queue by its name", () => {
  const topology = new Topology();
  topology.queue("q");
  assert.deepEqual(destinations(topology, "", "q"), ["q"]);
  deleteQueue(topology.context, { name: "q", ifUnused: false, ifEmpty: false });
  assert.deepEqual(destinations(topology, "", "q"), []);
});

test("[vhost] the default exchange finds direct reply-to queues through the hook, which sees no other names", () => {
  const topology = new Topology();
  const asked: string[] = [];
  const destination = (name: string) => {
    asked.push(name);
    return new FakeQueue({
      id: 0,
      name,
      vhostName: "/",
      durable: false,
      autoDelete: false,
      exclusiveOwner: undefined,
      arguments: EMPTY_TABLE,
    });
  };
  topology.vhost.replies = { isLive: () => true, destination };
  assert.deepEqual(destinations(topology, "", "amq.rabbitmq.reply-to.1"), ["amq.rabbitmq.reply-to.1"]);
  assert.deepEqual(destinations(topology, "", "amq.rabbitmq.reply-to"), []);
  assert.deepEqual(destinations(topology, "", "missing"), []);
  assert.deepEqual(asked, ["amq.rabbitmq.reply-to.1"]);
});

test("[vhost] routes through exchanges and alternate exchanges", () => {
  const topology = new Topology();
  topology.exchange("x", { arguments: tableFrom({ "alternate-exchange": "amq.fanout" }) });
  topology.queue("matched");
  topology.queue("unmatched");
  topology.bindExchanges("x", "amq.direct", "key");
  topology.bind("amq.direct", "matched", "key");
  topology.bind("amq.fanout", "unmatched");
  assert.deepEqual(destinations(topology, "x", "key"), ["matched"]);
  assert.deepEqual(destinations(topology, "x", "other"), ["unmatched"]);
});

test("[vhost] the topology generation rises with every change to a route and with nothing else", () => {
  const topology = new Topology();
  const binding = { exchange: "x", queue: "q", routingKey: "key", arguments: EMPTY_TABLE };
  const changes = (change: () => void): boolean => {
    const before = topology.vhost.topologyGeneration;
    change();
    return topology.vhost.topologyGeneration > before;
  };
  assert(changes(() => topology.exchange("x")));
  assert(changes(() => topology.queue("q")));
  assert(changes(() => topology.bind("x", "q", "key")));
  assert(!changes(() => topology.bind("x", "q", "key")));
  assert(!changes(() => topology.queue("q")));
  assert(!changes(() => topology.exchange("x", { passive: true })));
  assert(changes(() => unbindQueue(topology.context, binding)));
  assert(!changes(() => unbindQueue(topology.context, binding)));
  assert(changes(() => deleteQueue(topology.context, { name: "q", ifUnused: false, ifEmpty: false })));
  assert(changes(() => deleteExchange(topology.context, { name: "x", ifUnused: false })));
  assert(!changes(() => deleteExchange(topology.context, { name: "x", ifUnused: false })));
});

test("[vhost] an auto-delete queue goes when it says that it is unused, with its bindings", () => {
  const topology = new Topology();
  topology.queue("q", { autoDelete: true });
  topology.bind("amq.fanout", "q");
  const queue = topology.fakeQueue("q");
  queue.onUnused?.();
  assert(queue.dropped);
  assert(!topology.hasQueue("q"));
  assert.deepEqual(topology.bindings(), []);
  assert.equal(queue.onUnused, undefined);
});

test("[vhost] other queues never go by themselves", () => {
  const topology = new Topology();
  topology.queue("q");
  assert.equal(topology.fakeQueue("q").onUnused, undefined);
});

test("[vhost] a connection's exclusive queues go with it, and no others", () => {
  const topology = new Topology();
  topology.queue("mine", { exclusive: true });
  topology.queue("mine too", { exclusive: true });
  topology.queue("gone before", { exclusive: true, autoDelete: true });
  topology.queue("shared");
  topology.fakeQueue("gone before").onUnused?.();
  topology.vhost.deleteExclusiveQueues(topology.otherConnection().actor.connection);
  assert.equal(topology.vhost.queueCount, 3);
  topology.vhost.deleteExclusiveQueues(topology.context.actor.connection);
  assert.deepEqual(
    Array.from(topology.vhost.queues, ({ name }) => name),
    ["shared"],
  );
  topology.vhost.deleteExclusiveQueues(topology.context.actor.connection);
});

test("[vhost] auto-delete exchanges bound in a cycle go together", () => {
  const topology = new Topology();
  topology.exchange("a", { autoDelete: true, durable: true });
  topology.exchange("b", { autoDelete: true, durable: true });
  topology.bindExchanges("a", "b");
  topology.bindExchanges("b", "a");
  topology.bindExchanges("a", "a");
  deleteExchange(topology.context, { name: "a", ifUnused: false });
  assert.deepEqual([topology.hasExchange("a"), topology.hasExchange("b")], [false, false]);
  assert.deepEqual(topology.definitions.stored, []);
});

test("[vhost] restores exchanges, queues and bindings as they were", () => {
  const topology = new Topology();
  topology.exchange("x", { type: "headers", durable: true, arguments: tableFrom({ "alternate-exchange": "ae" }) });
  topology.queue("other", { durable: true });
  topology.queue("q", { durable: true, autoDelete: true, arguments: tableFrom({ "x-max-length": 3 }) });
  topology.bind("x", "q", "key", tableFrom({ "x-match": "any", n: 1 }));
  topology.bindExchanges("amq.topic", "x", "#");
  const restored = topology.restored();
  const { id, durable, autoDelete, arguments: queueArguments } = restored.requireQueue("q");
  assert.deepEqual([id, durable, autoDelete], [topology.fakeQueue("q").id, true, true]);
  assert.deepEqual(queueArguments, tableFrom({ "x-max-length": 3 }));
  const { type, durable: exchangeDurable, alternateExchange } = restored.requireExchange("x");
  assert.deepEqual([type, exchangeDurable, alternateExchange], ["headers", true, "ae"]);
  assert.deepEqual(bindingTexts(restored), topology.bindings());
});

test("[vhost] what is restored goes as what was declared does: from the store too", () => {
  const topology = new Topology();
  topology.exchange("x", { durable: true, autoDelete: true });
  topology.queue("q", { durable: true, autoDelete: true });
  topology.bind("x", "q", "key", tableFrom({ n: { b: 1, a: [2] } }));
  const deleted: string[] = [];
  topology.definitions.delete = (kind, id) => {
    assert(topology.definitions.stored.some((each) => each.kind === kind && each.id === id));
    deleted.push(kind);
  };
  topology.fakeQueue("q").onUnused?.();
  assert.deepEqual(deleted.sort(), ["binding", "exchange", "queue"]);
});

test("[vhost] definitions that cannot have been stored are refused", () => {
  const { vhost } = new Topology();
  const exchange = { vhost: "/", name: "x", type: "direct", autoDelete: false, internal: false, arguments: [] };
  const queue = { vhost: "/", name: "q", queueId: 1, autoDelete: false, arguments: [] };
  const binding = {
    vhost: "/",
    source: "amq.direct",
    targetKind: "exchange",
    target: "amq.fanout",
    routingKey: "",
    arguments: [],
  };
  const refusals: (() => unknown)[] = [
    () => vhost.restoreExchange("id", null),
    () => vhost.restoreExchange("id", { ...exchange, name: 5 }),
    () => vhost.restoreExchange("id", { ...exchange, type: "unheard-of" }),
    () => vhost.restoreExchange("id", { ...exchange, arguments: "none" }),
    () => vhost.restoreQueue("id", { ...queue, queueId: -1 }),
    () => vhost.restoreQueue("id", { ...queue, queueId: "1" }),
    () => vhost.restoreQueue("id", { ...queue, queueId: 2 ** 32 }),
    () => vhost.restoreQueue("id", { ...queue, autoDelete: undefined }),
    () => vhost.restoreQueue("id", { ...queue, arguments: [["key", "no type", 1]] }),
    () => vhost.restoreBinding("id", { ...binding, targetKind: "topic" }),
    () => vhost.restoreBinding("id", { ...binding, targetKind: "queue", target: "missing" }),
    () => vhost.restoreBinding("id", { ...binding, source: "missing" }),
    () =>
      vhost.restoreBinding("id", { ...binding, source: "amq.match", arguments: [["x-match", "longstr", "sometimes"]] }),
  ];
  for (const refusal of refusals) assert.throws(refusal, InvalidDefinitionError);
  vhost.restoreExchange("id", exchange);
  vhost.restoreQueue("id", queue);
  vhost.restoreBinding("id", binding);
});

test("[vhost/auto-delete] a long chain of auto-delete exchanges goes with its last link", () => {
  const topology = new Topology();
  const { vhost } = topology;
  const before = vhost.exchangeCount;
  const exchanges = Array.from({ length: 20_000 }, (_, index) =>
    vhost.addExchange({
      name: `x${index}`,
      type: "fanout",
      durable: false,
      autoDelete: true,
      internal: false,
      arguments: EMPTY_TABLE,
    }),
  );
  for (const [index, source] of exchanges.entries()) {
    const target = exchanges[index + 1];
    if (target !== undefined) vhost.bind(source, target, "", EMPTY_TABLE);
  }
  vhost.deleteExchange(exchanges[exchanges.length - 1] as (typeof exchanges)[number]);
  assert.equal(vhost.exchangeCount, before);
});
