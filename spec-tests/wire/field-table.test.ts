import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { WireError } from "../../src/wire/errors.ts";
import {
  DEFAULT_TABLE_LIMITS,
  decodeTable,
  decodeTableBody,
  EMPTY_TABLE,
  encodeTable,
  encodeTableBody,
  type FieldTable,
  type FieldValue,
  table,
  tableFrom,
} from "../../src/wire/field-table.ts";
import { fieldTable, octets } from "./arbitraries.ts";

/** Decodes the entries that `hex` holds, without the length in front. */
function decodeHex(hex: string): FieldTable {
  const octets = Buffer.from(hex.replaceAll(" ", ""), "hex");
  return decodeTableBody(octets, 0, octets.length);
}

/** A table of one entry "k", whose value is `depth - 1` tables inside one another. */
function nested(depth: number): FieldTable {
  let value: FieldValue = { type: "void", value: null };
  for (let level = 1; level < depth; level++) value = { type: "table", value: new Map([["k", value]]) };
  return new Map([["k", value]]);
}

describe("field table codec", () => {
  it("every table round-trips, at any offset", () => {
    fc.assert(
      fc.property(fieldTable, fc.nat({ max: 5 }), (value, offset) => {
        const encoded = encodeTable(value);
        const placed = Buffer.concat([Buffer.alloc(offset, 0xaa), encoded, Buffer.alloc(3, 0xbb)]);
        const decoded = decodeTable(placed, offset, placed.length);
        assert.deepEqual(decoded, value);
        assert.deepEqual([...decoded.keys()], [...value.keys()]);
      }),
    );
  });

  it("the body form is the same without the length", () => {
    fc.assert(
      fc.property(fieldTable, (value) => {
        const body = encodeTableBody(value);
        assert.deepEqual(encodeTable(value).subarray(4), body);
        assert.deepEqual(decodeTableBody(body, 0, body.length), value);
      }),
    );
  });

  it("a table cut anywhere throws WireError", () => {
    fc.assert(
      fc.property(fieldTable, (value) => {
        const encoded = encodeTable(value);
        for (let cut = 0; cut < encoded.length; cut++) {
          assert.throws(() => decodeTable(encoded, 0, cut), WireError);
          assert.throws(() => decodeTable(encoded.subarray(0, cut), 0, encoded.length), WireError);
        }
      }),
      { numRuns: 30 },
    );
  });

  it("random octets decode or throw WireError, nothing else", () => {
    fc.assert(
      fc.property(octets(40), (buffer) => {
        try {
          decodeTableBody(buffer, 0, buffer.length);
        } catch (error) {
          assert.ok(error instanceof WireError, String(error));
        }
      }),
      { numRuns: 2000 },
    );
  });

  const letters: readonly [letter: string, octets: string, value: FieldValue][] = [
    ["S", "00000002 6869", { type: "longstr", value: "hi" }],
    ["I", "fffffffe", { type: "signedint", value: -2 }],
    ["i", "fffffffe", { type: "unsignedint", value: 4294967294 }],
    ["l", "fffffffffffffffe", { type: "long", value: -2n }],
    ["s", "fffe", { type: "short", value: -2 }],
    ["u", "fffe", { type: "unsignedshort", value: 65534 }],
    ["b", "fe", { type: "byte", value: -2 }],
    ["B", "fe", { type: "unsignedbyte", value: 254 }],
    ["f", "3fc00000", { type: "float", value: 1.5 }],
    ["d", "3ff8000000000000", { type: "double", value: 1.5 }],
    ["t", "01", { type: "bool", value: true }],
    ["T", "ffffffffffffffff", { type: "timestamp", value: 18446744073709551615n }],
    ["D", "02 00000190", { type: "decimal", value: { scale: 2, unscaled: 400 } }],
    ["F", "00000003 016b56", { type: "table", value: new Map([["k", { type: "void", value: null }]]) }],
    [
      "A",
      "00000003 56 7400",
      {
        type: "array",
        value: [
          { type: "void", value: null },
          { type: "bool", value: false },
        ],
      },
    ],
    ["x", "00000002 00ff", { type: "binary", value: Buffer.of(0, 255) }],
    ["V", "", { type: "void", value: null }],
  ];
  for (const [letter, octets, value] of letters) {
    it(`type code ${letter} is ${value.type}, read and written`, () => {
      const hex = `016b${letter.charCodeAt(0).toString(16)}${octets.replaceAll(" ", "")}`;
      assert.deepEqual(decodeHex(hex), new Map([["k", value]]));
      assert.equal(encodeTableBody(new Map([["k", value]])).toString("hex"), hex);
    });
  }

  it("L is read as l and written back as l", () => {
    const decoded = decodeHex("01 6b 4c ffffffffffffffff");
    assert.deepEqual(decoded.get("k"), { type: "long", value: -1n });
    assert.equal(encodeTableBody(decoded).toString("hex"), "016b6cffffffffffffffff");
  });

  it("any octet but 0 is true and written as 1", () => {
    const decoded = decodeHex("01 6b 74 80");
    assert.deepEqual(decoded.get("k"), { type: "bool", value: true });
    assert.equal(encodeTableBody(decoded).toString("hex"), "016b7401");
  });

  it("of equal keys the first counts", () => {
    assert.deepEqual(decodeHex("01 6b 62 01 01 6b 62 02"), new Map([["k", { type: "byte", value: 1 }]]));
  });

  it("an empty key is a key", () => {
    assert.deepEqual(decodeHex("00 56"), new Map([["", { type: "void", value: null }]]));
  });

  it("keys and longstr that are not UTF-8 keep their octets", () => {
    const hex = "02c328530000000180";
    assert.equal(encodeTableBody(decodeHex(hex)).toString("hex"), hex);
  });

  it("binary values do not share memory with what was received", () => {
    const encoded = encodeTable(new Map([["k", { type: "binary", value: Buffer.of(1) }]]));
    const decoded = decodeTable(encoded, 0, encoded.length);
    encoded.fill(0);
    assert.deepEqual(decoded.get("k"), { type: "binary", value: Buffer.of(1) });
  });

  it("the letter U of the printed specification is unknown", () => {
    assert.throws(() => decodeHex("01 6b 55 0001"), {
      replyName: "SYNTAX_ERROR",
      message: "field table holds a value of unknown type code 85",
    });
  });

  it("nesting is limited to 128 levels unless told otherwise", () => {
    const deepest = encodeTable(nested(128));
    assert.deepEqual(decodeTable(deepest, 0, deepest.length), nested(128));
    const tooDeep = encodeTable(nested(129));
    const error = { replyName: "SYNTAX_ERROR", message: "field table is nested too deep" };
    assert.throws(() => decodeTable(tooDeep, 0, tooDeep.length), error);
    assert.deepEqual(decodeTable(tooDeep, 0, tooDeep.length, { ...DEFAULT_TABLE_LIMITS, depthMax: 129 }), nested(129));
    assert.throws(() => decodeTableBody(tooDeep, 4, tooDeep.length, { ...DEFAULT_TABLE_LIMITS, depthMax: 1 }), error);
  });

  it("the octets of the outermost table are limited as asked", () => {
    const encoded = encodeTable(tableFrom({ key: "value" }));
    const bytesMax = encoded.length - 4;
    assert.equal(decodeTable(encoded, 0, encoded.length, { ...DEFAULT_TABLE_LIMITS, bytesMax }).size, 1);
    const error = {
      replyName: "SYNTAX_ERROR",
      message: `field table of ${bytesMax} octets is larger than the limit of ${bytesMax - 1}`,
    };
    const tooSmall = { ...DEFAULT_TABLE_LIMITS, bytesMax: bytesMax - 1 };
    assert.throws(() => decodeTable(encoded, 0, encoded.length, tooSmall), error);
    assert.throws(() => decodeTableBody(encoded, 4, encoded.length, tooSmall), error);
  });

  it("values beyond their type cannot be encoded", () => {
    const beyond: FieldValue[] = [
      { type: "byte", value: 128 },
      { type: "unsignedint", value: -1 },
      { type: "long", value: 2n ** 63n },
      { type: "timestamp", value: -1n },
    ];
    for (const value of beyond) assert.throws(() => encodeTable(new Map([["k", value]])), RangeError);
    assert.throws(() => encodeTable(new Map([["k".repeat(256), table({})]])), RangeError);
  });

  it("the empty table is four zero octets", () => {
    assert.deepEqual(encodeTable(EMPTY_TABLE), Buffer.alloc(4));
  });
});
