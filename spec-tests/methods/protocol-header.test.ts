import assert from "node:assert/strict";
import { methodTest } from "../support/method-test.ts";

const REPLY_0_9_1 = Buffer.from("AMQP\x00\x00\x09\x01", "latin1");

for (const [title, header] of [
  ["AMQP 0 0 9 1", "AMQP\x00\x00\x09\x01"],
  ["the legacy header of 0-9, AMQP 1 1 0 9,", "AMQP\x01\x01\x00\x09"],
] as const) {
  methodTest(`[protocol header] ${title} is answered with connection.start`, async (broker) => {
    const client = await broker.rawClient();
    client.write(Buffer.from(header, "latin1"));
    const start = await client.expect(0, "connection.start");
    assert.deepEqual([start.versionMajor, start.versionMinor], [0, 9]);
  });
}

methodTest("[protocol header] may come octet by octet", async (broker) => {
  const client = await broker.rawClient();
  for (const octet of REPLY_0_9_1) client.write(Buffer.from([octet]));
  await client.expect(0, "connection.start");
});

methodTest("[protocol header] another 0.0.9 revision is answered with AMQP 0 0 9 1 and the end", async (broker) => {
  const client = await broker.rawClient();
  client.write(Buffer.from("AMQP\x00\x00\x09\x02", "latin1"));
  assert.deepEqual(await client.expectProtocolHeader(), REPLY_0_9_1);
  await client.expectEnd();
});

for (const [title, bytes] of [
  ["AMQP 1.0 without SASL", "AMQP\x00\x01\x00\x00"],
  ["an HTTP request", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"],
  ["a TLS hello", "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03"],
  ["eight zeros", "\0\0\0\0\0\0\0\0"],
] as const) {
  methodTest(`[protocol header] ${title} is answered with an 8-octet header and the end`, async (broker) => {
    const client = await broker.rawClient();
    client.write(Buffer.from(bytes, "latin1"));
    const header = await client.expectProtocolHeader();
    assert.equal(header.toString("latin1", 0, 4), "AMQP");
    await client.expectEnd();
  });
}

methodTest("[protocol header] a refused header leaves the broker serving others", async (broker) => {
  const refused = await broker.rawClient();
  refused.write(Buffer.from("garbage!"));
  await refused.expectProtocolHeader();
  await broker.channel();
});
