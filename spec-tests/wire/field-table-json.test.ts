import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type FieldTable, tableFrom, tableFromJson, tableToJson, tableToRecord } from "../../src/wire/field-table.ts";
import { fieldTable } from "./arbitraries.ts";

describe("field table as lossless JSON", () => {
  it("every table survives JSON text in UTF-8, in its order", () => {
    fc.assert(
      fc.property(fieldTable, (value) => {
        const text = Buffer.from(JSON.stringify(tableToJson(value))).toString();
        const restored = tableFromJson(JSON.parse(text));
        assert.deepEqual(restored, value);
        assert.deepEqual([...restored.keys()], [...value.keys()]);
      }),
    );
  });

  it("numbers that JSON does not have are kept", () => {
    const numbers = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0];
    const value: FieldTable = new Map(numbers.map((number) => [String(1 / number), { type: "double", value: number }]));
    assert.deepEqual(tableFromJson(JSON.parse(JSON.stringify(tableToJson(value)))), value);
  });

  it("an unknown type is refused", () => {
    assert.throws(() => tableFromJson(JSON.parse('[["k", "quad", 1]]')), TypeError);
  });
});

describe("field table from and to plain values", () => {
  it("plain values get the types RabbitMQ gives JSON", () => {
    assert.deepEqual(
      tableFrom({ s: "x", i: 1, f: 1.5, n: 2n, b: true, v: null, x: Buffer.of(1), a: ["y"], t: { k: -1 } }),
      new Map<string, unknown>([
        ["s", { type: "longstr", value: "x" }],
        ["i", { type: "long", value: 1n }],
        ["f", { type: "double", value: 1.5 }],
        ["n", { type: "long", value: 2n }],
        ["b", { type: "bool", value: true }],
        ["v", { type: "void", value: null }],
        ["x", { type: "binary", value: Buffer.of(1) }],
        ["a", { type: "array", value: [{ type: "longstr", value: "y" }] }],
        ["t", { type: "table", value: new Map([["k", { type: "long", value: -1n }]]) }],
      ]),
    );
  });

  it("a record of plain values comes back", () => {
    const record = { s: "x", i: 1, f: 1.5, b: false, v: null, a: [1, "y", [true]], t: { u: { k: -1 } } };
    assert.deepEqual(tableToRecord(tableFrom(record)), record);
  });

  it("what plain JSON cannot hold becomes text", () => {
    const value: FieldTable = new Map([
      ["long", { type: "long", value: 2n ** 60n }],
      ["nan", { type: "float", value: Number.NaN }],
      ["binary", { type: "binary", value: Buffer.of(255) }],
      ["raw", { type: "longstr", value: "\udcff" }],
      ["decimal", { type: "decimal", value: { scale: 2, unscaled: 150 } }],
      ["\udcff", { type: "void", value: null }],
    ]);
    const plain = { long: "1152921504606846976", nan: "NaN", binary: "/w==", raw: "/w==", decimal: 1.5, "/w==": null };
    assert.deepEqual(tableToRecord(value), plain);
  });

  it("every table becomes an object that JSON takes", () => {
    fc.assert(
      fc.property(fieldTable, (value) => {
        const record = tableToRecord(value);
        assert.deepEqual(Object.keys(record).length > 0, value.size > 0);
        JSON.stringify(record);
      }),
    );
  });

  it("the key __proto__ is a key like any other", () => {
    const record = tableToRecord(new Map([["__proto__", { type: "bool", value: true }]]));
    assert.deepEqual(Object.entries(record), [["__proto__", true]]);
  });
});
