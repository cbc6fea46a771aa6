import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { encodeContent } from "../../src/wire/content.ts";
import { encodeMethodFrame } from "../../src/wire/method-codec.ts";
import { encodeProperties } from "../../src/wire/properties.ts";
import { type BrokerUnderTest, methodTest } from "../support/method-test.ts";
import { declareQueue, expectReady } from "../support/queues.ts";
import { forEachFrame } from "../support/raw-frames.ts";

const PERSISTENT = { deliveryMode: 2 } as const;

/** Sizes around those at which a body is kept, framed or sent in another way. */
const SIZES = [65_400, 65_600, 131_000, 131_065, 262_128, 1_500_000];

/** A body that no shift and no other body equals. */
function bodyOf(bytes: number, seed: number): Buffer {
  const body = Buffer.allocUnsafe(bytes);
  for (let at = 0, block = 0; at < bytes; block++) {
    at += createHash("sha512").update(`${seed} ${block}`).digest().copy(body, at);
  }
  return body;
}

function assertSame(received: Buffer | undefined, sent: Buffer, what: string): void {
  assert.ok(received?.equals(sent) === true, `${what} of ${sent.length} octets came out otherwise`);
}

for (const [properties, kind] of [
  [{}, "transient"],
  [PERSISTENT, "persistent"],
] as const) {
  methodTest(`[large bodies/${kind}] delivered at once, from several queues, what was sent arrives`, async (broker) => {
    const client = await broker.channel();
    await client.call(2, "channel.open");
    const queues: string[] = [];
    for (let count = 0; count < 3; count++) {
      const queue = await declareQueue(broker, client, { durable: true });
      await client.call(1, "queue.bind", { queue, exchange: "amq.fanout" });
      queues.push(queue);
    }
    await client.call(2, "basic.consume", { queue: queues[0] as string, noAck: true });
    for (const [index, size] of SIZES.entries()) {
      const body = bodyOf(size, index);
      client.publish(1, { exchange: "amq.fanout", routingKey: "" }, body, properties);
      assertSame((await client.expectContent(2, "basic.deliver")).body, body, "the delivery");
    }
    for (const queue of queues.slice(1)) {
      for (const [index, size] of SIZES.entries()) {
        const got = await client.get(1, { queue, noAck: index % 2 === 0 });
        assertSame(got?.body, bodyOf(size, index), "what waited");
      }
    }
  });
}

methodTest("[large bodies] what is returned and delivered again is what was sent", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  for (const [index, size] of SIZES.entries()) {
    const body = bodyOf(size, index);
    client.publish(1, { exchange: "", routingKey: "nowhere", mandatory: true }, body);
    assertSame((await client.expectContent(1, "basic.return")).body, body, "the return");
    client.publish(1, { routingKey: queue }, body);
    await expectReady(client, queue, 1);
    for (let attempt = 0; attempt < 3; attempt++) {
      const got = await client.get(1, { queue });
      assertSame(got?.body, body, "the message");
      if (got === undefined) return;
      const { deliveryTag } = got.args;
      if (attempt < 2) client.send(1, "basic.nack", { deliveryTag, requeue: true });
      else client.send(1, "basic.ack", { deliveryTag });
    }
  }
});

/** A publish whose body is split into frames of `frameBytes` octets. */
function publishOf(queue: string, body: Buffer, frameBytes: number): Buffer {
  const address = { reserved1: 0, exchange: "", routingKey: queue, mandatory: false, immediate: false };
  const content = encodeContent(encodeProperties(PERSISTENT), body, frameBytes);
  forEachFrame(content, (start) => content.writeUInt16BE(1, start + 1));
  return Buffer.concat([encodeMethodFrame(1, "basic.publish", address), content]);
}

for (const frameMax of [4096, 20_000, 100_000, 131_072]) {
  methodTest(
    `[large bodies/frame-max] ${frameMax}: a body goes to and fro, however the network cuts it`,
    async (broker: BrokerUnderTest) => {
      const client = await broker.channel({ frameMax });
      const queue = await declareQueue(broker, client);
      const bodies = [70_000, 300_000].map(bodyOf);
      for (const cutBytes of [611, 4093, 65_536]) {
        const stream = Buffer.concat(bodies.map((body) => publishOf(queue, body, frameMax)));
        for (let at = 0; at < stream.length; at += cutBytes) client.write(stream.subarray(at, at + cutBytes));
        await expectReady(client, queue, bodies.length);
        for (const body of bodies) {
          const seen = client.frames.length;
          assertSame((await client.get(1, { queue, noAck: true }))?.body, body, "the message");
          const sizes = client.frames.slice(seen).flatMap(({ type, payload }) => (type === 3 ? payload.length : []));
          const full = frameMax - 8;
          assert.deepEqual(sizes.slice(0, -1), new Array(Math.ceil(body.length / full) - 1).fill(full));
        }
      }
    },
    frameMax < 8192 ? { leveretOnly: "RabbitMQ 4.1 and later want 8192 at least" } : {},
  );
}

methodTest(
  "[large bodies] more than may be in memory is written down and read back as it was",
  async (broker) => {
    const client = await broker.channel();
    await client.call(2, "channel.open");
    const queues = [await declareQueue(broker, client, { durable: true }), await declareQueue(broker, client)];
    const small = bodyOf(500, 1);
    for (const queue of queues) {
      for (const [index, size] of SIZES.entries()) {
        client.publish(1, { routingKey: queue }, bodyOf(size, index), index % 2 === 0 ? PERSISTENT : {});
        client.publish(1, { routingKey: queue }, small);
      }
      await expectReady(client, queue, 2 * SIZES.length);
    }
    for (const queue of queues) {
      await client.call(2, "basic.consume", { queue, noAck: true });
      for (const [index, size] of SIZES.entries()) {
        assertSame((await client.expectContent(2, "basic.deliver")).body, bodyOf(size, index), "the message");
        assertSame((await client.expectContent(2, "basic.deliver")).body, small, "the message behind it");
      }
    }
  },
  { broker: { limits: { queueMemoryBytesMax: 200_000, outboxBytesMax: 300_000 } }, leveretOnly: "sets limits" },
);
