import assert from "node:assert/strict";
import { HEARTBEAT_FRAME } from "../../src/wire/frame.ts";
import { methodTest } from "../support/method-test.ts";

methodTest("[channel.open] opens the channel", async (broker) => {
  const client = await broker.connect();
  await client.call(1, "channel.open");
  await client.call(1, "access.request");
});

methodTest("[channel.open] open-ok carries an empty longstr", async (broker) => {
  const client = await broker.connect();
  await client.call(1, "channel.open");
  assert.deepEqual(client.frames.at(-1)?.payload, Buffer.from([0, 20, 0, 11, 0, 0, 0, 0]));
});

methodTest("[channel.open] channel numbers may be used in any order", async (broker) => {
  const client = await broker.connect();
  for (const channel of [7, 2, 100]) await client.call(channel, "channel.open");
  for (const channel of [100, 7, 2]) await client.call(channel, "access.request");
});

methodTest("[channel.open] a second channel.open is 504 second 'channel.open' seen", async (broker) => {
  const client = await broker.channel();
  client.send(1, "channel.open");
  await client.expectConnectionClose(504, "CHANNEL_ERROR - second 'channel.open' seen", 20, 10);
  await client.expectEnd();
});

methodTest("[channel.open] a method on a channel that is not open is 504 expected 'channel.open'", async (broker) => {
  const client = await broker.connect();
  client.send(1, "queue.declare", { queue: broker.name("queue") });
  await client.expectConnectionClose(504, "CHANNEL_ERROR - expected 'channel.open'", 50, 10);
  await client.expectEnd();
});

methodTest("[channel.open] channel 0 cannot be opened: 504", async (broker) => {
  const client = await broker.connect();
  client.send(0, "channel.open");
  await client.expectConnectionClose(504, "CHANNEL_ERROR - unexpected method in connection state running", 20, 10);
});

methodTest("[channel.open] one channel more than channel_max is 530", async (broker) => {
  const client = await broker.connect({ channelMax: 2 });
  await client.call(1, "channel.open");
  await client.call(2, "channel.open");
  client.send(3, "channel.open");
  await client.expectConnectionClose(
    530,
    "NOT_ALLOWED - number of channels opened (2) has reached the negotiated channel_max (2)",
    0,
    0,
  );
  await client.expectEnd();
});

methodTest("[channel.open] a closed channel makes room under channel_max", async (broker) => {
  const client = await broker.connect({ channelMax: 1 });
  for (let round = 0; round < 3; round++) {
    await client.call(1, "channel.open");
    await client.call(1, "channel.close", { replyCode: 200, replyText: "OK" });
  }
  await client.call(1, "channel.open");
});

methodTest(
  "[channel.open] a channel number above channel_max is accepted: the open channels are counted",
  async (broker) => {
    const client = await broker.connect({ channelMax: 2 });
    await client.call(500, "channel.open");
    await client.call(500, "access.request");
  },
);

methodTest("[channel.open] heartbeats between methods are no obstacle", async (broker) => {
  const client = await broker.connect();
  client.write(HEARTBEAT_FRAME);
  await client.call(1, "channel.open");
  client.write(HEARTBEAT_FRAME);
  await client.call(1, "access.request");
});
