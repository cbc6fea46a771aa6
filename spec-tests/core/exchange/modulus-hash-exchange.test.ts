import assert from "node:assert/strict";
import { test } from "node:test";
import { assertShare, bind, binding, exchange, matched, message, numberedKeys, queue, shares } from "./fixtures.ts";

const TYPE = "x-modulus-hash";
const KEYS = numberedKeys(6_000);

test("[basic.publish/x-modulus-hash] without bindings a message goes nowhere, with one binding always there", () => {
  const x = exchange(TYPE, "x");
  assert.deepEqual(matched(x, message("k")), []);
  bind(x, queue("q"), "ignored");
  assert.deepEqual(shares(x, KEYS), new Map([["q", KEYS.length]]));
});

test("[basic.publish/x-modulus-hash] keys are shared out equally among bindings, so a queue bound twice gets twice as much", () => {
  const x = exchange(TYPE, "x");
  for (const [name, bindingKeys] of [
    ["q1", [""]],
    ["q2", ["a", "b"]],
    ["q3", ["a", "b", "c"]],
  ] as const) {
    const q = queue(name);
    for (const bindingKey of bindingKeys) bind(x, q, bindingKey);
  }
  const counts = shares(x, KEYS);
  for (const [name, sixths] of [
    ["q1", 1],
    ["q2", 2],
    ["q3", 3],
  ] as const) {
    assertShare(counts.get(name) ?? 0, KEYS.length, sixths / 6, name);
  }
});

test("[basic.publish/x-modulus-hash] the queue of a key does not depend on the order or the keys of the bindings", () => {
  const [x, restarted] = [exchange(TYPE, "x"), exchange(TYPE, "x")];
  const names = Array.from({ length: 40 }, (_, number) => `q-${number}`);
  for (const name of names) bind(x, queue(name), name);
  for (const name of names.reverse()) bind(restarted, queue(name), "other");
  for (const key of KEYS) assert.deepEqual(matched(restarted, message(key)), matched(x, message(key)), key);
});

test("[basic.publish/x-modulus-hash] a binding that comes and goes again leaves every key where it was", () => {
  const x = exchange(TYPE, "x");
  for (const name of ["a", "b", "c"]) bind(x, queue(name), "");
  const before = shares(x, KEYS);
  const guest = queue("guest");
  bind(x, guest, "");
  assert.equal(shares(x, KEYS).size, 4);
  x.unbind(binding(x, guest, ""));
  assert.deepEqual(shares(x, KEYS), before);
});

test("[basic.publish/x-modulus-hash] CC and BCC keys are part of what is hashed", () => {
  const x = exchange(TYPE, "x");
  for (const name of ["a", "b", "c", "d"]) bind(x, queue(name), "");
  const chosen = new Set(KEYS.slice(0, 100).map((key) => matched(x, message(["same", key]))[0]));
  assert.equal(chosen.size, 4);
});

test("[basic.publish/x-modulus-hash] the choice is the same in every release", () => {
  const x = exchange(TYPE, "x");
  for (const name of ["q0", "q1", "q2"]) bind(x, queue(name), "");
  const chosen = KEYS.slice(0, 12).map((key) => matched(x, message(key))[0]);
  assert.deepEqual(chosen, ["q1", "q0", "q0", "q2", "q0", "q1", "q1", "q2", "q1", "q1", "q1", "q1"]);
});
