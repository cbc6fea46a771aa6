import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { FieldTable, FieldValue } from "../../../src/wire/field-table.ts";
import { type Arguments, bind, exchange, matched, message, queue } from "./fixtures.ts";

function matches(pattern: FieldTable | Arguments, headers: FieldTable | Arguments | undefined): boolean {
  const x = exchange("headers", "x");
  bind(x, queue("q"), "ignored", pattern);
  return matched(x, message("", headers)).length === 1;
}

function single(key: string, value: FieldValue): FieldTable {
  return new Map([[key, value]]);
}

describe("[basic.publish/headers] x-match", () => {
  test("all, which is the default, wants every header", () => {
    for (const pattern of [
      { a: 1, b: "two" },
      { "x-match": "all", a: 1, b: "two" },
    ]) {
      assert.equal(matches(pattern, { a: 1, b: "two", c: true }), true);
      assert.equal(matches(pattern, { a: 1 }), false);
      assert.equal(matches(pattern, { a: 1, b: "three" }), false);
      assert.equal(matches(pattern, undefined), false);
    }
  });

  test("any wants one header", () => {
    const pattern = { "x-match": "any", a: 1, b: "two" };
    assert.equal(matches(pattern, { b: "two" }), true);
    assert.equal(matches(pattern, { a: 2, b: "two" }), true);
    assert.equal(matches(pattern, { a: 2 }), false);
    assert.equal(matches(pattern, undefined), false);
  });

  test("without headers to look for, all matches everything and any nothing", () => {
    assert.equal(matches({}, { a: 1 }), true);
    assert.equal(matches({}, undefined), true);
    assert.equal(matches({ "x-match": "any" }, { a: 1 }), false);
    assert.equal(matches({ "x-match": "all-with-x" }, undefined), true);
    assert.equal(matches({ "x-match": "any-with-x" }, { "x-match": "any-with-x" }), false);
  });

  test("all and any pass over arguments that start with x-, the -with-x modes do not", () => {
    assert.equal(matches({ "x-match": "all", "x-a": 1, b: 2 }, { b: 2 }), true);
    assert.equal(matches({ "x-match": "any", "x-a": 1, b: 2 }, { "x-a": 1 }), false);
    assert.equal(matches({ "x-match": "all-with-x", "x-a": 1, b: 2 }, { b: 2 }), false);
    assert.equal(matches({ "x-match": "all-with-x", "x-a": 1, b: 2 }, { "x-a": 1, b: 2 }), true);
    assert.equal(matches({ "x-match": "any-with-x", "x-a": 1, b: 2 }, { "x-a": 1 }), true);
  });

  test("another value is refused", () => {
    assert.throws(() => matches({ "x-match": "zz" }, {}), {
      replyCode: 406,
      message: 'Invalid x-match field value <<"zz">>; expected all, any, all-with-x, or any-with-x',
    });
    assert.throws(() => matches({ "x-match": 5 }, {}), {
      replyCode: 406,
      message: "Invalid x-match field type long (value 5); expected longstr",
    });
  });
});

describe("[basic.publish/headers] values", () => {
  test("void asks for presence only", () => {
    assert.equal(matches({ a: null }, { a: "anything" }), true);
    assert.equal(matches({ a: null }, { a: null }), true);
    assert.equal(matches({ a: null }, { b: 1 }), false);
    assert.equal(matches({ a: 1 }, { a: null }), false);
  });

  test("an integer, a float and a string are never equal", () => {
    const values: FieldValue[] = [
      { type: "signedint", value: 1 },
      { type: "double", value: 1 },
      { type: "longstr", value: "1" },
      { type: "bool", value: true },
    ];
    for (const wanted of values) {
      for (const given of values) {
        assert.equal(
          matches(single("a", wanted), single("a", given)),
          wanted === given,
          `${wanted.type} ${given.type}`,
        );
      }
    }
  });

  test("integers of different widths are equal when their values are", () => {
    assert.equal(matches(single("a", { type: "byte", value: 7 }), single("a", { type: "long", value: 7n })), true);
    assert.equal(matches(single("a", { type: "byte", value: 7 }), single("a", { type: "long", value: 8n })), false);
  });

  test("the headers are decoded once for all bindings, and not at all without bindings", () => {
    const x = exchange("headers", "x");
    let decoded = 0;
    const input = {
      routingKeys: [""],
      headers: () => {
        decoded++;
        return undefined;
      },
      message: undefined,
    };
    matched(x, input);
    assert.equal(decoded, 0);
    bind(x, queue("a"), "", { a: 1 });
    bind(x, queue("b"), "", { b: 1 });
    matched(x, input);
    assert.equal(decoded, 1);
  });
});
