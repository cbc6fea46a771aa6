import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { WireError } from "../../src/wire/errors.ts";
import {
  checkProperties,
  decodeProperties,
  encodeProperties,
  findProperty,
  PROPERTY_FLAGS,
  type Properties,
} from "../../src/wire/properties.ts";
import { octets, properties } from "./arbitraries.ts";

const NAMES = Object.keys(PROPERTY_FLAGS) as (keyof Properties)[];

function frameError(message: string): object {
  return { name: "WireError", replyName: "FRAME_ERROR", message };
}

/** The octets of one property alone, without flags. */
function encodeOne(all: Properties, name: keyof Properties): Buffer {
  return encodeProperties({ [name]: all[name] }).subarray(2);
}

describe("properties codec", () => {
  it("all fourteen round-trip, presence included, at any offset", () => {
    fc.assert(
      fc.property(properties, fc.nat({ max: 5 }), (value, offset) => {
        const encoded = encodeProperties(value);
        const placed = Buffer.concat([Buffer.alloc(offset, 0xff), encoded, Buffer.alloc(3, 0xff)]);
        assert.deepEqual(decodeProperties(placed, offset, offset + encoded.length), value);
        checkProperties(placed, offset, offset + encoded.length);
      }),
    );
  });

  it("presence is kept for zero, empty strings and empty headers", () => {
    const value: Properties = { contentType: "", headers: new Map(), deliveryMode: 0, priority: 0, timestamp: 0n };
    const encoded = encodeProperties(value);
    assert.deepEqual(decodeProperties(encoded, 0, encoded.length), value);
  });

  it("properties have the octets of the specification", () => {
    const encoded = encodeProperties({ contentType: "a", deliveryMode: 2, clusterId: "z" });
    assert.equal(encoded.toString("hex"), "90040161" + "02" + "017a");
  });

  it("properties that are undefined are absent", () => {
    assert.deepEqual(encodeProperties({ contentType: undefined }), Buffer.of(0, 0));
  });

  it("a cut anywhere, and an octet too many, throws WireError", () => {
    fc.assert(
      fc.property(properties, (value) => {
        const encoded = Buffer.concat([encodeProperties(value), Buffer.of(0)]);
        for (let end = 0; end <= encoded.length; end++) {
          if (end === encoded.length - 1) continue;
          assert.throws(() => decodeProperties(encoded, 0, end), WireError);
          assert.throws(() => checkProperties(encoded, 0, end), WireError);
        }
      }),
      { numRuns: 30 },
    );
  });

  it("flag bits 0 and 1 are refused", () => {
    const error = frameError("unassigned property flags are set");
    for (const flags of [Buffer.of(0, 1), Buffer.of(0, 2)]) {
      assert.throws(() => decodeProperties(flags, 0, 2), error);
      assert.throws(() => checkProperties(flags, 0, 2), error);
      assert.throws(() => findProperty(flags, 0, 2, PROPERTY_FLAGS.priority), error);
    }
  });

  it("what does not fill its room exactly is refused", () => {
    const tooLong = Buffer.of(0x80, 0, 1, 0x61, 0);
    assert.throws(() => checkProperties(tooLong, 0, 5), frameError("octets are left over after the properties"));
    assert.throws(() => checkProperties(tooLong, 0, 3), frameError("properties exceed the content header"));
    assert.throws(() => checkProperties(tooLong, 0, 1), frameError("properties exceed the content header"));
  });

  it("a headers length close to 2^32 overruns and does not wrap around", () => {
    const octets = Buffer.of(0x20, 0, 0xff, 0xff, 0xff, 0xff, 0);
    assert.throws(() => checkProperties(octets, 0, 7), frameError("properties exceed the content header"));
  });
});

describe("findProperty", () => {
  it("finds each present property and only those", () => {
    fc.assert(
      fc.property(properties, fc.nat({ max: 5 }), (value, offset) => {
        const encoded = encodeProperties(value);
        const placed = Buffer.concat([Buffer.alloc(offset, 0xff), encoded]);
        for (const name of NAMES) {
          const found = findProperty(placed, offset, placed.length, PROPERTY_FLAGS[name]);
          if (value[name] === undefined) {
            assert.equal(found, -1);
          } else {
            const expected = encodeOne(value, name);
            assert.deepEqual(placed.subarray(found, found + expected.length), expected);
          }
        }
      }),
    );
  });

  it("throws when the property or one before it overruns the end", () => {
    const encoded = encodeProperties({ contentType: "text", priority: 9 });
    const error = frameError("properties exceed the content header");
    for (let end = 0; end < encoded.length; end++) {
      assert.throws(() => findProperty(encoded, 0, end, PROPERTY_FLAGS.priority), error);
    }
  });

  it("does not look behind the property asked for", () => {
    const encoded = encodeProperties({ contentType: "text", clusterId: "cut off" });
    assert.equal(findProperty(encoded, 0, 7, PROPERTY_FLAGS.contentType), 2);
  });

  it("random octets give an offset inside, -1, or WireError", () => {
    const flag = fc.constantFrom(...Object.values(PROPERTY_FLAGS));
    fc.assert(
      fc.property(octets(40), flag, (buffer, wanted) => {
        try {
          const found = findProperty(buffer, 0, buffer.length, wanted);
          assert.ok(found === -1 || (found >= 2 && found < buffer.length));
        } catch (error) {
          assert.ok(error instanceof WireError, String(error));
        }
      }),
      { numRuns: 2000 },
    );
  });
});
