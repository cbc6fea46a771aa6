import assert from "node:assert/strict";
import { test } from "node:test";
import {
  parseQueueAddress,
  parseTargetAddress,
  percentDecoded,
  percentEncoded,
  queueAddress,
} from "../../src/amqp10/address.ts";

test("[address] names are percent-encoded, octets that are no UTF-8 included", () => {
  for (const name of ["q", "a/b c%d", "\u00e4\u2603", "\udcff\udc80", "~-._", "!*'()"]) {
    assert.equal(percentDecoded(percentEncoded(name)), name);
    assert.equal(parseQueueAddress(queueAddress(name)), name);
  }
  assert.equal(percentEncoded("a b/\u00e4~!"), "a%20b%2F%C3%A4~%21");
  assert.equal(percentDecoded("%"), undefined);
  assert.equal(percentDecoded("%4"), undefined);
  assert.equal(percentDecoded("%g0"), undefined);
});

test("[address] a target is a queue, an exchange, or an exchange with a key", () => {
  const at = (address: string): unknown => {
    const parsed = parseTargetAddress(address);
    return parsed === undefined ? undefined : [parsed.exchangeName, parsed.routingKey, parsed.queueName];
  };
  assert.deepEqual(at("/queues/a%2Fb"), ["", "a/b", "a/b"]);
  assert.deepEqual(at("/exchanges/x"), ["x", "", undefined]);
  assert.deepEqual(at("/exchanges/x/"), ["x", "", undefined]);
  assert.deepEqual(at("/exchanges/x/k%2F1"), ["x", "k/1", undefined]);
  for (const none of [
    "",
    "q",
    "/queue/q",
    "/queues/",
    "/exchanges/",
    "/exchanges//k",
    "/exchanges/amq.default/k",
    "/exchanges/x/k/more",
  ]) {
    assert.equal(at(none), undefined, none);
  }
});
