import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { mayBeSenderSelected } from "../../../src/core/session/sender-selected.ts";
import { encodeTable, type PlainFieldValue, tableFrom } from "../../../src/wire/field-table.ts";
import { fieldTable, octets } from "../../wire/arbitraries.ts";

const LIMITS = { depthMax: 8, bytesMax: 4096 };

function mayBe(table: Record<string, PlainFieldValue>): boolean {
  return mayBeSenderSelected(encodeTable(tableFrom(table)), 0, LIMITS);
}

test("[basic.publish/CC] headers are decoded when CC or BCC is among their names, at any place", () => {
  for (const name of ["CC", "BCC"]) {
    assert(mayBe({ [name]: ["k"] }));
    assert(mayBe({ [name]: 5 }), "to be refused");
    assert(mayBe({ first: { CC: 1 }, second: "x", [name]: ["k"], last: true }));
  }
});

test("[basic.publish/CC] other headers are not, whatever is like it in them", () => {
  assert(!mayBe({}));
  for (const name of ["", "C", "cc", "Cc", "bCC", "ACC", "CCC", "BC", "BCCC", "XBCC"])
    assert(!mayBe({ [name]: ["CC"] }));
  assert(!mayBe({ nested: { CC: ["k"], BCC: ["k"] }, value: "CC", values: ["CC", "BCC"] }));
});

test("[basic.publish/CC] headers that are malformed or beyond the limits are, so that they are refused", () => {
  assert(mayBe({ much: "x".repeat(5000) }));
  let deep: PlainFieldValue = 1;
  for (let depth = 0; depth < LIMITS.depthMax - 1; depth++) deep = { deep };
  assert(!mayBe({ deep }));
  assert(mayBe({ deep: { deep } }));
  const encoded = encodeTable(tableFrom({ a: { b: 1 } }));
  encoded[encoded.indexOf("b") + 1] = "?".charCodeAt(0);
  assert(mayBeSenderSelected(encoded, 0, LIMITS));
});

test("[basic.publish/CC] random headers are decoded when they have such a name, and else not", () => {
  fc.assert(
    fc.property(
      fieldTable,
      fc.constantFrom(undefined, "CC", "BCC"),
      fc.nat(10),
      octets(5),
      (table, name, at, before) => {
        const entries = [...table];
        if (name !== undefined) entries.splice(at, 0, [name, { type: "void", value: null }]);
        const buffer = Buffer.concat([before, encodeTable(new Map(entries))]);
        const names = entries.map(([key]) => key);
        const expected = names.includes("CC") || names.includes("BCC");
        assert.equal(mayBeSenderSelected(buffer, before.length, { depthMax: 128, bytesMax: 0xffff_ffff }), expected);
      },
    ),
  );
});
