import assert from "node:assert/strict";
import { test } from "node:test";
import type { Vhost } from "../../../src/core/vhost.ts";
import { tableFrom } from "../../../src/wire/field-table.ts";
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
