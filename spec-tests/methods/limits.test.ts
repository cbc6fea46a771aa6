import assert from "node:assert/strict";
import { FRAME_BODY, FRAME_HEADER } from "../../src/wire/frame.ts";
import { expectStart, expectTune, sendOpen } from "../support/handshake.ts";
import { methodTest } from "../support/method-test.ts";
import { declareQueue, expectReady } from "../support/queues.ts";

/** The payload of a content header without properties. */
function contentHeader(bodyBytes: number): Buffer {
  const payload = Buffer.alloc(14);
  payload.writeUInt16BE(60, 0);
  payload.writeBigUInt64BE(BigInt(bodyBytes), 4);
  return payload;
}

methodTest(
  "[limits/connections] one connection too many is 530 node connection limit (N) is reached",
  async (broker) => {
    await broker.connect();
    const second = await broker.connect();
    const third = await broker.rawClient();
    await sendOpen(third);
    const text = "NOT_ALLOWED - connection refused: node connection limit (2) is reached";
    await third.expectConnectionClose(530, text, 10, 40);
    await third.expectEnd();
    await second.close();
    await second.expectEnd();
    await broker.connect();
  },
  { broker: { limits: { connectionsMax: 2 } } },
);

methodTest(
  "[limits/tune] channel_max, frame_max and heartbeat are offered as configured",
  async (broker) => {
    const tune = await expectTune(await broker.rawClient());
    assert.deepEqual(tune, { channelMax: 7, frameMax: 10_000, heartbeat: 33 });
  },
  { broker: { limits: { channelsMax: 7, frameBytesMax: 10_000, heartbeatSeconds: 33 } } },
);

methodTest(
  "[limits/message] a message above the limit is 406, one of exactly the limit is taken",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declareQueue(broker, client);
    client.publish(1, { routingKey: queue }, Buffer.alloc(1000));
    await expectReady(client, queue, 1);
    client.publish(1, { routingKey: queue }, Buffer.alloc(1001));
    const text = "PRECONDITION_FAILED - message size 1001 is larger than configured max size 1000";
    await client.expectChannelClose(1, 406, text, 60, 40);
  },
  { broker: { limits: { messageBytesMax: 1000 } } },
);

for (const [title, prepare] of [
  ["before the protocol header", async () => {}],
  ["before start-ok", expectStart],
  ["before tune-ok", expectTune],
] as const) {
  methodTest(
    `[limits/handshake] a client that stops ${title} is dropped in time`,
    async (broker) => {
      const client = await broker.rawClient();
      await prepare(client);
      broker.clock.advance(4_999);
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(client.ended, false);
      broker.clock.advance(1);
      await client.expectEnd();
    },
    { broker: { limits: { handshakeTimeoutMilliseconds: 5_000 } } },
  );
}

methodTest(
  "[limits/handshake] a refused login is told after the delay",
  async (broker) => {
    const client = await broker.rawClient();
    await expectStart(client);
    client.send(0, "connection.start-ok", { mechanism: "PLAIN", response: Buffer.from("\0guest\0wrong") });
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(client.waiting(0), []);
    broker.clock.advance(3_000);
    await client.expectConnectionClose(403, /^ACCESS_REFUSED - Login was refused/, 0, 0);
  },
  { broker: { limits: { loginRefusedDelayMilliseconds: 3_000 } } },
);

methodTest(
  "[limits/unfinished] bodies begun on all channels of a connection are bounded together: 506; finished ones do not count",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declareQueue(broker, client);
    const body = Buffer.alloc(600_000);
    for (let round = 0; round < 5; round++) client.publish(1, { routingKey: queue }, body);
    await expectReady(client, queue, 5);
    for (const channel of [2, 3]) {
      await client.call(channel, "channel.open");
      client.send(channel, "basic.publish", { routingKey: queue });
      client.sendFrame(FRAME_HEADER, channel, contentHeader(body.length));
      client.sendFrame(FRAME_BODY, channel, body.subarray(0, 100_000));
    }
    await client.expectConnectionClose(506, "RESOURCE_ERROR - unfinished messages exceed 1048576 octets", 60, 40);
  },
  { broker: { limits: { unfinishedBytesMax: 1_048_576, messageBytesMax: 700_000 } } },
);
