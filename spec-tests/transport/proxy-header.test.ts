import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type ProxyHeader, proxiedPeer, proxyHeader } from "../../src/transport/proxy-header.ts";
import { LOCAL_PEER } from "../support/test-broker.ts";

const SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
const REST = Buffer.from("AMQP");

const TCP4 = { host: "192.0.2.7", port: 51234, localHost: "198.51.100.1", localPort: 5672 };
const TCP6 = { host: "2001:db8::7", port: 51234, localHost: "2001:db8::1", localPort: 5672 };
const TCP4_OCTETS = Buffer.from([192, 0, 2, 7, 198, 51, 100, 1, 0xc8, 0x22, 0x16, 0x28]);
const TCP6_OCTETS = Buffer.concat([
  Buffer.from("20010db8000000000000000000000007", "hex"),
  Buffer.from("20010db8000000000000000000000001", "hex"),
  Buffer.from([0xc8, 0x22, 0x16, 0x28]),
]);
const EXTENSION = Buffer.from([0x04, 0x00, 0x03, 1, 2, 3]);

const UNDERSTOOD: readonly [string, Buffer, ProxyHeader][] = [
  ["v1 TCP4", Buffer.from("PROXY TCP4 192.0.2.7 198.51.100.1 51234 5672\r\n"), { kind: "proxied", addresses: TCP4 }],
  ["v1 TCP6", Buffer.from("PROXY TCP6 2001:db8::7 2001:DB8:0::1 51234 5672\r\n"), { kind: "proxied", addresses: TCP6 }],
  ["v1 UNKNOWN", Buffer.from("PROXY UNKNOWN\r\n"), { kind: "unknown" }],
  ["v1 UNKNOWN with addresses", Buffer.from("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n"), { kind: "unknown" }],
  ["v2 TCP4", version2(0x21, 0x11, TCP4_OCTETS), { kind: "proxied", addresses: TCP4 }],
  ["v2 TCP4 with extensions", version2(0x21, 0x11, TCP4_OCTETS, EXTENSION), { kind: "proxied", addresses: TCP4 }],
  ["v2 TCP6", version2(0x21, 0x21, TCP6_OCTETS), { kind: "proxied", addresses: TCP6 }],
  ["v2 LOCAL", version2(0x20, 0x00), { kind: "local" }],
  ["v2 LOCAL with octets to skip", version2(0x20, 0x00, EXTENSION), { kind: "local" }],
  ["v2 of a Unix socket", version2(0x21, 0x31, Buffer.alloc(216)), { kind: "unknown" }],
];

for (const [what, header, expected] of UNDERSTOOD) {
  test(`[proxy protocol] ${what} is understood once it is complete, and used up`, () => {
    const octets = Buffer.concat([header, REST]);
    for (let bytes = 1; bytes < header.length; bytes++) {
      assert.equal(proxyHeader(octets.subarray(0, bytes)), undefined, `after ${bytes} octets`);
    }
    assert.deepEqual(proxyHeader(octets), { value: expected, usedBytes: header.length });
  });
}

const MALFORMED: readonly [string, Buffer][] = [
  ["no header at all", Buffer.from("AMQP\x00\x00\x09\x01", "latin1")],
  ["v1 with an unknown protocol", Buffer.from("PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n")],
  ["v1 with a name for an address", Buffer.from("PROXY TCP4 localhost 1.2.3.4 1 2\r\n")],
  ["v1 with an address of the other family", Buffer.from("PROXY TCP4 ::1 ::1 1 2\r\n")],
  ["v1 with a port beyond 65535", Buffer.from("PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n")],
  ["v1 with a port that is missing", Buffer.from("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n")],
  ["v1 with a word too many", Buffer.from("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n")],
  ["v1 that does not end within 107 octets", Buffer.from(`PROXY UNKNOWN ${"x".repeat(100)}\r\n`)],
  ["v2 of another version", version2(0x31, 0x11, TCP4_OCTETS)],
  ["v2 with an unknown command", version2(0x22, 0x11, TCP4_OCTETS)],
  ["v2 whose addresses are cut short", version2(0x21, 0x11, TCP4_OCTETS.subarray(0, 11))],
  ["v2 with more octets than are taken", version2(0x21, 0x11, Buffer.alloc(5000))],
];

for (const [what, octets] of MALFORMED) {
  test(`[proxy protocol] ${what} is malformed`, () => {
    assert.equal(proxyHeader(octets)?.value.kind, "malformed");
  });
}

test("[proxy protocol] whatever comes, a decision is made within the limits, and no more is used up than has come", () => {
  const beginnings = UNDERSTOOD.map(([, header]) => fc.constant(header));
  const octets = fc
    .tuple(fc.oneof(...beginnings), fc.nat(60), fc.uint8Array({ maxLength: 5000, size: "max" }))
    .map(([header, kept, rest]) => Buffer.concat([header.subarray(0, kept), rest]));
  fc.assert(
    fc.property(octets, (each) => {
      const decision = proxyHeader(each);
      return decision === undefined ? each.length < 16 + 4096 : decision.usedBytes <= each.length;
    }),
  );
});

test("[proxy protocol] whether a client is on this machine is told by its own address, not the proxy's", () => {
  const proxied = (host: string): ProxyHeader => ({ kind: "proxied", addresses: { ...TCP4, host } });
  assert.deepEqual(proxiedPeer(LOCAL_PEER, proxied("192.0.2.7")), { ...TCP4, loopback: false });
  assert.equal(proxiedPeer({ ...LOCAL_PEER, host: "10.0.0.1", loopback: false }, proxied("127.0.0.1")).loopback, true);
  assert.equal(proxiedPeer(LOCAL_PEER, { kind: "local" }), LOCAL_PEER);
  assert.deepEqual(proxiedPeer(LOCAL_PEER, { kind: "unknown" }), { ...LOCAL_PEER, loopback: false });
  for (const line of ["PROXY TCP6 ::ffff:7f00:1 ::1 1 2\r\n", "PROXY TCP6 0:0:0:0:0:0:0:1 ::1 1 2\r\n"]) {
    const decision = proxyHeader(Buffer.from(line));
    assert.equal(proxiedPeer({ ...LOCAL_PEER, loopback: false }, decision!.value).loopback, true, line);
  }
});

function version2(command: number, family: number, ...rest: readonly Buffer[]): Buffer {
  const variable = Buffer.concat(rest);
  const fixed = Buffer.from([command, family, variable.length >> 8, variable.length & 0xff]);
  return Buffer.concat([SIGNATURE, fixed, variable]);
}
