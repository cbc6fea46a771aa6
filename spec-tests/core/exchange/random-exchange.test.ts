import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { routeMessage } from "../../../src/core/exchange/route.ts";
import {
  assertShare,
  bind,
  binding,
  exchange,
  message,
  namesOf,
  numberedKeys,
  queue,
  randomFrom,
  shares,
} from "./fixtures.ts";

const KEYS = numberedKeys(3_000);
const seeds = fc.integer({ min: 0, max: 0xffff_ffff });

for (const type of ["x-random", "x-local-random"]) {
  describe(`[basic.publish/${type}]`, () => {
    test("without bindings a message goes nowhere, with one binding always there", () => {
      const x = exchange(type, "x");
      assert.deepEqual(shares(x, KEYS), new Map());
      bind(x, queue("q"), "");
      assert.deepEqual(shares(x, KEYS), new Map([["q", KEYS.length]]));
    });

    test("every message goes to one queue, each as likely as the others", () => {
      fc.assert(
        fc.property(seeds, (seed) => {
          const x = exchange(type, "x", {}, { random: randomFrom(seed) });
          for (const name of ["a", "b", "c"]) bind(x, queue(name), "");
          const counts = shares(x, KEYS);
          for (const name of ["a", "b", "c"]) assertShare(counts.get(name) ?? 0, KEYS.length, 1 / 3, name);
          assert.equal(
            [...counts.values()].reduce((sum, count) => sum + count),
            KEYS.length,
          );
        }),
        { numRuns: 20 },
      );
    });

    test("equal randomness makes equal choices", () => {
      const run = () => {
        const x = exchange(type, "x", {}, { random: randomFrom(7) });
        for (const name of ["a", "b", "c"]) bind(x, queue(name), "");
        return shares(x, KEYS);
      };
      assert.deepEqual(run(), run());
    });

    test("a queue that is bound twice is picked twice as often, until one binding goes", () => {
      const x = exchange(type, "x");
      const twice = queue("twice");
      bind(x, twice, "");
      bind(x, queue("once"), "");
      bind(x, twice, "", { number: 2 });
      assertShare(shares(x, KEYS).get("twice") ?? 0, KEYS.length, 2 / 3, "twice");
      x.unbind(binding(x, twice, ""));
      assertShare(shares(x, KEYS).get("twice") ?? 0, KEYS.length, 1 / 2, "twice, bound once");
      x.unbindTarget(twice);
      assert.deepEqual(shares(x, KEYS), new Map([["once", KEYS.length]]));
    });

    test("a route is never cached", () => {
      const x = exchange(type, "x");
      bind(x, queue("q"), "");
      assert.equal(routeMessage(x, message("k"), () => undefined).cacheable, false);
    });
  });
}

test("[exchange.bind/x-random] a bound exchange is picked as often as a queue", () => {
  const x = exchange("x-random", "x");
  const next = exchange("fanout", "next");
  bind(x, queue("direct"), "");
  bind(x, next, "");
  bind(next, queue("through"), "");
  const picked = KEYS.flatMap((key) => namesOf(routeMessage(x, message(key), () => undefined).destinations));
  assert.equal(picked.length, KEYS.length);
  assertShare(picked.filter((name) => name === "through").length, KEYS.length, 1 / 2, "through the exchange");
});

test("[queue.bind/x-random] any binding key is taken", () => {
  const x = exchange("x-random", "x");
  for (const key of ["", "abc", "0"]) assert.equal(bind(x, queue("q"), key), true);
});

describe("[queue.bind/x-local-random]", () => {
  test("a binding key is 406 Non empty binding 'k' key not permitted", () => {
    const x = exchange("x-local-random", "x");
    const expected = { replyCode: 406, message: "Non empty binding 'k' key not permitted" };
    assert.throws(() => bind(x, queue("q"), "k"), expected);
    assert.throws(() => bind(x, exchange("fanout", "f"), "k"), expected);
    assert.equal(x.bindingCount, 0);
  });

  test("an exchange is 406 Destination not found", () => {
    const expected = { replyCode: 406, message: "Destination not found" };
    assert.throws(() => bind(exchange("x-local-random", "x"), exchange("fanout", "f"), ""), expected);
  });

  test("a queue that is not a classic one is 406 Queue type ... not valid for this exchange type", () => {
    for (const type of ["quorum", "stream"] as const) {
      const message = `Queue type rabbit_${type}_queue not valid for this exchange type`;
      assert.throws(() => bind(exchange("x-local-random", "x"), queue("q", type), ""), { replyCode: 406, message });
    }
  });

  test("binding again changes nothing, other arguments make another binding", () => {
    const x = exchange("x-local-random", "x");
    const q = queue("q");
    assert.equal(bind(x, q, ""), true);
    assert.equal(bind(x, q, ""), false);
    assert.equal(bind(x, q, "", { a: 1 }), true);
    assert.equal(x.unbind(binding(x, q, "", { a: 2 })), false);
    assert.equal(x.unbindTarget(q).length, 2);
    assert.equal(x.bindingCount, 0);
  });
});
