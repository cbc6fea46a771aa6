import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { WireError } from "../../src/wire/errors.ts";
import { longstr } from "../../src/wire/field-table.ts";
import { decodeArguments, encodeMethodFrame } from "../../src/wire/method-codec.ts";
import { METHODS, type MethodArguments, type MethodName } from "../../src/wire/methods.ts";
import { methodArguments, octets } from "./arbitraries.ts";

const ARGUMENTS_START = 11;

function decodeFrame(name: MethodName, frame: Buffer): unknown {
  return decodeArguments(METHODS[name], frame, ARGUMENTS_START, frame.length - 1);
}

/** Decodes the arguments that `hex` holds. */
function decodeHex(name: MethodName, hex: string): unknown {
  const octets = Buffer.from(hex.replaceAll(" ", ""), "hex");
  return decodeArguments(METHODS[name], octets, 0, octets.length);
}

function wireError(replyName: string, message: string, classId: number, methodId: number): object {
  return { name: "WireError", replyName, message, classId, methodId };
}

describe("method codec", () => {
  for (const name of Object.keys(METHODS) as MethodName[]) {
    const spec = METHODS[name];

    it(`${name} round-trips in a well-formed frame`, () => {
      fc.assert(
        fc.property(methodArguments(name), fc.integer({ min: 0, max: 0xffff }), (args, channel) => {
          const frame = encodeMethodFrame(channel, name, args as MethodArguments<MethodName>);
          assert.equal(frame[0], 1);
          assert.equal(frame.readUInt16BE(1), channel);
          assert.equal(frame.readUInt32BE(3), frame.length - 8);
          assert.equal(frame.readUInt16BE(7), spec.classId);
          assert.equal(frame.readUInt16BE(9), spec.methodId);
          assert.equal(frame.at(-1), 0xce);
          assert.deepEqual(decodeFrame(name, frame), args);
        }),
        { numRuns: 30 },
      );
    });

    it(`${name} cut short or with an octet too many cannot be decoded`, () => {
      fc.assert(
        fc.property(methodArguments(name), (args) => {
          const frame = encodeMethodFrame(1, name, args as MethodArguments<MethodName>);
          const end = frame.length - 1;
          for (let cut = ARGUMENTS_START; cut <= frame.length; cut++) {
            if (cut === end) continue;
            assert.throws(
              () => decodeArguments(spec, frame, ARGUMENTS_START, cut),
              (error) =>
                error instanceof WireError && error.replyName === "FRAME_ERROR" && error.methodId === spec.methodId,
            );
          }
        }),
        { numRuns: 3 },
      );
    });
  }

  it("random octets decode or throw WireError, nothing else", () => {
    const anyMethod = fc.constantFrom(...(Object.keys(METHODS) as MethodName[]));
    fc.assert(
      fc.property(anyMethod, octets(60), (name, buffer) => {
        try {
          decodeArguments(METHODS[name], buffer, 0, buffer.length);
        } catch (error) {
          assert.ok(error instanceof WireError, String(error));
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("queue.declare has the octets of the specification", () => {
    const frame = encodeMethodFrame(1, "queue.declare", {
      queue: "tasks",
      passive: false,
      durable: true,
      exclusive: false,
      autoDelete: true,
      noWait: true,
      arguments: new Map([["k", longstr("v")]]),
    });
    const head = "01 0001 00000019 0032 000a";
    const args = "0000 05 7461736b73 1a 00000008 01 6b 53 00000001 76";
    assert.equal(frame.toString("hex"), `${head} ${args} ce`.replaceAll(" ", ""));
  });

  it("reserved arguments are read over and written empty", () => {
    assert.deepEqual(decodeHex("connection.open", "01 2f 03 616263 01"), { virtualHost: "/" });
    const frame = encodeMethodFrame(0, "connection.open", { virtualHost: "/" });
    assert.equal(frame.subarray(ARGUMENTS_START).toString("hex"), "012f0000ce");
  });

  it("bits that no argument uses are ignored", () => {
    assert.deepEqual(decodeHex("channel.flow", "ff"), { active: true });
    assert.deepEqual(decodeHex("channel.flow", "fe"), { active: false });
  });

  it("a longstr does not share memory with what was received", () => {
    const frame = encodeMethodFrame(0, "connection.secure-ok", { response: Buffer.from("secret") });
    const args = decodeArguments(METHODS["connection.secure-ok"], frame, ARGUMENTS_START, frame.length - 1);
    frame.fill(0);
    assert.equal(args.response.toString(), "secret");
  });
});

describe("method codec: errors", () => {
  it("[frame/truncated-arguments] names the octets and the method", () => {
    const error = wireError("FRAME_ERROR", "cannot decode <<0,0,5,97>>", 50, 10);
    assert.throws(() => decodeHex("queue.declare", "0000 05 61"), error);
    assert.throws(() => decodeHex("basic.qos", ""), wireError("FRAME_ERROR", "cannot decode <<>>", 60, 10));
  });

  it("[frame/truncated-arguments] prints no more octets than a reply text can hold", () => {
    const octets = Buffer.alloc(200, 7);
    assert.throws(
      () => decodeArguments(METHODS["tx.select"], octets, 0, octets.length),
      wireError("FRAME_ERROR", `cannot decode <<${"7,".repeat(128)}...>>`, 90, 10),
    );
  });

  it("[frame/malformed-utf8] a shortstr must be UTF-8 in a method without content", () => {
    const error = wireError("FRAME_ERROR", "Malformed UTF-8 in shortstr", 0, 0);
    assert.throws(() => decodeHex("queue.purge", "0000 02 c328 00"), error);
  });

  it("[frame/malformed-utf8] a shortstr may be any octets in a method with content", () => {
    assert.deepEqual(decodeHex("basic.publish", "0000 00 02 c328 00"), {
      exchange: "",
      routingKey: "\udcc3\udc28",
      mandatory: false,
      immediate: false,
    });
  });

  it("[frame/bad-table-type] is a syntax error of the method", () => {
    const error = wireError("SYNTAX_ERROR", "field table holds a value of unknown type code 85", 40, 10);
    assert.throws(() => decodeHex("exchange.declare", "0000 01 78 00 00 00000004 01 6b 55 00"), error);
  });

  it("a delivery tag of 2^53 or more, which no broker has given out, is read and never written", () => {
    assert.deepEqual(decodeHex("basic.ack", "0020000000000000 00"), { deliveryTag: 2 ** 53, multiple: false });
    assert.deepEqual(decodeHex("basic.ack", "ffffffffffffffff 00"), { deliveryTag: 2 ** 64, multiple: false });
    const ack = { deliveryTag: 2 ** 53, multiple: false };
    assert.throws(() => encodeMethodFrame(1, "basic.ack", ack), RangeError);
  });

  it("a shortstr of 255 octets can be encoded, of 256 not", () => {
    const reason = "ä".repeat(127);
    encodeMethodFrame(0, "connection.blocked", { reason: `${reason}x` });
    assert.throws(() => encodeMethodFrame(0, "connection.blocked", { reason: `${reason}ä` }), {
      name: "RangeError",
      message: "a shortstr holds at most 255 octets, not 256",
    });
  });
});
