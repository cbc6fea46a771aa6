import assert from "node:assert/strict";
import { test } from "node:test";
import { copyBytes, equalBytes } from "../../src/lib/bytes.ts";

const SOURCE = Buffer.from(Array.from({ length: 200 }, (_, index) => index + 1));

test("[bytes/copy] every length arrives whole, at its place, and nothing else is touched", () => {
  for (let length = 0; length <= 130; length++) {
    const target = Buffer.alloc(200);
    copyBytes(SOURCE, 3, 3 + length, target, 5);
    const expected = Buffer.concat([Buffer.alloc(5), SOURCE.subarray(3, 3 + length), Buffer.alloc(195 - length)]);
    assert.deepEqual(target, expected, `${length} octets`);
  }
});

test("[bytes/equal] tells whether all octets are the same", () => {
  assert.equal(equalBytes(SOURCE, 3, 9, Buffer.from([0, 4, 5, 6, 7, 8, 9]), 1), true);
  assert.equal(equalBytes(SOURCE, 3, 9, Buffer.from([0, 4, 5, 6, 7, 8, 0]), 1), false);
  assert.equal(equalBytes(SOURCE, 3, 3, Buffer.alloc(0), 0), true);
});
