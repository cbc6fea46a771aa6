import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DefaultExchange } from "../../../src/core/exchange/default-exchange.ts";
import type { Exchange } from "../../../src/core/exchange/exchange.ts";
import { routeMessage } from "../../../src/core/exchange/route.ts";
import { tableFrom } from "../../../src/wire/field-table.ts";
import { bind, exchange, message, namesOf, queue } from "./fixtures.ts";

function withAlternate(type: string, name: string, alternate: string): Exchange {
  return exchange(type, name, { arguments: tableFrom({ "alternate-exchange": alternate }) });
}

function route(start: Exchange, routingKey: string | string[], others: readonly Exchange[] = []) {
  const byName = new Map([start, ...others].map((each) => [each.name, each]));
  const found = routeMessage(start, message(routingKey, { kind: "x" }), (name) => byName.get(name));
  return { queues: namesOf(found.destinations), cacheable: found.cacheable };
}

describe("[exchange.bind] exchange-to-exchange bindings", () => {
  test("a message goes on through bound exchanges that match it in their turn", () => {
    const [a, b, c] = [exchange("direct", "a"), exchange("topic", "b"), exchange("fanout", "c")];
    bind(a, b, "k.1");
    bind(b, c, "k.*");
    bind(b, queue("no"), "other.#");
    bind(c, queue("yes"), "");
    assert.deepEqual(route(a, "k.1"), { queues: ["yes"], cacheable: true });
    assert.deepEqual(route(a, "k.2"), { queues: [], cacheable: true });
  });

  test("cycles end, and a queue reached on several ways is there once", () => {
    const [a, b, c] = [exchange("fanout", "a"), exchange("fanout", "b"), exchange("fanout", "c")];
    const q = queue("q");
    for (const [from, to] of [
      [a, b],
      [b, c],
      [c, a],
      [a, c],
      [a, a],
    ] as const) {
      bind(from, to, "");
    }
    for (const each of [a, b, c]) bind(each, q, "");
    bind(b, queue("r"), "");
    for (const start of [a, b, c]) assert.deepEqual(route(start, "k").queues, ["q", "r"]);
  });

  test("a long chain needs no stack", () => {
    const chain = Array.from({ length: 20_000 }, (_, index) => exchange("fanout", `x${index}`));
    chain.reduce((from, to) => {
      bind(from, to, "");
      return to;
    });
    bind(chain.at(-1)!, queue("q"), "");
    assert.deepEqual(route(chain[0]!, "k").queues, ["q"]);
  });

  test("a CC key routes as the routing key does", () => {
    const [a, b] = [exchange("direct", "a"), exchange("direct", "b")];
    bind(a, b, "cc");
    bind(b, queue("q"), "first");
    assert.deepEqual(route(a, ["first", "cc"]).queues, ["q"]);
  });
});

describe("[exchange.declare/alternate-exchange]", () => {
  test("takes a message that matched nothing, and only such a message", () => {
    const a = withAlternate("direct", "a", "b");
    const b = exchange("fanout", "b");
    bind(a, queue("first"), "k");
    bind(b, queue("second"), "");
    assert.deepEqual(route(a, "k", [b]).queues, ["first"]);
    assert.deepEqual(route(a, "other", [b]).queues, ["second"]);
  });

  test("is followed from alternate to alternate, in circles too", () => {
    const a = withAlternate("direct", "a", "b");
    const b = withAlternate("direct", "b", "c");
    const c = withAlternate("direct", "c", "a");
    bind(c, queue("third"), "k");
    assert.deepEqual(route(a, "k", [b, c]).queues, ["third"]);
    assert.deepEqual(route(a, "nowhere", [b, c]).queues, []);
  });

  test("one that does not exist is passed over", () => {
    assert.deepEqual(route(withAlternate("direct", "a", "missing"), "k"), { queues: [], cacheable: true });
  });

  test("no exchange is asked for its targets twice", () => {
    const [a, b] = [withAlternate("direct", "a", "b"), exchange("fanout", "b")];
    const asked: string[] = [];
    for (const each of [a, b]) {
      const match = each.match.bind(each);
      each.match = (input, targets) => {
        asked.push(each.name);
        match(input, targets);
      };
    }
    bind(b, a, "");
    bind(b, queue("q"), "");
    assert.deepEqual(route(a, "k", [b]).queues, ["q"]);
    assert.deepEqual(asked, ["a", "b"]);
  });

  test("may be the default exchange", () => {
    const q = queue("q");
    const defaultExchange = new DefaultExchange((name) => (name === "q" ? q : undefined));
    assert.deepEqual(route(withAlternate("direct", "a", ""), "q", [defaultExchange]).queues, ["q"]);
  });

  test("counts for each exchange on the way: a bound exchange that matches nothing uses its own", () => {
    const a = withAlternate("fanout", "a", "unused");
    const b = withAlternate("direct", "b", "fallback");
    const unused = exchange("fanout", "unused");
    const fallback = exchange("fanout", "fallback");
    bind(a, b, "");
    bind(unused, queue("no"), "");
    bind(fallback, queue("yes"), "");
    assert.deepEqual(route(a, "k", [b, unused, fallback]).queues, ["yes"]);
  });

  test("of another type than longstr is refused", () => {
    assert.throws(
      () => exchange("direct", "x", { arguments: new Map([["alternate-exchange", { type: "signedint", value: 1 }]]) }),
      {
        replyCode: 406,
        message: "invalid type 'signedint' for arg 'alternate-exchange' in exchange 'x' in vhost '/'",
      },
    );
  });
});

describe("a route may be cached", () => {
  test("when every exchange on the way goes by routing key alone", () => {
    const direct = exchange("direct", "direct");
    const headers = exchange("headers", "headers");
    bind(direct, queue("q"), "k");
    bind(direct, headers, "h");
    bind(headers, queue("hq"), "", { kind: "x" });
    assert.deepEqual(route(direct, "k"), { queues: ["q"], cacheable: true });
    assert.deepEqual(route(direct, "nowhere"), { queues: [], cacheable: true });
    assert.deepEqual(route(direct, "h"), { queues: ["hq"], cacheable: false });
    assert.deepEqual(route(headers, "h"), { queues: ["hq"], cacheable: false });
  });

  test("not when an alternate exchange looks at headers, or a headers exchange matched nothing", () => {
    const headers = exchange("headers", "headers");
    assert.deepEqual(route(headers, "k"), { queues: [], cacheable: false });
    assert.deepEqual(route(withAlternate("direct", "a", "headers"), "k", [headers]), { queues: [], cacheable: false });
  });
});
