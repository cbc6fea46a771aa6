import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { WireError } from "../../src/wire/errors.ts";
import { HEARTBEAT_FRAME } from "../../src/wire/frame.ts";
import { FrameReader } from "../../src/wire/frame-reader.ts";
import { octets, record } from "./arbitraries.ts";

interface Frame {
  readonly type: number;
  readonly channel: number;
  readonly payload: Buffer;
}

const FRAME_BYTES_MAX = 131072;

function frameBytes(type: number, channel: number, payload: Buffer, end = 0xce): Buffer {
  const frame = Buffer.alloc(payload.length + 8);
  frame.writeUInt8(type, 0);
  frame.writeUInt16BE(channel, 1);
  frame.writeUInt32BE(payload.length, 3);
  payload.copy(frame, 7);
  frame.writeUInt8(end, payload.length + 7);
  return frame;
}

/** `octets` as a part of a larger buffer that holds other things too, the way sockets hand them out. */
function pooled(chunk: Buffer): Buffer {
  const pool = Buffer.alloc(chunk.length + 20, 0xce);
  chunk.copy(pool, 11);
  return pool.subarray(11, 11 + chunk.length);
}

/** Pushes the chunks and copies every frame. The chunks read are scribbled over, to show what still refers to them. */
function read(reader: FrameReader, chunks: readonly Buffer[]): Frame[] {
  const frames: Frame[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    while (reader.next()) {
      const payload = Buffer.from(reader.buffer.subarray(reader.payloadStart, reader.payloadEnd));
      frames.push({ type: reader.type, channel: reader.channel, payload });
    }
    chunk.fill(0xff);
  }
  return frames;
}

/** As {@link read}, with the pieces of a frame joined. */
function readPieces(reader: FrameReader, chunks: readonly Buffer[]): Frame[] {
  const frames: Frame[] = [];
  let begun = Buffer.alloc(0);
  for (const chunk of chunks) {
    reader.push(chunk);
    while (reader.next()) {
      const { type, channel, frameComplete } = reader;
      begun = Buffer.concat([begun, reader.buffer.subarray(reader.payloadStart, reader.payloadEnd)]);
      if (!frameComplete) continue;
      frames.push({ type, channel, payload: begun });
      begun = Buffer.alloc(0);
    }
    chunk.fill(0xff);
  }
  return frames;
}

function cutAt(stream: Buffer, cuts: readonly number[]): Buffer[] {
  const offsets = [0, ...[...cuts].sort((a, b) => a - b), stream.length];
  return offsets.slice(1).map((end, index) => pooled(stream.subarray(offsets[index], end)));
}

const channel = fc.integer({ min: 1, max: 0xffff });

/** Small frames, and some that outgrow the first allocation for a cut frame. */
const frame: fc.Arbitrary<Frame> = fc.oneof(
  record({
    type: fc.constant(1),
    channel: fc.integer({ min: 0, max: 0xffff }),
    payload: octets(40, 4),
  }),
  record({ type: fc.constant(2), channel, payload: octets(40, 12) }),
  record({ type: fc.constant(3), channel, payload: octets(40) }),
  record({ type: fc.constant(3), channel, payload: octets(10).map((start) => Buffer.concat([start], 300)) }),
  fc.constant({ type: 8, channel: 0, payload: Buffer.alloc(0) }),
);

const frameSequence = fc.array(frame, { minLength: 1, maxLength: 6 });

function streamOf(frames: readonly Frame[]): Buffer {
  return Buffer.concat(frames.map(({ type, channel, payload }) => frameBytes(type, channel, payload)));
}

function wireError(replyName: string, message: string): object {
  return { name: "WireError", replyName, message, classId: 0, methodId: 0 };
}

/** Reads one frame after the other until the reader throws. */
function readAll(...chunks: readonly Buffer[]): Frame[] {
  return read(new FrameReader(FRAME_BYTES_MAX), chunks.map(pooled));
}

