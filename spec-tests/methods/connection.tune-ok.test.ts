import assert from "node:assert/strict";
import { expectTune, handshake, sendTuneOk } from "../support/handshake.ts";
import { methodTest } from "../support/method-test.ts";
import { declareQueue, expectReady } from "../support/queues.ts";

const EXPLAINED = "RabbitMQ closes the socket without a word";

methodTest("[connection.tune] offers channel_max 2047, frame_max 131072 and heartbeat 60", async (broker) => {
  const tune = await expectTune(await broker.rawClient());
  assert.deepEqual(tune, { channelMax: 2047, frameMax: 131_072, heartbeat: 60 });
});

methodTest("[connection.tune-ok] the broker's own offer is accepted", async (broker) => {
  const client = await broker.rawClient();
  await handshake(client, { heartbeat: 60 });
  await client.call(1, "channel.open");
});

for (const [frameMax, options] of [
  [4096, { leveretOnly: "RabbitMQ 4.1 and later want 8192 at least" }],
  [8192, {}],
  [100_000, {}],
] as const) {
  methodTest(
    `[connection.tune-ok/frame-max] ${frameMax}: no frame sent to the client is larger`,
    async (broker) => {
      const client = await broker.channel({ frameMax });
      const queue = await declareQueue(broker, client);
      const body = Buffer.alloc(frameMax * 3 + 17, "0123456789");
      client.publish(1, { routingKey: queue }, body);
      await expectReady(client, queue, 1);
      const seen = client.frames.length;
      assert.ok((await client.get(1, { queue }))?.body.equals(body));
      const bodies = client.frames.slice(seen).filter((frame) => frame.type === 3);
      const sizes = bodies.map((frame) => frame.payload.length);
      const full = frameMax - 8;
      assert.deepEqual(sizes, [full, full, full, body.length - 3 * full]);
    },
    options,
  );
}

methodTest("[connection.tune-ok/frame-max] a message published in other frames is cut anew", async (broker) => {
  const small = await broker.channel({ frameMax: 8192 });
  const large = await broker.channel({ frameMax: 131_072 });
  const queue = broker.name("queue");
  await small.call(1, "queue.declare", { queue, autoDelete: true });
  const body = Buffer.alloc(50_000, "abcdefg");
  small.publish(1, { routingKey: queue }, body);
  await expectReady(small, queue, 1);
  const seen = large.frames.length;
  assert.ok((await large.get(1, { queue }))?.body.equals(body));
  assert.equal(large.frames.slice(seen).filter((frame) => frame.type === 3).length, 1);
  large.publish(1, { routingKey: queue }, body);
  await expectReady(large, queue, 1);
  assert.ok((await small.get(1, { queue }))?.body.equals(body));
});

methodTest(
  "[connection.tune-ok/frame-max] above the offer is 530 negotiated frame_max = N is higher than the maximum (M)",
  async (broker) => {
    const client = await broker.rawClient();
    const tune = await expectTune(client);
    sendTuneOk(client, tune, { frameMax: tune.frameMax + 1 });
    const text = `NOT_ALLOWED - failed to negotiate connection parameters: negotiated frame_max = ${tune.frameMax + 1} is higher than the maximum allowed value (${tune.frameMax})`;
    await client.expectConnectionClose(530, text, 10, 31);
    await client.expectEnd();
  },
  { leveretOnly: EXPLAINED },
);

methodTest(
  "[connection.tune-ok/frame-max] 0, no limit, is 530 when the server has one",
  async (broker) => {
    const client = await broker.rawClient();
    const tune = await expectTune(client);
    sendTuneOk(client, tune, { frameMax: 0 });
    const text = /^NOT_ALLOWED - failed to negotiate connection parameters: .*frame_max = 0/;
    await client.expectConnectionClose(530, text, 10, 31);
    await client.expectEnd();
  },
  { leveretOnly: EXPLAINED },
);

methodTest(
  "[connection.tune-ok/frame-max] below 4096 is 530",
  async (broker) => {
    const client = await broker.rawClient();
    const tune = await expectTune(client);
    sendTuneOk(client, tune, { frameMax: 4095 });
    const text = /^NOT_ALLOWED - failed to negotiate connection parameters: .*frame_max = 4095 is lower than .*4096/;
    await client.expectConnectionClose(530, text, 10, 31);
    await client.expectEnd();
  },
  { leveretOnly: EXPLAINED },
);

methodTest(
  "[connection.tune-ok/channel-max] above the offer is 530",
  async (broker) => {
    const client = await broker.rawClient();
    const tune = await expectTune(client);
    sendTuneOk(client, tune, { channelMax: tune.channelMax + 1 });
    const text = `NOT_ALLOWED - failed to negotiate connection parameters: negotiated channel_max = ${tune.channelMax + 1} is higher than the maximum allowed value (${tune.channelMax})`;
    await client.expectConnectionClose(530, text, 10, 31);
    await client.expectEnd();
  },
  { leveretOnly: EXPLAINED },
);

methodTest(
  "[connection.tune-ok/channel-max] 0, no limit, is 530 when the server has one",
  async (broker) => {
    const client = await broker.rawClient();
    const tune = await expectTune(client);
    sendTuneOk(client, tune, { channelMax: 0 });
    const text = /^NOT_ALLOWED - failed to negotiate connection parameters: .*channel_max = 0/;
    await client.expectConnectionClose(530, text, 10, 31);
    await client.expectEnd();
  },
  { leveretOnly: EXPLAINED },
);

methodTest(
  "[connection.tune-ok] connection.open in its place is 504",
  async (broker) => {
    const client = await broker.rawClient();
    await expectTune(client);
    client.send(0, "connection.open", { virtualHost: "/" });
    await client.expectConnectionClose(504, /^CHANNEL_ERROR - /, 10, 40);
    await client.expectEnd();
  },
  { leveretOnly: EXPLAINED },
);

methodTest("[connection.tune-ok] on an open connection is 504", async (broker) => {
  const client = await broker.connect();
  client.send(0, "connection.tune-ok", { channelMax: 10, frameMax: 8192 });
  await client.expectConnectionClose(504, "CHANNEL_ERROR - unexpected method in connection state running", 10, 31);
});
