import assert from "node:assert/strict";
import { test } from "node:test";
import { integerOf, typeName } from "../../src/amqp10/codec/type-names.ts";
import { composite, described, encodeValue, list, long, NULL, readValue, ulong } from "../../src/amqp10/codec/types.ts";
import { checkValue } from "../../src/amqp10/codec/value-check.ts";

test("[codec] describing a value leaves it as it was", () => {
  described(ulong(0x77), NULL);
  assert.equal(NULL.descriptor, undefined);
  assert.equal(encodeValue(list([NULL])).toString("hex"), "d00000000500000001" + "40");
});

test("[codec] trailing absent fields are left out, others are null", () => {
  assert.equal(encodeValue(composite(0x17, [undefined, undefined])).toString("hex"), "005317d00000000400000000");
  assert.equal(encodeValue(composite(0x17, [undefined, ulong(0)])).toString("hex"), "005317d000000006000000024044");
});

test("[codec] 64-bit integers are exact, small negative ones included", () => {
  for (const value of [0n, -1n, -128n, 127n, 2n ** 53n - 1n, 2n ** 60n + 1n, -(2n ** 63n), 2n ** 63n - 1n]) {
    const octets = encodeValue(long(value));
    assert.equal(checkValue(octets, 0, octets.length), octets.length);
    assert.equal(integerOf(readValue(octets, 0)), value);
  }
  assert.equal(integerOf(readValue(Buffer.from("55ff", "hex"), 0)), -1n);
  assert.equal(integerOf(readValue(Buffer.from("80ffffffffffffffff", "hex"), 0)), 2n ** 64n - 1n);
  assert.equal(typeName(readValue(Buffer.from("54ff", "hex"), 0)), "int");
});
