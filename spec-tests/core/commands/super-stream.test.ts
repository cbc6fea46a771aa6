import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Broker } from "../../../src/core/broker.ts";
import type { CommandContext } from "../../../src/core/commands/context.ts";
import { declareExchange } from "../../../src/core/commands/declare-exchange.ts";
import { exportDefinitions } from "../../../src/core/commands/definitions/export-definitions.ts";
import { importDefinitions } from "../../../src/core/commands/definitions/import-definitions.ts";
import { readDefinitions } from "../../../src/core/commands/definitions/read-definitions.ts";
import { deleteExchange } from "../../../src/core/commands/delete-exchange.ts";
import type { Vhost } from "../../../src/core/vhost.ts";
import { MemoryState } from "../../../src/store/memory-state.ts";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import { tableFrom } from "../../../src/wire/field-table.ts";
import { startTestBroker, type TestBrokerOptions } from "../../support/test-broker.ts";

const SPEC = {
  name: "orders",
  type: "x-super-stream",
  passive: false,
  durable: true,
  autoDelete: false,
  internal: false,
  arguments: tableFrom({ partitions: 3, "x-max-length-bytes": 1000 }),
};

function start(context: TestContext, options: TestBrokerOptions = {}): { broker: Broker; close(): Promise<void> } {
  const testBroker = startTestBroker(options);
  context.after(() => testBroker.close());
  return testBroker;
}

function vhostOf(broker: Broker): Vhost {
  return broker.findVhost("/") as Vhost;
}

function guest(broker: Broker): CommandContext {
  const user = broker.users.get("guest");
  assert.ok(user !== undefined);
  return broker.commandContext({ user, vhost: vhostOf(broker), connection: {} });
}

/** Where each of some keys leads to, and what the partitions are limited to. */
function seen(broker: Broker): unknown {
  const vhost = vhostOf(broker);
  const exchange = vhost.requireExchange(SPEC.name);
  const targets = ["hello1", "hello2", "hello4"].map((routingKey) => {
    const found = new Set<{ readonly name: string }>();
    exchange.match({ routingKeys: [routingKey], headers: () => undefined, message: undefined }, found as never);
    return Array.from(found, ({ name }) => name);
  });
  return [targets, Array.from(vhost.queues, ({ name, settings }) => [name, settings.lengthBytesMax]).sort()];
}

const EXPECTED = [
  [["orders-1"], ["orders-0"], ["orders-2"]],
  [
    ["orders-0", 1000],
    ["orders-1", 1000],
    ["orders-2", 1000],
  ],
];

test("[super-stream/restart] exchange, partitions and their order come back, and stay away when deleted", async (context) => {
  const state = new MemoryState();
  const first = startTestBroker({ store: new MemoryStore(state) });
  declareExchange(guest(first.broker), SPEC);
  await first.close();

  const second = startTestBroker({ store: new MemoryStore(state) });
  assert.deepEqual(seen(second.broker), EXPECTED);
  declareExchange(guest(second.broker), SPEC);
  deleteExchange(guest(second.broker), { name: SPEC.name, ifUnused: true });
  await second.close();

  const { broker } = start(context, { store: new MemoryStore(state) });
  assert.equal(vhostOf(broker).queueCount, 0);
  assert.equal(state.queues.size, 0);
});

test("[super-stream/definitions] are exported as exchange, streams and bindings, and imported from them", (context) => {
  const { broker } = start(context);
  declareExchange(guest(broker), SPEC);
  const document = exportDefinitions(broker, broker.identity);
  const { broker: other } = start(context);
  importDefinitions(other, readDefinitions(JSON.parse(JSON.stringify(document))));
  assert.deepEqual(seen(other), EXPECTED);
  declareExchange(guest(other), SPEC);
  assert.equal(vhostOf(other).queueCount, 3);
});

test("[super-stream/limits] all partitions must fit in, or nothing is made", (context) => {
  const { broker } = start(context);
  const roomy = guest(broker);
  const full = { ...roomy, limits: { ...roomy.limits, queuesMax: 2 } };
  assert.throws(() => declareExchange(full, SPEC), {
    message: "cannot declare queue 'orders-0': queue limit in vhost '/' (2) is reached",
  });
  assert.deepEqual([vhostOf(broker).queueCount, vhostOf(broker).findExchange(SPEC.name)], [0, undefined]);
  declareExchange({ ...roomy, limits: { ...roomy.limits, queuesMax: 3 } }, SPEC);
  assert.equal(vhostOf(broker).queueCount, 3);
});
