import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type FieldValue, fieldValuesEqual, longstr, tableFrom, tablesEqual } from "../../src/wire/field-table.ts";
import { fieldTable, fieldValue } from "./arbitraries.ts";

describe("equality of field values", () => {
  it("integers are equal by value, whatever their width", () => {
    const ones: FieldValue[] = [
      { type: "byte", value: 1 },
      { type: "unsignedbyte", value: 1 },
      { type: "short", value: 1 },
      { type: "unsignedshort", value: 1 },
      { type: "signedint", value: 1 },
      { type: "unsignedint", value: 1 },
      { type: "long", value: 1n },
      { type: "timestamp", value: 1n },
    ];
    for (const a of ones) for (const b of ones) assert.equal(fieldValuesEqual(a, b), true);
    assert.equal(fieldValuesEqual({ type: "byte", value: 1 }, { type: "long", value: 2n }), false);
  });

  it("float and double are equal by value", () => {
    assert.equal(fieldValuesEqual({ type: "float", value: 1.5 }, { type: "double", value: 1.5 }), true);
    assert.equal(fieldValuesEqual({ type: "float", value: 0 }, { type: "double", value: -0 }), true);
  });

  it("a string and a binary are equal when their octets are", () => {
    const binary = (...octets: number[]): FieldValue => ({ type: "binary", value: Buffer.from(octets) });
    assert.equal(fieldValuesEqual(longstr("\u00e9"), binary(0xc3, 0xa9)), true);
    assert.equal(fieldValuesEqual(binary(0xff), longstr("")), false);
  });

  it("an empty table and an empty array are equal", () => {
    const [table, array]: FieldValue[] = [
      { type: "table", value: new Map() },
      { type: "array", value: [] },
    ];
    assert.equal(fieldValuesEqual(table as FieldValue, array as FieldValue), true);
    assert.equal(fieldValuesEqual(table as FieldValue, { type: "array", value: [longstr("")] }), false);
  });

  it("classes never mix: 1, 1.0, '1', true and void all differ", () => {
    const values: FieldValue[] = [
      { type: "long", value: 1n },
      { type: "double", value: 1 },
      { type: "decimal", value: { scale: 0, unscaled: 1 } },
      { type: "bool", value: true },
      { type: "void", value: null },
      longstr("1"),
    ];
    for (const a of values) for (const b of values) assert.equal(fieldValuesEqual(a, b), a === b);
  });

  it("decimals are equal when scale and digits are", () => {
    const decimal = (scale: number, unscaled: number): FieldValue => ({ type: "decimal", value: { scale, unscaled } });
    assert.equal(fieldValuesEqual(decimal(1, 10), decimal(1, 10)), true);
    assert.equal(fieldValuesEqual(decimal(1, 10), decimal(0, 1)), false);
  });

  it("inside tables and arrays the types must agree too", () => {
    const arrayOf = (value: FieldValue): FieldValue => ({ type: "array", value: [value] });
    const tableOf = (value: FieldValue): FieldValue => ({ type: "table", value: new Map([["k", value]]) });
    for (const wrap of [arrayOf, tableOf]) {
      assert.equal(fieldValuesEqual(wrap(longstr("a")), wrap(longstr("a"))), true);
      assert.equal(fieldValuesEqual(wrap({ type: "byte", value: 1 }), wrap({ type: "short", value: 1 })), false);
    }
    assert.equal(fieldValuesEqual(arrayOf(longstr("a")), { type: "array", value: [] }), false);
  });

  it("every value equals itself and equality is symmetric", () => {
    fc.assert(
      fc.property(fieldValue, fieldValue, (a, b) => {
        assert.equal(fieldValuesEqual(a, structuredClone(a)), true);
        assert.equal(fieldValuesEqual(a, b), fieldValuesEqual(b, a));
      }),
    );
  });
});

describe("equality of field tables", () => {
  it("order does not count", () => {
    fc.assert(
      fc.property(fieldTable, (value) => {
        assert.equal(tablesEqual(value, new Map([...value].reverse())), true);
      }),
    );
  });

  it("a missing, an added and a changed entry count", () => {
    const one = tableFrom({ a: "x" });
    assert.equal(tablesEqual(one, new Map()), false);
    assert.equal(tablesEqual(one, tableFrom({ a: "x", b: "y" })), false);
    assert.equal(tablesEqual(one, tableFrom({ b: "x" })), false);
    assert.equal(tablesEqual(one, tableFrom({ a: "y" })), false);
  });

  it("types count", () => {
    assert.equal(
      tablesEqual(new Map([["k", { type: "byte", value: 1 }]]), new Map([["k", { type: "short", value: 1 }]])),
      false,
    );
  });
});
