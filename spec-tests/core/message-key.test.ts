import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { HeaderKey, KEY_BYTES_MAX, type KeySource, MESSAGE_ID_KEY } from "../../src/core/message-key.ts";
import { EMPTY_TABLE, type FieldValue, fieldValuesEqual } from "../../src/wire/field-table.ts";
import { fieldValue } from "../wire/arbitraries.ts";
import { messageOf } from "./deduplication/fixtures.ts";

const HEADER: KeySource = new HeaderKey("id");

/** The key of a message whose header is this. */
function keyOf(value: FieldValue): string | undefined {
  return HEADER.keyOf(messageOf({ contentType: "text/plain", headers: new Map([["id", value]]), messageId: "m" }));
}

describe("[message key] a header", () => {
  test("without it, or with void, a message has no key", () => {
    for (const headers of [undefined, EMPTY_TABLE, new Map([["other", { type: "longstr", value: "x" }] as const])]) {
      assert.equal(HEADER.keyOf(messageOf({ headers, messageId: "m" })), undefined);
    }
    assert.equal(keyOf({ type: "void", value: null }), undefined);
  });

  test("an empty string is a key", () => {
    assert.notEqual(keyOf({ type: "longstr", value: "" }), undefined);
  });

  test("integers of any width are equal, and differ from the same digits as text and from floating point", () => {
    const five = keyOf({ type: "byte", value: 5 });
    for (const type of ["unsignedbyte", "short", "unsignedshort", "signedint", "unsignedint"] as const) {
      assert.equal(keyOf({ type, value: 5 }), five);
    }
    assert.equal(keyOf({ type: "long", value: 5n }), five);
    for (const other of [
      { type: "longstr", value: "5" },
      { type: "longstr", value: "i5" },
      { type: "double", value: 5 },
      { type: "timestamp", value: 5n },
      { type: "bool", value: true },
    ] as const) {
      assert.notEqual(keyOf(other), five);
    }
  });

  test("text and the same octets as binary are equal", () => {
    assert.equal(keyOf({ type: "binary", value: Buffer.from("käse") }), keyOf({ type: "longstr", value: "käse" }));
  });

  test("a long value is kept as a digest, which is no other value's key", () => {
    const [long, longer] = ["a".repeat(32), "a".repeat(1_000_000)].map((value) => keyOf({ type: "longstr", value }));
    assert.notEqual(long, longer);
    assert.equal(longer?.length, KEY_BYTES_MAX);
    assert.notEqual(keyOf({ type: "longstr", value: (longer as string).slice(1) }), longer);
  });

  test("keys are equal exactly when values are", () => {
    // Floating point numbers have NaN and two zeros; binary equals text; tables and arrays are taken octet by octet.
    const special: readonly string[] = ["float", "double", "binary", "table", "array", "void"];
    const plain = fieldValue.filter(({ type }) => !special.includes(type));
    fc.assert(
      fc.property(plain, plain, fc.boolean(), (a, other, same) => {
        const b = same ? { ...a } : other;
        // A timestamp is an integer among arguments, but not here.
        const areAlike = (a.type === "timestamp") === (b.type === "timestamp");
        assert.equal(keyOf(a) === keyOf(b), areAlike && fieldValuesEqual(a, b));
        assert.ok((keyOf(a) as string).length <= KEY_BYTES_MAX);
      }),
    );
  });

  test("a header name that is not UTF-8 is found by its octets", () => {
    const name = "\udcff\udcfe";
    const headers = new Map([[name, { type: "long", value: 1n }] as const]);
    assert.equal(new HeaderKey(name).keyOf(messageOf({ headers })), "i1");
  });
});

describe("[message key] message-id", () => {
  test("is the key, headers or not; an empty one is none", () => {
    const headers = new Map([["id", { type: "longstr", value: "other" }] as const]);
    const key = MESSAGE_ID_KEY.keyOf(messageOf({ messageId: "m-1" }));
    assert.equal(MESSAGE_ID_KEY.keyOf(messageOf({ headers, messageId: "m-1", appId: "a" })), key);
    assert.notEqual(MESSAGE_ID_KEY.keyOf(messageOf({ messageId: "m-2" })), key);
    assert.equal(MESSAGE_ID_KEY.keyOf(messageOf({ messageId: "" })), undefined);
    assert.equal(MESSAGE_ID_KEY.keyOf(messageOf({})), undefined);
  });
});
