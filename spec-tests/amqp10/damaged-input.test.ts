import assert from "node:assert/strict";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { test } from "node:test";
import { readValue } from "../../src/amqp10/codec/types.ts";
import { checkValue } from "../../src/amqp10/codec/value-check.ts";
import { Amqp10Error } from "../../src/amqp10/error-condition.ts";
import { openSender, send, startAmqp10Broker } from "./test-client.ts";

const SASL_HEADER = Buffer.from("AMQP\x03\x01\x00\x00", "latin1");
const AMQP_HEADER = Buffer.from("AMQP\x00\x01\x00\x00", "latin1");
// Mechanism ANONYMOUS; container-id "t"; next-outgoing-id 0 and windows.
const SASL_INIT = frame(1, 0, "005341c00e02a309414e4f4e594d4f5553a000");
const OPEN = frame(0, 0, "005310c00401a10174");
const BEGIN = frame(0, 0, "005311c00d044043707fffffff70000001ff");

function frame(type: number, channel: number, body: string): Buffer {
  const octets = Buffer.from(body, "hex");
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + octets.length, 0);
  head[4] = 2;
  head[5] = type;
  head.writeUInt16BE(channel, 6);
  return Buffer.concat([head, octets]);
}

function checked(hex: string): number {
  const octets = Buffer.from(hex, "hex");
  return checkValue(octets, 0, octets.length);
}

test("[encoding] what is well formed is taken as a whole", () => {
  for (const hex of [
    "40",
    "41",
    "5601",
    "43",
    "70ffffffff",
    "a103616263",
    "45",
    "c003015207",
    "c10502a1016b41",
    "d00000000500000001" + "43",
    "e00602a301610162",
    "00537541",
    "f000000009000000017000000001",
  ]) {
    assert.equal(checked(hex), hex.length / 2, hex);
  }
});

test("[encoding] what lies about sizes and counts, or costs more than it sends, is refused", () => {
  for (const hex of [
    "",
    "99",
    "70ffff",
    "a105616263",
    "b0ffffffff61",
    "c0ff01",
    "c0050241",
    "d000000004ffffffff",
    "c103014100",
    "f000000005ffffffff40",
    "f0000000050000100041",
    "f00000000d7fffffff7000000001",
    "00",
    "0000",
    "005375",
    `${"c00201".repeat(40)}40`,
    "00".repeat(100),
  ]) {
    assert.throws(() => checked(hex), Amqp10Error, hex);
  }
});

test("[encoding] random octets are refused or can be decoded, and never take long", () => {
  let seed = 20_261_121;
  const random = (): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed >>> 8;
  };
  const codes = Buffer.from(
    "0040414243444550515253545556606170717273748081828384949 8a0a1a3b0b1b3c0c1d0d1e0f0".replaceAll(" ", ""),
    "hex",
  );
  let taken = 0;
  for (let round = 0; round < 20_000; round++) {
    const octets = Buffer.alloc(1 + (random() % 24));
    for (let index = 0; index < octets.length; index++) {
      octets[index] = random() % 3 === 0 ? random() % 8 : (codes[random() % codes.length] as number);
    }
    let end: number;
    try {
      end = checkValue(octets, 0, octets.length);
    } catch (error) {
      assert(error instanceof Amqp10Error, String(error));
      continue;
    }
    assert(end <= octets.length);
    assert.doesNotThrow(() => readValue(octets, 0), octets.toString("hex"));
    taken++;
  }
  assert(taken > 1000, `only ${taken} were well formed`);
});

for (const [what, octets] of Object.entries({
  "an unknown protocol header": Buffer.from("AMQP\x00\x00\x09\x01", "latin1"),
  "octets that are no header": Buffer.from("GET / HTTP/1.1\r\n\r\n"),
  "a frame larger than is taken": Buffer.concat([SASL_HEADER, Buffer.from("ffffffff02010000", "hex")]),
  "a frame smaller than its head": Buffer.concat([SASL_HEADER, Buffer.from("0000000402010000", "hex")]),
  "a data offset beyond the frame": Buffer.concat([SASL_HEADER, Buffer.from("00000008ff010000", "hex")]),
  "an AMQP frame in place of SASL": Buffer.concat([SASL_HEADER, OPEN]),
  "malformed SASL": Buffer.concat([SASL_HEADER, frame(1, 0, "0053")]),
  "malformed open": Buffer.concat([SASL_HEADER, SASL_INIT, AMQP_HEADER, frame(0, 0, "005310c0ff")]),
  "begin before open": Buffer.concat([SASL_HEADER, SASL_INIT, AMQP_HEADER, BEGIN]),
  "a frame on a channel without a session": Buffer.concat([
    SASL_HEADER,
    SASL_INIT,
    AMQP_HEADER,
    OPEN,
    frame(0, 7, "00531745"),
  ]),
  "begin twice on a channel": Buffer.concat([SASL_HEADER, SASL_INIT, AMQP_HEADER, OPEN, BEGIN, BEGIN]),
  "an array of four billion nulls": Buffer.concat([
    SASL_HEADER,
    SASL_INIT,
    AMQP_HEADER,
    OPEN,
    frame(0, 0, "005318d00000000e00000001f000000005ffffffff40"),
  ]),
})) {
  test(`[damaged] ${what} ends the connection, and the broker goes on`, async (t) => {
    const broker = startAmqp10Broker(t);
    const stream = broker.stream();
    const ended = end(stream);
    stream.write(octets);
    await ended;
    assert.equal(broker.broker.connectionCount, 0);
    const client = await broker.client();
    assert.equal((await send(await openSender(client, {}), { to: "/queues/none", body: "x" })).outcome, "released");
  });
}

test("[damaged] a disposition of four billion deliveries costs nothing", async (t) => {
  const broker = startAmqp10Broker(t);
  const stream = broker.stream();
  stream.resume();
  const started = performance.now();
  const disposition = frame(0, 0, "005315d00000001000000005414370ffffffff4100532445");
  stream.write(Buffer.concat([SASL_HEADER, SASL_INIT, AMQP_HEADER, OPEN, BEGIN, disposition]));
  const client = await broker.client();
  assert.equal((await send(await openSender(client, {}), { to: "/queues/none", body: "x" })).outcome, "released");
  assert(performance.now() - started < 2000);
});

test("[damaged] a transfer on a handle that nothing is attached to ends the session", async (t) => {
  const broker = startAmqp10Broker(t);
  const stream = broker.stream();
  const transfer = frame(0, 0, "005314c008054343a001014342");
  stream.write(Buffer.concat([SASL_HEADER, SASL_INIT, AMQP_HEADER, OPEN, BEGIN, transfer]));
  let received = Buffer.alloc(0);
  for await (const chunk of stream) {
    received = Buffer.concat([received, chunk as Buffer]);
    if (received.includes("amqp:")) break;
  }
  assert.match(received.toString("latin1"), /amqp:session:unattached-handle/);
});

/** Resolves when the broker has ended its side; ours ends too then. */
async function end(stream: Duplex): Promise<void> {
  stream.resume();
  await once(stream, "end");
  stream.end();
  if (!stream.closed) await once(stream, "close");
  await new Promise(setImmediate);
}
