import assert from "node:assert/strict";
import { test } from "node:test";
import { BrokerError } from "../../../src/core/errors.ts";
import { DefaultExchange } from "../../../src/core/exchange/default-exchange.ts";
import { bind, binding, exchange, matched, message, queue } from "./fixtures.ts";

test("[basic.publish/direct] matches the bindings whose key equals one of the message's", () => {
  const x = exchange("direct", "x");
  bind(x, queue("a"), "red");
  bind(x, queue("b"), "red");
  bind(x, queue("c"), "green");
  bind(x, queue("d"), "");
  assert.deepEqual(matched(x, message("red")), ["a", "b"]);
  assert.deepEqual(matched(x, message(["blue", "green"])), ["c"]);
  assert.deepEqual(matched(x, message("")), ["d"]);
  assert.deepEqual(matched(x, message("re")), []);
});

test("[basic.publish/direct] wildcards have no meaning", () => {
  const x = exchange("direct", "x");
  bind(x, queue("a"), "#");
  assert.deepEqual(matched(x, message("red")), []);
  assert.deepEqual(matched(x, message("#")), ["a"]);
});

test("[basic.publish/fanout] matches every binding, whatever the keys", () => {
  const x = exchange("fanout", "x");
  assert.deepEqual(matched(x, message("k")), []);
  for (const name of ["a", "b", "c"]) bind(x, queue(name), `key of ${name}`);
  assert.deepEqual(matched(x, message("other")), ["a", "b", "c"]);
});

test("[basic.publish/default] every queue is bound to the default exchange by its name", () => {
  const queues = new Map([["a", queue("a")]]);
  const x = new DefaultExchange((name) => queues.get(name));
  assert.deepEqual(matched(x, message("a")), ["a"]);
  queues.set("b", queue("b"));
  assert.deepEqual(matched(x, message(["a", "b", "c"])), ["a", "b"]);
  assert.deepEqual(matched(x, message("")), []);
});

test("[queue.bind/default] binding to or unbinding from the default exchange is refused", () => {
  const x = new DefaultExchange(() => undefined);
  const expected = { name: "BrokerError", replyCode: 403, message: "operation not permitted on the default exchange" };
  assert.throws(() => bind(x, queue("q"), "k"), expected);
  assert.throws(() => x.unbind(binding(x, queue("q"), "k")), expected);
  assert.deepEqual(x.unbindTarget(queue("q")), []);
  assert.equal(x.bindingCount, 0);
});

test("[exchange.declare] an unknown type is refused, and so is a word that is no exchange type", () => {
  for (const [type, text] of [
    ["x-no-such-type", "unknown exchange type 'x-no-such-type'"],
    ["constructor", "unknown exchange type 'constructor'"],
    ["quorum", "invalid exchange type 'quorum'"],
  ] as const) {
    assert.throws(
      () => exchange(type, "x"),
      (error) => error instanceof BrokerError && error.replyCode === 406 && error.message === text,
    );
  }
});
