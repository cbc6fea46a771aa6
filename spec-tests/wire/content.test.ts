import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  contentBody,
  contentBodyBytes,
  contentProperties,
  encodeContent,
  reframeContent,
  withProperties,
} from "../../src/wire/content.ts";
import { FrameReader } from "../../src/wire/frame-reader.ts";
import { encodeProperties } from "../../src/wire/properties.ts";
import { octets, properties } from "./arbitraries.ts";

const PREFIX = Buffer.from("before");
const SUFFIX = Buffer.from("after");

/** The content within other octets, as it is found in a queue's chunk. */
function place(content: Buffer): { buffer: Buffer; start: number; end: number } {
  const buffer = Buffer.concat([PREFIX, content, SUFFIX]);
  return { buffer, start: PREFIX.length, end: PREFIX.length + content.length };
}

/** Payload sizes of the frames, after making them frames of channel 1. */
function framePayloadBytes(content: Buffer): number[] {
  const frames = Buffer.from(content);
  for (let offset = 0; offset < frames.length; offset += frames.readUInt32BE(offset + 3) + 8) {
    assert.equal(frames.readUInt16BE(offset + 1), 0);
    frames.writeUInt16BE(1, offset + 1);
  }
  const reader = new FrameReader(0);
  reader.push(frames);
  const sizes: number[] = [];
  while (reader.next()) sizes.push(reader.payloadEnd - reader.payloadStart);
  assert.equal(reader.pendingBytes, 0);
  return sizes;
}

const frameBytesMax = fc.integer({ min: 9, max: 60 });

describe("content", () => {
  it("properties and body can be taken out of what was put together", () => {
    fc.assert(
      fc.property(properties, octets(200), frameBytesMax, (value, body, max) => {
        const encoded = encodeProperties(value);
        const { buffer, start, end } = place(encodeContent(encoded, body, max));
        const range = contentProperties(buffer, start);
        assert.deepEqual(buffer.subarray(range.start, range.end), encoded);
        assert.equal(contentBodyBytes(buffer, start), body.length);
        assert.deepEqual(contentBody(buffer, start, end), body);
      }),
    );
  });

  it("body frames are full but for the last, and none is empty", () => {
    fc.assert(
      fc.property(octets(200), frameBytesMax, (body, max) => {
        const [header, ...bodies] = framePayloadBytes(encodeContent(Buffer.of(0, 0), body, max));
        assert.equal(header, 14);
        assert.equal(bodies.length, Math.ceil(body.length / (max - 8)));
        assert.ok(bodies.slice(0, -1).every((bytes) => bytes === max - 8));
        assert.equal(
          bodies.reduce((sum, bytes) => sum + bytes, 0),
          body.length,
        );
      }),
    );
  });

  it("has the octets of the specification", () => {
    const content = encodeContent(Buffer.of(0x10, 0, 2), Buffer.from("abc"), 10);
    const header = "02 0000 0000000f 003c 0000 0000000000000003 1000 02 ce";
    const bodies = "03 0000 00000002 6162 ce 03 0000 00000001 63 ce";
    assert.equal(content.toString("hex"), `${header} ${bodies}`.replaceAll(" ", ""));
  });

  it("an empty body has no body frame", () => {
    const content = encodeContent(Buffer.of(0, 0), Buffer.alloc(0), 4096);
    assert.deepEqual(framePayloadBytes(content), [14]);
    assert.deepEqual(contentBody(content, 0, content.length), Buffer.alloc(0));
  });

  it("without a frame limit the body is one frame", () => {
    const body = Buffer.alloc(300_000, 1);
    assert.deepEqual(framePayloadBytes(encodeContent(Buffer.of(0, 0), body, 0)), [14, 300_000]);
  });

  it("a body in a single frame is not copied", () => {
    const content = encodeContent(Buffer.of(0, 0), Buffer.from("abc"), 4096);
    content[content.length - 2] = "d".charCodeAt(0);
    assert.equal(contentBody(content, 0, content.length).buffer, content.buffer);
  });

  it("reframed content is what that frame size would have given", () => {
    fc.assert(
      fc.property(properties, octets(200), frameBytesMax, frameBytesMax, (value, body, from, to) => {
        const encoded = encodeProperties(value);
        const { buffer, start, end } = place(encodeContent(encoded, body, from));
        assert.deepEqual(reframeContent(buffer, start, end, to), encodeContent(encoded, body, to));
      }),
    );
  });

  it("other properties leave the body as it is", () => {
    fc.assert(
      fc.property(properties, properties, octets(200), frameBytesMax, (before, after, body, max) => {
        const { buffer, start, end } = place(encodeContent(encodeProperties(before), body, max));
        const expected = encodeContent(encodeProperties(after), body, max);
        assert.deepEqual(withProperties(buffer, start, end, encodeProperties(after)), expected);
      }),
    );
  });
});
