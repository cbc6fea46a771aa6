import assert from "node:assert/strict";
import { test } from "node:test";
import type { Vhost } from "../../../src/core/vhost.ts";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import { tableFrom } from "../../../src/wire/field-table.ts";
import { handshake } from "../../support/handshake.ts";
import { drain } from "../../support/queues.ts";
import { RawClient } from "../../support/raw-client.ts";
import { startTestBroker } from "../../support/test-broker.ts";
import { Topology } from "../commands/topology.ts";
import { message, namesOf, numberedKeys } from "./fixtures.ts";

const KEYS = numberedKeys(500);

/** The queues that each key leads to. */
function routes(vhost: Vhost): string[][] {
  const source = vhost.requireExchange("x");
  return KEYS.map((key) => namesOf(vhost.route(source, message(key)).destinations));
}

function durable(type: string, bindingKeys: readonly string[]): Topology {
  const topology = new Topology();
  topology.exchange("x", { type, durable: true, arguments: tableFrom({ "x-recent-history-length": 3 }) });
  for (const [index, key] of bindingKeys.entries()) {
    topology.queue(`q${index}`, { durable: true });
    topology.bind("x", `q${index}`, key);
  }
  return topology;
}

for (const [type, bindingKeys] of [
  ["x-consistent-hash", ["1", "2", "3", "4"]],
  ["x-modulus-hash", ["a", "b", "c", "d"]],
] as const) {
  test(`[durability/${type}] after a restart every routing key leads to the same queue`, () => {
    const topology = durable(type, bindingKeys);
    assert.deepEqual(routes(topology.restored()), routes(topology.vhost));
  });
}

for (const type of ["x-random", "x-local-random", "x-recent-history"]) {
  test(`[durability/${type}] exchange, arguments and bindings survive a restart`, () => {
    const restored = durable(type, ["", ""]).restored().requireExchange("x");
    assert.deepEqual([restored.type, restored.bindingCount, restored.arguments.size], [type, 2, 1]);
  });
}

test("[durability/x-recent-history] an exchange stored before it had messages to keep finds them after each restart", async () => {
  let store = new MemoryStore();
  const run = async (body: (client: RawClient) => Promise<void>): Promise<void> => {
    store = new MemoryStore(store.durableState);
    const broker = startTestBroker({ store });
    const client = new RawClient(broker.connect());
    await handshake(client);
    await client.call(1, "channel.open");
    await client.call(1, "confirm.select");
    await body(client);
    await broker.close();
  };
  await run(async (client) => {
    await client.call(1, "exchange.declare", { exchange: "x", type: "x-recent-history", durable: true });
  });
  const { definitions } = store.durableState;
  for (const [key, definition] of definitions) {
    definitions.set(key, { ...definition, json: definition.json.replace(/,"exchangeId":\d+/, "") });
  }
  await run(async (client) => {
    client.publish(1, { exchange: "x", routingKey: "" }, "kept");
    await client.find(1, "basic.ack");
    await client.call(1, "queue.declare", { queue: "q", durable: true });
  });
  await run(async (client) => {
    await client.call(1, "queue.bind", { queue: "q", exchange: "x" });
    assert.deepEqual(await drain(client, "q"), ["kept"]);
  });
});
