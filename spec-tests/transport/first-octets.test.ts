import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import fc from "fast-check";
import { duplexPair } from "../../src/lib/duplex-pair.ts";
import { type Decision, readFirstOctets } from "../../src/transport/first-octets.ts";
import { type SpokenProtocol, spokenProtocol } from "../../src/transport/spoken-protocol.ts";

const OPENINGS: readonly [string, Buffer, SpokenProtocol][] = [
  ["the header of AMQP 0-9-1", Buffer.from("AMQP\x00\x00\x09\x01", "latin1"), "amqp"],
  ["the header of AMQP 0-9", Buffer.from("AMQP\x01\x01\x00\x09", "latin1"), "amqp"],
  ["a header of AMQP that nobody knows", Buffer.from("AMQP\x07\x01\x00\x00", "latin1"), "amqp"],
  ["the header of AMQP 1.0", Buffer.from("AMQP\x00\x01\x00\x00", "latin1"), "amqp1"],
  ["the header of AMQP 1.0's SASL", Buffer.from("AMQP\x03\x01\x00\x00", "latin1"), "amqp1"],
  ["a TLS ClientHello", Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]), "tls"],
  ["a GET", Buffer.from("GET /ws/amqp HTTP/1.1\r\n"), "http"],
  ["a POST", Buffer.from("POST / HTTP/1.1\r\n"), "http"],
  ["what only looks like a method", Buffer.from("GETAWAY\r\n"), "amqp"],
  ["something else", Buffer.from("SSH-2.0-x\r\n"), "amqp"],
  ["zeros", Buffer.alloc(8), "amqp"],
];

for (const [what, opening, protocol] of OPENINGS) {
  test(`[doors/first octets] ${what} is for ${protocol}, however it arrives, and nothing of it is lost`, async () => {
    for (let split = 0; split <= opening.length; split++) {
      const [client, server] = duplexPair();
      const decided = new Promise<SpokenProtocol>((resolve) => readFirstOctets(server, spokenProtocol, resolve));
      client.write(opening.subarray(0, split));
      await nextTurn();
      client.write(opening.subarray(split));
      assert.equal(await decided, protocol, `split at ${split}`);
      client.end();
      const read: Buffer[] = [];
      for await (const chunk of server) read.push(chunk as Buffer);
      assert.deepEqual(Buffer.concat(read), opening, `split at ${split}`);
      server.destroy();
    }
  });
}

test("[doors/first octets] octets are looked at one by one if they come so, and no more than 8 are needed", () => {
  for (const [what, opening] of OPENINGS) {
    const decisions = Array.from({ length: 8 }, (_, index) => spokenProtocol(opening.subarray(0, index + 1)));
    assert.notEqual(decisions.at(-1), undefined, what);
  }
});

test("[doors/first octets] whatever comes, 8 octets are enough to decide", () => {
  const beginnings = OPENINGS.map(([, opening]) => fc.constant(opening));
  const octets = fc
    .tuple(fc.oneof(...beginnings), fc.nat(8), fc.uint8Array({ minLength: 8, maxLength: 8 }))
    .map(([opening, kept, rest]) => Buffer.concat([opening.subarray(0, kept), rest]).subarray(0, 8));
  fc.assert(fc.property(octets, (each) => spokenProtocol(each) !== undefined));
});

test("[doors/first octets] octets that are used up are taken off the stream", async () => {
  const [client, server] = duplexPair();
  const line = (octets: Buffer): Decision<string> | undefined => {
    const end = octets.indexOf("\n");
    return end === -1 ? undefined : { value: octets.toString("latin1", 0, end), usedBytes: end + 1 };
  };
  const taken = new Promise<string>((resolve) => readFirstOctets(server, line, resolve));
  client.write("first\nsecond");
  assert.equal(await taken, "first");
  server.resume();
  const [rest] = (await new Promise((resolve) => server.once("data", (chunk) => resolve([chunk])))) as [Buffer];
  assert.equal(rest.toString(), "second");
  client.destroy();
});

test("[doors/first octets] a client that ends before it has said anything is dropped", async () => {
  const [client, server] = duplexPair();
  readFirstOctets(server, spokenProtocol, () => assert.fail("nothing was said"));
  client.end("AM");
  await new Promise((resolve) => server.once("close", resolve));
});
