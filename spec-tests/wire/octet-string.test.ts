import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { holdsRawOctets, octetsFromString, stringFromOctets } from "../../src/wire/octet-string.ts";
import { octets } from "./arbitraries.ts";

describe("octet strings", () => {
  it("any octets come back unchanged", () => {
    fc.assert(
      fc.property(octets(50), (buffer) => {
        assert.deepEqual(octetsFromString(stringFromOctets(buffer, 0, buffer.length)), buffer);
      }),
    );
  });

  it("different octets make different strings", () => {
    fc.assert(
      fc.property(octets(3), octets(3), (a, b) => {
        assert.equal(stringFromOctets(a, 0, a.length) === stringFromOctets(b, 0, b.length), a.equals(b));
      }),
    );
  });

  it("UTF-8 becomes its text", () => {
    const buffer = Buffer.from("xkäse 🧀 \ufeffx");
    const value = stringFromOctets(buffer, 1, buffer.length - 1);
    assert.equal(value, "käse 🧀 \ufeff");
    assert.equal(holdsRawOctets(value), false);
  });

  it("octets that are not UTF-8 become one lone surrogate each", () => {
    const value = stringFromOctets(Buffer.of(0x41, 0xff), 0, 2);
    assert.equal(value, "\udc41\udcff");
    assert.equal(holdsRawOctets(value), true);
  });
});
