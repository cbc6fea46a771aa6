import assert from "node:assert/strict";
import { handshake, sendOpen } from "../support/handshake.ts";
import { methodTest } from "../support/method-test.ts";

methodTest("[connection.open] open-ok carries empty known hosts", async (broker) => {
  const client = await broker.connect();
  assert.deepEqual(client.frames.at(-1)?.payload, Buffer.from([0, 10, 0, 41, 0]));
});

methodTest("[connection.open] an unknown vhost is 530 vhost x not found", async (broker) => {
  const client = await broker.rawClient();
  const vhost = broker.name("vhost");
  await sendOpen(client, { vhost });
  await client.expectConnectionClose(530, `NOT_ALLOWED - vhost ${vhost} not found`, 10, 40);
  await client.expectEnd();
});

methodTest("[connection.open] may be sent in one go with tune-ok and channel.open", async (broker) => {
  const client = await broker.rawClient();
  await sendOpen(client);
  client.send(1, "channel.open");
  await client.expect(0, "connection.open-ok");
  await client.expect(1, "channel.open-ok");
});

methodTest("[connection.open] a second one is 504 unexpected method in connection state running", async (broker) => {
  const client = await broker.connect();
  client.send(0, "connection.open", { virtualHost: "/" });
  await client.expectConnectionClose(504, "CHANNEL_ERROR - unexpected method in connection state running", 10, 40);
});

methodTest("[connection.open] connections do not see each other's channels", async (broker) => {
  const one = await broker.channel();
  const other = await broker.rawClient();
  await handshake(other);
  other.send(1, "access.request");
  await other.expectConnectionClose(504, "CHANNEL_ERROR - expected 'channel.open'", 30, 10);
  await one.call(1, "access.request");
});
