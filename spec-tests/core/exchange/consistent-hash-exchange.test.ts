import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Exchange } from "../../../src/core/exchange/exchange.ts";
import { type FieldValue, tableFrom } from "../../../src/wire/field-table.ts";
import type { Properties } from "../../../src/wire/properties.ts";
import {
  assertShare,
  bind,
  binding,
  exchange,
  matched,
  message,
  numberedKeys,
  published,
  queue,
  shares,
} from "./fixtures.ts";

const TYPE = "x-consistent-hash";
const KEYS = numberedKeys(20_000);

/** An exchange with the queues q0, q1, ... of these weights. */
function weighted(weights: readonly number[], args: Record<string, string> = {}): Exchange {
  const x = exchange(TYPE, "x", { arguments: tableFrom(args) });
  for (const [index, weight] of weights.entries()) bind(x, queue(`q${index}`), String(weight));
  return x;
}

/** The one queue that each key goes to. */
function choices(x: Exchange, keys: readonly string[]): string[] {
  return keys.map((key) => {
    const names = matched(x, message(key));
    assert.equal(names.length, 1, `${key} goes to one queue`);
    return names[0] as string;
  });
}

describe("[queue.bind/x-consistent-hash]", () => {
  const REFUSED = [
    ["", "The binding key must be an integer: <<>>"],
    ["abc", 'The binding key must be an integer: <<"abc">>'],
    ["1.5", 'The binding key must be an integer: <<"1.5">>'],
    [" 1", 'The binding key must be an integer: <<" 1">>'],
    ["0", "The binding key must be greater than 0"],
    ["-3", "The binding key must be greater than 0"],
    ["10001", "The binding key must not exceed 10000"],
  ] as const;
  for (const [key, text] of REFUSED) {
    test(`binding key "${key}" is 406 ${text}`, () => {
      const x = weighted([]);
      assert.throws(() => bind(x, queue("q"), key), { name: "BrokerError", replyCode: 406, message: text });
      assert.equal(x.bindingCount, 0);
    });
  }

  for (const key of ["1", "10000", "+7", "007"]) {
    test(`binding key "${key}" is a weight`, () => assert.equal(bind(weighted([]), queue("q"), key), true));
  }

  test("of several bindings to one queue the first one's weight counts", () => {
    const [q, other] = [queue("q"), queue("other")];
    const x = exchange(TYPE, "x");
    bind(x, q, "1");
    bind(x, other, "1");
    const before = choices(x, KEYS.slice(0, 1000));
    bind(x, q, "9");
    assert.deepEqual(choices(x, KEYS.slice(0, 1000)), before);
    x.unbind(binding(x, q, "1"));
    assertShare(shares(x, KEYS).get("q") ?? 0, KEYS.length, 0.9, "q, by the binding that is left");
  });
});

describe("[exchange.declare/x-consistent-hash]", () => {
  const invalidType = (name: string) => `invalid type 'signedint' for arg '${name}' in exchange 'x' in vhost '/'`;
  const number: FieldValue = { type: "signedint", value: 1 };
  const REFUSED = [
    [tableFrom({ "hash-property": "zz" }), "Unsupported property: zz"],
    [
      tableFrom({ "hash-header": "h", "hash-property": "message_id" }),
      "hash-header and hash-property are mutually exclusive",
    ],
    [new Map([["hash-header", number]]), invalidType("hash-header")],
    [new Map([["hash-property", number]]), invalidType("hash-property")],
  ] as const;
  for (const [args, text] of REFUSED) {
    test(`406 ${text}`, () => {
      const expected = { name: "BrokerError", replyCode: 406, message: text };
      assert.throws(() => exchange(TYPE, "x", { arguments: args }), expected);
    });
  }

  test("a route may be cached when the routing key is hashed, and only then", () => {
    assert.equal(weighted([]).routesByKeyAlone, true);
    assert.equal(weighted([], { "hash-header": "h" }).routesByKeyAlone, false);
    assert.equal(weighted([], { "hash-property": "timestamp" }).routesByKeyAlone, false);
  });
});

