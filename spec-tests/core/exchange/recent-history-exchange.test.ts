import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Exchange } from "../../../src/core/exchange/exchange.ts";
import { MessageHistory } from "../../../src/core/exchange/message-history.ts";
import { routeMessage } from "../../../src/core/exchange/route.ts";
import { type FieldValue, tableFrom } from "../../../src/wire/field-table.ts";
import type { Properties } from "../../../src/wire/properties.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { BodyQueue, bind, binding, exchange, matched, message, published, queue } from "./fixtures.ts";

const TYPE = "x-recent-history";

function withLength(value: FieldValue): Exchange {
  return exchange(TYPE, "x", { arguments: new Map([["x-recent-history-length", value]]) });
}

/** Publishes bodies; returns nothing of where they went. */
function publish(x: Exchange, bodies: readonly string[], properties: Properties = {}, keys: string[] = ["k"]): void {
  for (const body of bodies) routeMessage(x, published(keys, body, properties), () => undefined);
}

/** What a queue gets that is bound now. */
function replayed(x: Exchange): string[] {
  const q = new BodyQueue("new");
  bind(x, q, "");
  return q.bodies;
}

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => String(from + index));
}

describe("[exchange.declare/x-recent-history]", () => {
  const REFUSED: readonly [value: FieldValue, printed: string][] = [
    [{ type: "signedint", value: 0 }, "0"],
    [{ type: "long", value: -30n }, "-30"],
    [{ type: "longstr", value: "5" }, '<<"5">>'],
    [{ type: "unsignedint", value: 5 }, "5"],
    [{ type: "bool", value: true }, "true"],
    [{ type: "double", value: 2 }, "2.0"],
  ];
  for (const [value, printed] of REFUSED) {
    test(`x-recent-history-length ${printed} of type ${value.type} is 406`, () => {
      const text = `Invalid argument ${printed}, 'x-recent-history-length' must be a positive integer`;
      assert.throws(() => withLength(value), { name: "BrokerError", replyCode: 406, message: text });
    });
  }

  for (const value of [
    { type: "byte", value: 2 },
    { type: "short", value: 2 },
    { type: "signedint", value: 2 },
    { type: "long", value: 2n },
  ] as const) {
    test(`x-recent-history-length may be of type ${value.type}`, () => {
      const x = withLength(value);
      publish(x, numbers(1, 5));
      assert.deepEqual(replayed(x), ["4", "5"]);
    });
  }
});

describe("[basic.publish/x-recent-history]", () => {
  test("goes to every target, whatever the keys, and is never cached", () => {
    const x = exchange(TYPE, "x");
    for (const name of ["a", "b"]) bind(x, queue(name), `key of ${name}`);
    assert.deepEqual(matched(x, message("other")), ["a", "b"]);
    assert.equal(routeMessage(x, message("k"), () => undefined).cacheable, false);
  });

  test("x-recent-history-no-store true keeps a message out of the history, other values do not", () => {
    const x = exchange(TYPE, "x");
    publish(x, ["kept out"], { headers: tableFrom({ "x-recent-history-no-store": true }) });
    publish(x, ["false"], { headers: tableFrom({ "x-recent-history-no-store": false }) });
    publish(x, ["text"], { headers: tableFrom({ "x-recent-history-no-store": "true" }) });
    publish(x, ["other"], { headers: tableFrom({ other: true }) });
    assert.deepEqual(replayed(x), ["false", "text", "other"]);
  });

  test("a route that is only looked up leaves no trace", () => {
    const x = exchange(TYPE, "x");
    matched(x, message("k"));
    assert.deepEqual(replayed(x), []);
  });

  test("a message is remembered once, also on a way through several exchanges and with an alternate exchange", () => {
    const [first, alternate] = [exchange("fanout", "first"), exchange("fanout", "alternate")];
    const args = tableFrom({ "alternate-exchange": "alternate" });
    const x = exchange(TYPE, "x", { arguments: args });
    bind(first, x, "1");
    bind(first, x, "2");
    for (const start of [first, x]) routeMessage(start, published("k", start.name), () => alternate);
    assert.deepEqual(replayed(x), ["first", "x"]);
  });
});