describe("frame reader", () => {
  it("frames cut once, at every octet, come out the same", () => {
    fc.assert(
      fc.property(frameSequence, (frames) => {
        const stream = streamOf(frames);
        for (let cut = 0; cut <= stream.length; cut++) {
          const reader = new FrameReader(FRAME_BYTES_MAX);
          assert.deepEqual(read(reader, cutAt(stream, [cut])), frames);
          assert.equal(reader.pendingBytes, 0);
        }
      }),
      { numRuns: 20 },
    );
  });

  it("frames cut anywhere, any number of times, come out the same", () => {
    fc.assert(
      fc.property(frameSequence, fc.array(fc.nat(), { maxLength: 12 }), (frames, cuts) => {
        const stream = streamOf(frames);
        const inside = cuts.map((cut) => cut % (stream.length + 1));
        assert.deepEqual(read(new FrameReader(FRAME_BYTES_MAX), cutAt(stream, inside)), frames);
      }),
    );
  });

  it("frames that arrive octet by octet come out the same", () => {
    fc.assert(
      fc.property(frameSequence, (frames) => {
        const stream = streamOf(frames);
        const everywhere = Array.from({ length: stream.length }, (_, index) => index);
        assert.deepEqual(read(new FrameReader(FRAME_BYTES_MAX), cutAt(stream, everywhere)), frames);
      }),
      { numRuns: 30 },
    );
  });

  it("body frames handed out in pieces come out the same when these are joined", () => {
    fc.assert(
      fc.property(frameSequence, fc.array(fc.nat(), { maxLength: 12 }), (frames, cuts) => {
        const stream = streamOf(frames);
        const inside = cuts.map((cut) => cut % (stream.length + 1));
        assert.deepEqual(readPieces(new FrameReader(FRAME_BYTES_MAX, true), cutAt(stream, inside)), frames);
      }),
      { numRuns: 500 },
    );
  });

  it("a piece is read in place, and the last one is known when the frame's end is there", () => {
    const stream = frameBytes(3, 1, Buffer.from("abcdef"));
    const reader = new FrameReader(FRAME_BYTES_MAX, true);
    const seen: unknown[] = [];
    for (const [start, end] of [
      [0, 8],
      [8, 13],
      [13, 14],
    ] as const) {
      const chunk = stream.subarray(start, end);
      reader.push(chunk);
      while (reader.next()) {
        assert.equal(reader.buffer, chunk);
        seen.push([chunk.toString("latin1", reader.payloadStart, reader.payloadEnd), reader.frameComplete]);
      }
    }
    assert.deepEqual(seen, [
      ["a", false],
      ["bcdef", false],
      ["", true],
    ]);
  });

  it("a frame larger than what is allocated at once comes out the same", () => {
    const payload = Buffer.alloc(5_000_000, "0123456789");
    const stream = frameBytes(3, 1, payload);
    const cuts = Array.from({ length: 76 }, (_, index) => index * 65536);
    const frames = read(new FrameReader(0), cutAt(stream, cuts));
    assert.equal(frames.length, 1);
    assert.ok(frames[0]?.payload.equals(payload));
  });

  it("a whole frame is read in place", () => {
    const chunk = frameBytes(3, 1, Buffer.from("abc"));
    const reader = new FrameReader(FRAME_BYTES_MAX);
    reader.push(chunk);
    assert.equal(reader.next(), true);
    assert.equal(reader.buffer, chunk);
    assert.deepEqual([reader.payloadStart, reader.payloadEnd], [7, 10]);
  });

  it("behind a cut frame the chunk is read in place again", () => {
    const second = frameBytes(3, 2, Buffer.from("second"));
    const stream = Buffer.concat([frameBytes(3, 1, Buffer.from("first")), second]);
    const reader = new FrameReader(FRAME_BYTES_MAX);
    reader.push(stream.subarray(0, 9));
    assert.equal(reader.next(), false);
    const rest = stream.subarray(9);
    reader.push(rest);
    assert.equal(reader.next(), true);
    assert.notEqual(reader.buffer, rest);
    assert.equal(reader.next(), true);
    assert.equal(reader.buffer, rest);
    assert.equal(reader.buffer.toString("latin1", reader.payloadStart, reader.payloadEnd), "second");
  });

  it("a frame that was cut keeps its octets while later ones are read", () => {
    const reader = new FrameReader(FRAME_BYTES_MAX);
    const first = frameBytes(3, 1, Buffer.from("first"));
    const second = frameBytes(3, 1, Buffer.from("other"));
    reader.push(first.subarray(0, 8));
    reader.next();
    reader.push(Buffer.concat([first.subarray(8), second.subarray(0, 10)]));
    assert.equal(reader.next(), true);
    const { buffer, payloadStart, payloadEnd } = reader;
    assert.equal(reader.next(), false);
    assert.equal(buffer.toString("latin1", payloadStart, payloadEnd), "first");
  });

  it("pendingBytes counts what has come of an incomplete frame", () => {
    const reader = new FrameReader(FRAME_BYTES_MAX);
    const stream = frameBytes(3, 1, Buffer.from("abc"));
    for (const [chunk, pending] of [
      [stream.subarray(0, 3), 3],
      [stream.subarray(3, 9), 9],
      [stream.subarray(9), 0],
    ] as const) {
      reader.push(chunk);
      while (reader.next());
      assert.equal(reader.pendingBytes, pending);
    }
  });

  it("a chunk that is read through is let go", () => {
    const reader = new FrameReader(FRAME_BYTES_MAX);
    reader.push(frameBytes(3, 1, Buffer.from("abc")));
    while (reader.next());
    assert.equal(reader.buffer.length, 0);
  });

  it("the next chunk must wait until the last one is read", () => {
    const reader = new FrameReader(FRAME_BYTES_MAX);
    reader.push(HEARTBEAT_FRAME);
    assert.throws(() => reader.push(HEARTBEAT_FRAME), { name: "AssertionError" });
  });

  it("random octets give frames or WireError, nothing else", () => {
    const shortHead = fc.tuple(fc.constantFrom(1, 2, 3, 8, 9), fc.constantFrom(0, 1), fc.nat({ max: 12 }));
    const chunk = fc.oneof(
      octets(40),
      shortHead.map(([type, number, bytes]) => Buffer.of(type, 0, number, 0, 0, 0, bytes)),
    );
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 6 }), (chunks) => {
        try {
          readAll(...chunks);
        } catch (error) {
          assert.ok(error instanceof WireError, String(error));
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("frame reader: errors", () => {
  it("[frame/too-large] a payload up to frame-max is taken", () => {
    const reader = new FrameReader(4096);
    assert.equal(read(reader, [frameBytes(3, 1, Buffer.alloc(4096))]).length, 1);
  });

  it("[frame/too-large] one octet more is refused as soon as the frame head is there", () => {
    const error = wireError("FRAME_ERROR", "type 3, all octets = <<>>: {frame_too_large,4097,4088}");
    const head = frameBytes(3, 1, Buffer.alloc(4097)).subarray(0, 7);
    assert.throws(() => read(new FrameReader(4096), [Buffer.from(head)]), error);
    assert.throws(
      () => read(new FrameReader(4096), [Buffer.from(head.subarray(0, 6)), Buffer.from(head.subarray(6))]),
      error,
    );
  });

  it("[frame/too-large] the limit may change between frames", () => {
    const reader = new FrameReader(4096);
    read(reader, [frameBytes(3, 1, Buffer.alloc(4096))]);
    reader.frameBytesMax = 8192;
    assert.equal(read(reader, [frameBytes(3, 1, Buffer.alloc(8192))]).length, 1);
    reader.frameBytesMax = 0;
    assert.equal(read(reader, [frameBytes(3, 1, Buffer.alloc(200_000))]).length, 1);
  });

  it("[frame/invalid-end] names the octet found and the payload", () => {
    assert.throws(
      () => readAll(frameBytes(1, 0, Buffer.of(0, 10, 0, 11), 0)),
      wireError("FRAME_ERROR", "type 1, all octets = <<0,10,0,11>>: {invalid_frame_end_marker,0}"),
    );
    const long = Buffer.from(Array.from({ length: 17 }, (_, index) => index));
    assert.throws(
      () => readAll(frameBytes(3, 1, long, 206 - 1)),
      wireError(
        "FRAME_ERROR",
        "type 3, first 16 octets = <<0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15>>: {invalid_frame_end_marker,205}",
      ),
    );
  });

  it("[frame/invalid-end] names them for a frame in pieces too", () => {
    const long = Buffer.from(Array.from({ length: 40 }, (_, index) => index));
    for (const [payload, quoted] of [
      [long, "first 16 octets = <<0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15>>"],
      [long.subarray(0, 16), "all octets = <<0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15>>"],
      [long.subarray(0, 2), "all octets = <<0,1>>"],
    ] as const) {
      const stream = frameBytes(3, 1, payload, 7);
      for (let cut = 1; cut < stream.length; cut++) {
        assert.throws(
          () => readPieces(new FrameReader(FRAME_BYTES_MAX, true), cutAt(stream, [cut, stream.length - 1])),
          wireError("FRAME_ERROR", `type 3, ${quoted}: {invalid_frame_end_marker,7}`),
        );
      }
    }
  });

  it("[frame/unexpected] content on channel 0 is no different when it is cut", () => {
    const stream = frameBytes(3, 0, Buffer.of(1));
    assert.throws(
      () => readPieces(new FrameReader(FRAME_BYTES_MAX, true), cutAt(stream, [8])),
      wireError("UNEXPECTED_FRAME", "type 3, all octets = <<1>>"),
    );
  });

  it("[frame/unknown] no such type", () => {
    assert.throws(
      () => readAll(frameBytes(4, 1, Buffer.of(1, 255))),
      wireError("FRAME_ERROR", "type 4, all octets = <<1,255>>: unknown_frame"),
    );
  });

  it("[frame/unknown] a heartbeat with a payload, printable octets as Erlang prints them", () => {
    assert.throws(
      () => readAll(frameBytes(8, 0, Buffer.from('a"b\r\n'))),
      wireError("FRAME_ERROR", 'type 8, all octets = <<"a\\"b\\r\\n">>: unknown_frame'),
    );
  });

  it("[frame/unknown] a method frame of fewer than 4 octets, a content header of fewer than 12", () => {
    assert.throws(
      () => readAll(frameBytes(1, 1, Buffer.of(0, 10, 0))),
      wireError("FRAME_ERROR", "type 1, all octets = <<0,10,0>>: unknown_frame"),
    );
    assert.throws(
      () => readAll(frameBytes(2, 1, Buffer.alloc(11))),
      wireError("FRAME_ERROR", "type 2, all octets = <<0,0,0,0,0,0,0,0,0,0,0>>: unknown_frame"),
    );
  });

  it("[frame/unexpected] a heartbeat on a channel", () => {
    assert.throws(
      () => readAll(frameBytes(8, 1, Buffer.alloc(0))),
      wireError("UNEXPECTED_FRAME", "type 8, all octets = <<>>"),
    );
  });

  it("[frame/unexpected] content on channel 0", () => {
    assert.throws(
      () => readAll(frameBytes(3, 0, Buffer.of(1))),
      wireError("UNEXPECTED_FRAME", "type 3, all octets = <<1>>"),
    );
  });

  it("frames before a bad one come out", () => {
    const reader = new FrameReader(FRAME_BYTES_MAX);
    reader.push(Buffer.concat([HEARTBEAT_FRAME, frameBytes(9, 0, Buffer.alloc(0))]));
    assert.equal(reader.next(), true);
    assert.throws(() => reader.next(), WireError);
  });
});
