import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeTable, encodeTable } from "../../src/wire/field-table.ts";
import { WireError } from "../../src/wire/errors.ts";
import { findField, isOctets, soundFieldEnd } from "../../src/wire/find-field.ts";
import { octetsFromString } from "../../src/wire/octet-string.ts";
import { fieldTable, octetString, octets } from "./arbitraries.ts";

test("[field-table] a field is found where decoding the whole table finds it", () => {
  fc.assert(
    fc.property(fieldTable, octetString, octets(8), (table, absent, before) => {
      const encoded = encodeTable(table);
      const buffer = Buffer.concat([before, encoded]);
      for (const name of [...table.keys(), absent]) {
        const typeAt = findField(buffer, before.length, buffer.length, octetsFromString(name));
        assert.equal(typeAt >= 0, table.has(name));
        if (typeAt < 0) continue;
        const [expected, next] = [...decodeTable(encoded, 0, encoded.length)].filter(([key]) => key === name);
        assert.equal(next, undefined);
        const only = Buffer.concat([Buffer.of(0, 0, 0, 0, 0), buffer.subarray(typeAt)]);
        only.writeUInt32BE(only.length - 4);
        const [[, value]] = [...decodeTable(only, 0, only.length)] as [[string, unknown]];
        assert.deepEqual(value, expected?.[1]);
        assert.equal(isOctets(buffer[typeAt] as number), ["longstr", "binary"].includes(expected?.[1].type as string));
      }
    }),
  );
});

test("[field-table] whatever the octets, nothing is found beyond the end of the table", () => {
  fc.assert(
    fc.property(octets(60), octets(3, 1), (garbage, name) => {
      const buffer = Buffer.concat([Buffer.alloc(4), garbage]);
      buffer.writeUInt32BE(garbage.length);
      const typeAt = findField(buffer, 0, buffer.length, name);
      assert.ok(typeAt < buffer.length);
    }),
  );
  fc.assert(
    fc.property(fieldTable, (table) => {
      const encoded = encodeTable(table);
      for (let end = 0; end < encoded.length; end++) {
        for (const name of table.keys()) assert.equal(findField(encoded, 0, end, octetsFromString(name)), -1);
      }
    }),
    { numRuns: 30 },
  );
});

/** The offset behind an encoded table, as a field value whose type code is in front of it. */
function soundEnd(encoded: Buffer, depthMax: number): number {
  const buffer = Buffer.concat([Buffer.from("F"), encoded]);
  return soundFieldEnd(buffer, 0, buffer.length, depthMax);
}

function isDecoded(encoded: Buffer, depthMax: number): boolean {
  try {
    decodeTable(encoded, 0, encoded.length, { depthMax, bytesMax: 0xffff_ffff });
    return true;
  } catch (error) {
    assert(error instanceof WireError);
    return false;
  }
}

test("[field-table] a table passes as sound when it can be decoded, and only then", () => {
  fc.assert(
    fc.property(fieldTable, fc.integer({ min: 1, max: 6 }), (table, depthMax) => {
      const encoded = encodeTable(table);
      assert.equal(soundEnd(encoded, depthMax) === encoded.length + 1, isDecoded(encoded, depthMax));
    }),
  );
});

test("[field-table] octets changed at random make it sound or not as decoding has it", () => {
  fc.assert(
    fc.property(
      fieldTable,
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 }),
      (table, changes) => {
        const encoded = encodeTable(table);
        for (const [at, octet] of changes) if (encoded.length > 4) encoded[4 + (at % (encoded.length - 4))] = octet;
        assert.equal(soundEnd(encoded, 8) >= 0, isDecoded(encoded, 8));
      },
    ),
    { numRuns: 2000 },
  );
  fc.assert(
    fc.property(octets(60), (garbage) => {
      const encoded = Buffer.concat([Buffer.alloc(4), garbage]);
      encoded.writeUInt32BE(garbage.length);
      assert.equal(soundEnd(encoded, 8) >= 0, isDecoded(encoded, 8));
    }),
  );
});
