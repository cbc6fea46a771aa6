import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CHANNEL } from "../../src/perf/connection.ts";
import { FrameScanner } from "../../src/perf/frame-scanner.ts";
import { encodeContent } from "../../src/wire/content.ts";
import { HEARTBEAT_FRAME } from "../../src/wire/frame.ts";
import { encodeMethodFrame } from "../../src/wire/method-codec.ts";
import { methodById } from "../../src/wire/methods.ts";
import { encodeProperties } from "../../src/wire/properties.ts";

/** Whatever a scanner hands over, as text. */
class Recorder {
  readonly seen: string[] = [];
  readonly scanner = new FrameScanner((octets, start) => {
    this.seen.push(methodById(octets.readUInt16BE(start), octets.readUInt16BE(start + 2))?.name ?? "unknown");
  });

  constructor() {
    this.scanner.traffic = {
      message: (deliveryTag, stamp) => this.seen.push(`message ${deliveryTag} ${stamp}`),
      nothing: () => this.seen.push("nothing"),
      confirm: (deliveryTag, multiple, positive) => this.seen.push(`confirm ${deliveryTag} ${multiple} ${positive}`),
      readEnd: () => {},
    };
  }

  /** Scans the octets in pieces, as a connection does that keeps what is not scanned. */
  scan(octets: Buffer, cuts: readonly number[]): void {
    let start = 0;
    for (const end of [...cuts.map((cut) => cut % (octets.length + 1)).sort((a, b) => a - b), octets.length]) {
      // A copy of just these octets, so that looking beyond them gives nothing.
      const piece = Buffer.from(octets.subarray(start, end));
      start += this.scanner.scan(piece, 0, piece.length);
    }
    assert.equal(start, octets.length, "all is scanned in the end");
  }
}

interface Sent {
  readonly octets: Buffer;
  readonly seen: readonly string[];
  /** The property flags and properties of a message. */
  readonly properties?: Buffer;
}

const tag = fc.oneof(fc.integer({ min: 1, max: 1000 }), fc.constant(2 ** 40 + 7));

const confirm = fc.record({ deliveryTag: tag, multiple: fc.boolean(), positive: fc.boolean() }).map(
  ({ deliveryTag, multiple, positive }): Sent => ({
    octets: positive
      ? encodeMethodFrame(CHANNEL, "basic.ack", { deliveryTag, multiple })
      : encodeMethodFrame(CHANNEL, "basic.nack", { deliveryTag, multiple, requeue: false }),
    seen: [`confirm ${deliveryTag} ${multiple} ${positive}`],
  }),
);

const message = fc
  .record({
    deliveryTag: tag,
    consumerTag: fc.string({ maxLength: 20 }),
    gotten: fc.boolean(),
    stamp: fc.nat(),
    bodyBytes: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 20_000 })),
    contentType: fc.option(fc.string({ maxLength: 30 }), { nil: undefined }),
  })
  .map(({ deliveryTag, consumerTag, gotten, stamp, bodyBytes, contentType }): Sent => {
    const body = Buffer.alloc(bodyBytes, 0xce);
    if (bodyBytes >= 8) body.writeBigUInt64BE(BigInt(stamp));
    const origin = { deliveryTag, redelivered: false, exchange: "", routingKey: "q" };
    const method = gotten
      ? encodeMethodFrame(CHANNEL, "basic.get-ok", { ...origin, messageCount: 3 })
      : encodeMethodFrame(CHANNEL, "basic.deliver", { ...origin, consumerTag });
    const properties = encodeProperties({ contentType });
    const octets = Buffer.concat([method, encodeContent(properties, body, 4096)]);
    return { octets, seen: [`message ${deliveryTag} ${bodyBytes >= 8 ? stamp : 0}`], properties };
  });

const other = fc.constantFrom<Sent>(
  { octets: encodeMethodFrame(CHANNEL, "basic.get-empty", {}), seen: ["nothing"] },
  { octets: encodeMethodFrame(0, "connection.blocked", { reason: "low on memory" }), seen: ["connection.blocked"] },
  { octets: HEARTBEAT_FRAME, seen: [] },
);

const session = fc.array(fc.oneof(message, confirm, other), { maxLength: 12 });

test("[perf/scanner] everything is found however the octets are cut", () => {
  fc.assert(
    fc.property(session, fc.array(fc.nat(), { maxLength: 12 }), (sent, cuts) => {
      const recorder = new Recorder();
      recorder.scan(Buffer.concat(sent.map(({ octets }) => octets)), cuts);
      assert.deepEqual(
        recorder.seen,
        sent.flatMap(({ seen }) => seen),
      );
    }),
  );
});

test("[perf/scanner] whoever looks at properties is shown them whole, once a message", () => {
  fc.assert(
    fc.property(session, fc.array(fc.nat(), { maxLength: 12 }), (sent, cuts) => {
      const recorder = new Recorder();
      const shown: string[] = [];
      recorder.scanner.traffic.properties = (octets, start, end) => shown.push(octets.toString("hex", start, end));
      recorder.scan(Buffer.concat(sent.map(({ octets }) => octets)), cuts);
      const expected = sent.map(({ properties }) => properties?.toString("hex"));
      assert.deepEqual(
        shown,
        expected.filter((text) => text !== undefined),
      );
      assert.deepEqual(
        recorder.seen,
        sent.flatMap(({ seen }) => seen),
      );
    }),
  );
});

test("[perf/scanner] everything is found when the octets come one by one", () => {
  fc.assert(
    fc.property(session, (sent) => {
      const octets = Buffer.concat(sent.map((one) => one.octets)).subarray(0, 5000);
      const [whole, pieces] = [new Recorder(), new Recorder()];
      whole.scanner.scan(Buffer.from(octets), 0, octets.length);
      let kept = 0;
      for (let end = 1; end <= octets.length; end++) {
        const piece = Buffer.from(octets.subarray(kept, end));
        kept += pieces.scanner.scan(piece, 0, piece.length);
      }
      assert.deepEqual(pieces.seen, whole.seen);
    }),
    { numRuns: 20 },
  );
});

test("[perf/scanner] a frame that does not end as frames do ends the run", () => {
  const octets = encodeMethodFrame(CHANNEL, "basic.ack", { deliveryTag: 1, multiple: false });
  octets[octets.length - 1] = 0;
  assert.throws(() => new Recorder().scanner.scan(octets, 0, octets.length), { name: "PerfError" });
});
