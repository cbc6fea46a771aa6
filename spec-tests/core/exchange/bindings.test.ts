import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { EXCHANGE_TYPES } from "../../../src/core/exchange/create-exchange.ts";
import { tableFrom } from "../../../src/wire/field-table.ts";
import { type Arguments, bind, binding, exchange, matched, message, ONE_TARGET_TYPES, queue } from "./fixtures.ts";

/** The arguments that a type requires. */
const REQUIRED: Readonly<Record<string, Arguments>> = {
  "x-delayed-message": { "x-delayed-type": "direct" },
  "x-message-deduplication": { "x-cache-size": 10 },
};

/** Two binding keys that a type takes; "k" and "k2" unless told. */
const BINDING_KEYS: Readonly<Record<string, readonly [string, string]>> = { "x-consistent-hash": ["1", "2"] };

/** One takes the empty binding key only, the other needs an argument; see their own tests. */
const OTHERWISE_BOUND: readonly string[] = ["x-local-random", "x-super-stream"];

for (const type of EXCHANGE_TYPES.filter((each) => !OTHERWISE_BOUND.includes(each))) {
  const [k, k2] = BINDING_KEYS[type] ?? ["k", "k2"];
  const declared = { arguments: tableFrom(REQUIRED[type] ?? {}) };

  describe(`bindings of a ${type} exchange`, () => {
    test("[queue.bind] binding again with equal target, key and arguments changes nothing", () => {
      const x = exchange(type, "x", declared);
      const q = queue("q");
      assert.equal(bind(x, q, k, { a: 1, b: "two" }), true);
      assert.equal(bind(x, q, k, { b: "two", a: 1 }), false);
      assert.equal(x.bindingCount, 1);
    });

    test("[queue.bind] target, routing key and arguments are each part of a binding's identity", () => {
      const x = exchange(type, "x", declared);
      const q = queue("q");
      assert.equal(bind(x, q, k), true);
      assert.equal(bind(x, queue("q"), k), true);
      assert.equal(bind(x, q, k2), true);
      assert.equal(bind(x, q, k, { a: 1 }), true);
      assert.equal(bind(x, q, k, { a: "1" }), true);
      assert.equal(bind(x, q, k, { a: 1, nested: { b: [1, 2] } }), true);
      assert.equal(bind(x, q, k, { a: 1, nested: { b: [1, 3] } }), true);
      assert.equal(x.bindingCount, 7);
      assert.equal([...x.bindings].length, 7);
    });

    test("[queue.unbind] removes only the equal binding, and what it matched with its last binding", () => {
      const x = exchange(type, "x", declared);
      const q = queue("q");
      bind(x, q, k);
      bind(x, q, k, { "x-ignored": 1 });
      assert.equal(x.unbind(binding(x, q, k, { "x-ignored": 2 })), false);
      assert.equal(x.unbind(binding(x, q, k, { "x-ignored": 1 })), true);
      assert.deepEqual(matched(x, message(k)), ["q"]);
      assert.equal(x.unbind(binding(x, q, k)), true);
      assert.equal(x.unbind(binding(x, q, k)), false);
      assert.deepEqual(matched(x, message(k)), []);
      assert.equal(x.bindingCount, 0);
    });

    test("[queue.delete] removing a target's bindings leaves those of others", () => {
      const x = exchange(type, "x", declared);
      const gone = queue("gone");
      const stays = queue("stays");
      bind(x, gone, k);
      bind(x, gone, k2);
      bind(x, gone, k, { "x-ignored": 1 });
      bind(x, stays, k);
      const removed = x.unbindTarget(gone);
      assert.deepEqual(removed.map((each) => each.routingKey).sort(), [k, k, k2]);
      assert.deepEqual(matched(x, message(k)), ["stays"]);
      assert.deepEqual(
        [...x.bindings].map((each) => each.target),
        [stays],
      );
      assert.deepEqual(x.unbindTarget(gone), []);
      assert.equal(x.bindingCount, 1);
    });

    if (ONE_TARGET_TYPES.includes(type)) return;

    test("[basic.publish] a target is matched once, however many bindings and routing keys lead to it", () => {
      const x = exchange(type, "x", declared);
      const q = queue("q");
      bind(x, q, k);
      bind(x, q, k2);
      bind(x, queue("r"), k2);
      assert.deepEqual(matched(x, message([k, k2, k])), ["q", "r"]);
    });
  });
}

test("100,000 bindings of one queue, different in their arguments only, are added and removed one by one", () => {
  const x = exchange("headers", "x");
  const q = queue("q");
  for (let i = 0; i < 100_000; i++) bind(x, q, "", { shard: i });
  assert.equal(x.bindingCount, 100_000);
  for (let i = 0; i < 100_000; i++) assert.equal(x.unbind(binding(x, q, "", { shard: i })), true);
  assert.equal(x.bindingCount, 0);
});