describe("[basic.publish/x-consistent-hash]", () => {
  test("without bindings a message goes nowhere", () => assert.deepEqual(matched(weighted([]), message("k")), []));

  test("keys are shared out in proportion to the weights", () => {
    const weights = [1, 1, 2, 6, 10];
    const counts = shares(weighted(weights), KEYS);
    for (const [index, weight] of weights.entries()) {
      assertShare(counts.get(`q${index}`) ?? 0, KEYS.length, weight / 20, `q${index}`);
    }
  });

  test("fifty equal queues get equal shares", () => {
    const counts = shares(weighted(new Array(50).fill(1)), KEYS);
    for (let index = 0; index < 50; index++) {
      assertShare(counts.get(`q${index}`) ?? 0, KEYS.length, 1 / 50, `q${index}`);
    }
  });

  test("CC and BCC keys play no part", () => {
    const x = weighted([1, 1, 1]);
    for (const key of KEYS.slice(0, 200)) {
      assert.deepEqual(matched(x, message([key, "cc", "bcc"])), matched(x, message(key)));
    }
  });

  test("a queue and an exchange of one name are different targets", () => {
    const x = exchange(TYPE, "x");
    bind(x, queue("same"), "1");
    bind(x, exchange("fanout", "same"), "1");
    const targets = new Set<object>();
    for (const key of KEYS.slice(0, 200)) x.match(message(key), targets as never);
    assert.equal(targets.size, 2);
  });

  test("a queue that comes or goes moves only the keys it wins", () => {
    const weights = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 2, maxLength: 8 });
    const keys = fc.array(fc.string(), { minLength: 50, maxLength: 50 });
    fc.assert(
      fc.property(weights, keys, fc.nat(), (all, sample, index) => {
        const gone = index % all.length;
        const x = weighted(all);
        const before = choices(x, sample);
        const target = [...x.bindings][gone]!.target;
        x.unbindTarget(target);
        const without = choices(x, sample);
        for (const [at, name] of before.entries()) {
          if (name !== target.name) assert.equal(without[at], name, `${sample[at]} stays with ${name}`);
        }
        bind(x, target, String(all[gone]));
        assert.deepEqual(choices(x, sample), before);
      }),
    );
  });

  test("the choice depends on names and weights alone, not on the order of the bindings", () => {
    const x = weighted([3, 1, 2]);
    const restarted = exchange(TYPE, "x");
    for (const each of [...x.bindings].reverse()) bind(restarted, queue(each.target.name), each.routingKey);
    assert.deepEqual(choices(restarted, KEYS), choices(x, KEYS));
  });

  test("the choice is the same in every release", () => {
    const expected = ["q2", "q1", "q1", "q2", "q0", "q2", "q1", "q1", "q2", "q2", "q1", "q2"];
    assert.deepEqual(choices(weighted([1, 2, 3]), KEYS.slice(0, 12)), expected);
  });

  test("hash-header: equal values go together, integers of any width, and so do messages without the header", () => {
    const x = weighted([1, 1, 1, 1, 1, 1, 1, 1], { "hash-header": "h" });
    const chosen = (headers?: Map<string, FieldValue>) => matched(x, message("any", headers));
    const names = new Set<string>();
    for (let value = 0; value < 200; value++) {
      const byWidth = [
        chosen(new Map([["h", { type: "signedint", value }]])),
        chosen(new Map([["h", { type: "long", value: BigInt(value) }]])),
      ];
      assert.deepEqual(byWidth[0], byWidth[1]);
      names.add(byWidth[0]?.[0] as string);
    }
    assert.equal(names.size, 8);
    assert.deepEqual(chosen(undefined), chosen(new Map([["other", { type: "longstr", value: "v" }]])));
  });

  for (const [property, properties] of [
    ["message_id", (number: number): Properties => ({ messageId: `id-${number}` })],
    ["correlation_id", (number: number): Properties => ({ correlationId: `id-${number}` })],
    ["timestamp", (number: number): Properties => ({ timestamp: BigInt(number) })],
  ] as const) {
    test(`hash-property ${property}: equal values go together, other properties and the key play no part`, () => {
      const x = weighted([1, 1, 1, 1], { "hash-property": property });
      const counts = new Map<string, number>();
      for (let number = 0; number < 2000; number++) {
        const chosen = matched(x, published("k", "", properties(number)));
        const same = { ...properties(number), appId: "other", headers: tableFrom({ h: number }) };
        assert.deepEqual(matched(x, published(`k${number}`, "body", same)), chosen);
        counts.set(chosen[0] as string, (counts.get(chosen[0] as string) ?? 0) + 1);
      }
      for (const [name, count] of counts) assertShare(count, 2000, 1 / 4, name);
      assert.deepEqual(matched(x, published("a")), matched(x, published("b", "", { appId: "x" })));
    });
  }
});