describe("[queue.bind/x-recent-history]", () => {
  test("a new binding gets the latest 20 messages, oldest first", () => {
    const x = exchange(TYPE, "x");
    publish(x, numbers(1, 3));
    assert.deepEqual(replayed(x), numbers(1, 3));
    publish(x, numbers(4, 50));
    assert.deepEqual(replayed(x), numbers(31, 50));
  });

  test("every new binding, of a queue that has one too; binding again with equal arguments replays nothing", () => {
    const x = exchange(TYPE, "x");
    publish(x, ["a"]);
    const q = new BodyQueue("q");
    bind(x, q, "");
    bind(x, q, "");
    assert.deepEqual(q.bodies, ["a"]);
    bind(x, q, "other");
    assert.deepEqual(q.bodies, ["a", "a"]);
    x.unbind(binding(x, q, ""));
    bind(x, q, "");
    assert.deepEqual(q.bodies, ["a", "a", "a"]);
  });

  test("a remembered message keeps address and content when the publisher's buffer is used again", () => {
    const x = exchange(TYPE, "x");
    const input = published("key", "body", { messageId: "id" });
    routeMessage(x, input, () => undefined);
    const original = input.message?.detached();
    input.message?.buffer.fill(0);
    const q = new BodyQueue("q");
    bind(x, q, "");
    assert.deepEqual([q.last.exchangeName, q.last.routingKey, q.bodies], ["x", "key", ["body"]]);
    assert.deepEqual(q.last.buffer, original?.buffer);
  });

  test("a replayed message is as new: its expiration counts from the binding on, each time", () => {
    const clock = new ManualClock();
    const x = exchange(TYPE, "x", {}, { clock });
    const input = published("k");
    assert(input.message !== undefined);
    input.message.publishedAt = clock.now();
    input.message.expiresAt = clock.now() + 1000;
    routeMessage(x, input, () => undefined);
    publish(x, ["never expires"]);
    for (let hour = 0; hour < 2; hour++) {
      clock.advance(3_600_000);
      const expirations: number[] = [];
      const q = {
        ...queue("q"),
        push: (each: { expiresAt: number; publishedAt: number }) => {
          assert.equal(each.publishedAt, clock.now());
          expirations.push(each.expiresAt);
        },
      };
      bind(x, q, "");
      assert.deepEqual(expirations, [clock.now() + 1000, 0]);
    }
  });
});

describe("[exchange.bind/x-recent-history]", () => {
  test("the history goes through the bound exchange, by routing keys and headers", () => {
    const x = exchange(TYPE, "x");
    publish(x, ["by key"], {}, ["red"]);
    publish(x, ["by CC"], {}, ["green", "red"]);
    publish(x, ["by header"], { headers: tableFrom({ color: "red" }) }, ["green"]);
    publish(x, ["nowhere"], {}, ["green"]);
    const [direct, headers, q] = [exchange("direct", "direct"), exchange("headers", "headers"), new BodyQueue("q")];
    bind(direct, q, "red");
    bind(headers, q, "", { color: "red" });
    bind(x, direct, "");
    assert.deepEqual(q.bodies, ["by key", "by CC"]);
    bind(x, headers, "");
    assert.deepEqual(q.bodies, ["by key", "by CC", "by header"]);
  });

  test("what the bound exchange cannot route goes to its alternate exchange", () => {
    const alternate = exchange("fanout", "alternate");
    const x = exchange(TYPE, "x", {}, { exchangeByName: () => alternate });
    publish(x, ["a"]);
    const q = new BodyQueue("q");
    bind(alternate, q, "");
    bind(x, exchange("direct", "d", { arguments: tableFrom({ "alternate-exchange": "alternate" }) }), "");
    assert.deepEqual(q.bodies, ["a"]);
  });

  test("an exchange bound to itself ends", () => {
    const x = exchange(TYPE, "x");
    publish(x, ["a", "b"]);
    bind(x, x, "");
    assert.deepEqual(replayed(x), ["a", "b", "a", "b"]);
  });
});

describe("the history of an exchange", () => {
  test("holds the latest messages that both limits allow, and never more octets than its limit", () => {
    const bodies = fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 60 });
    fc.assert(
      fc.property(
        bodies,
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 500, max: 20_000 }),
        (sizes, count, bytes) => {
          const history = new MessageHistory(count, bytes);
          for (const [index, size] of sizes.entries()) {
            const { message: each, routingKeys } = published(`key-${index}`, "x".repeat(size));
            assert(each !== undefined);
            history.add(each, routingKeys);
            assert(history.bytes <= bytes);
            assert(history.count <= count);
          }
          const kept = Array.from(history, ({ routingKeys }) => routingKeys[0]);
          const latest = sizes.map((_, index) => `key-${index}`).slice(sizes.length - kept.length);
          assert.deepEqual(kept, latest);
          assert.equal(history.count, kept.length);
        },
      ),
    );
  });

  test("a message larger than the limit leaves nothing, and the next starts anew", () => {
    const history = new MessageHistory(20, 2_000);
    for (const [body, count] of [
      ["small", 1],
      ["x".repeat(2_000), 0],
      ["small", 1],
    ] as const) {
      const { message: each } = published("k", body);
      assert(each !== undefined);
      history.add(each, ["k"]);
      assert.equal(history.count, count);
    }
  });
});
