import assert from "node:assert/strict";
import { FRAME_BODY, FRAME_HEADER } from "../../src/wire/frame.ts";
import type { BrokerUnderTest } from "../support/method-test.ts";
import { methodTest } from "../support/method-test.ts";
import { declareQueue, expectReady } from "../support/queues.ts";
import type { RawClient } from "../support/raw-client.ts";

interface Header {
  readonly classId?: number;
  readonly weight?: number;
  readonly flags?: number;
  readonly bodySize: number | bigint;
  /** What follows the property flags. */
  readonly properties?: Uint8Array;
}

function headerPayload({
  classId = 60,
  weight = 0,
  flags = 0,
  bodySize,
  properties = Buffer.alloc(0),
}: Header): Buffer {
  const head = Buffer.alloc(14);
  head.writeUInt16BE(classId, 0);
  head.writeUInt16BE(weight, 2);
  head.writeBigUInt64BE(BigInt(bodySize), 4);
  head.writeUInt16BE(flags, 12);
  return Buffer.concat([head, properties]);
}

/** A client that has sent basic.publish to a queue of its own, and now owes a content header. */
async function publishing(broker: BrokerUnderTest): Promise<{ client: RawClient; queue: string }> {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  client.send(1, "basic.publish", { routingKey: queue });
  return { client, queue };
}

methodTest("[content] size 0 needs no body frame", async (broker) => {
  const { client, queue } = await publishing(broker);
  client.sendFrame(FRAME_HEADER, 1, headerPayload({ bodySize: 0 }));
  await expectReady(client, queue, 1);
  const seen = client.frames.length;
  assert.equal((await client.get(1, { queue }))?.body.length, 0);
  assert.equal(client.frames.slice(seen).filter((frame) => frame.type === FRAME_BODY).length, 0);
});

methodTest("[content] the body may come in frames of any size, empty ones included", async (broker) => {
  const { client, queue } = await publishing(broker);
  client.sendFrame(FRAME_HEADER, 1, headerPayload({ bodySize: 6 }));
  for (const part of ["", "a", "", "bcd", "ef"]) client.sendFrame(FRAME_BODY, 1, Buffer.from(part));
  await expectReady(client, queue, 1);
  assert.equal((await client.get(1, { queue }))?.body.toString(), "abcdef");
});

methodTest("[content] other channels and heartbeats may come between its frames", async (broker) => {
  const { client, queue } = await publishing(broker);
  await client.call(2, "channel.open");
  client.sendFrame(FRAME_HEADER, 1, headerPayload({ bodySize: 2 }));
  await client.call(2, "access.request");
  client.sendFrame(FRAME_BODY, 1, Buffer.from("a"));
  client.sendFrame(8, 0, Buffer.alloc(0));
  await client.call(2, "access.request");
  client.sendFrame(FRAME_BODY, 1, Buffer.from("b"));
  await expectReady(client, queue, 1);
  assert.equal((await client.get(1, { queue }))?.body.toString(), "ab");
});

for (const [name, type] of [
  ["header", FRAME_HEADER],
  ["body", FRAME_BODY],
] as const) {
  methodTest(`[content] a ${name} without a publish is 505 expected method frame`, async (broker) => {
    const client = await broker.channel();
    client.sendFrame(type, 1, headerPayload({ bodySize: 0 }));
    const text = "UNEXPECTED_FRAME - expected method frame, got non method frame instead";
    await client.expectConnectionClose(505, text, 0, 0);
    await client.expectEnd();
  });
}

const NO_HEADER = "UNEXPECTED_FRAME - expected content header for class 60, got non content header frame instead";

methodTest("[content/header] a method in its place is 505 expected content header", async (broker) => {
  const { client } = await publishing(broker);
  client.send(1, "access.request");
  await client.expectConnectionClose(505, NO_HEADER, 60, 40);
  await client.expectEnd();
});

methodTest("[content/header] a body in its place is 505 expected content header", async (broker) => {
  const { client } = await publishing(broker);
  client.sendFrame(FRAME_BODY, 1, Buffer.from("a"));
  await client.expectConnectionClose(505, NO_HEADER, 60, 40);
});

methodTest("[content/header] a weight other than 0 is 505 expected content header", async (broker) => {
  const { client } = await publishing(broker);
  client.sendFrame(FRAME_HEADER, 1, headerPayload({ bodySize: 0, weight: 1 }));
  await client.expectConnectionClose(505, NO_HEADER, 60, 40);
});

methodTest("[content/header] another class is 505 got one for class N", async (broker) => {
  const { client } = await publishing(broker);
  client.sendFrame(FRAME_HEADER, 1, headerPayload({ bodySize: 0, classId: 50 }));
  const text = "UNEXPECTED_FRAME - expected content header for class 60, got one for class 50 instead";
  await client.expectConnectionClose(505, text, 60, 40);
});

methodTest(
  "[content/header] above 512 MiB is 501 content body size N exceeds maximum allowed size",
  async (broker) => {
    const { client } = await publishing(broker);
    client.sendFrame(FRAME_HEADER, 1, headerPayload({ bodySize: 536_870_913 }));
    const text = "FRAME_ERROR - content body size 536870913 exceeds maximum allowed size 536870912";
    await client.expectConnectionClose(501, text, 60, 40);
  },
  { sinceRabbitmq: "4.0" },
);

methodTest(
  "[content/header] a size of 2^64 - 1 is 501 too",
  async (broker) => {
    const { client } = await publishing(broker);
    client.sendFrame(FRAME_HEADER, 1, headerPayload({ bodySize: 2n ** 64n - 1n }));
    await client.expectConnectionClose(
      501,
      /^FRAME_ERROR - content body size \d+ exceeds maximum allowed size/,
      60,
      40,
    );
  },
  { sinceRabbitmq: "4.0" },
);

for (const [name, type] of [
  ["method", 1],
  ["header", FRAME_HEADER],
] as const) {
  methodTest(`[content/body] a ${name} in its place is 505 expected content body`, async (broker) => {
    const { client } = await publishing(broker);
    client.sendFrame(FRAME_HEADER, 1, headerPayload({ bodySize: 1 }));
    if (type === 1) client.send(1, "access.request");
    else client.sendFrame(type, 1, headerPayload({ bodySize: 1 }));
    const text = "UNEXPECTED_FRAME - expected content body, got non content body frame instead";
    await client.expectConnectionClose(505, text, 60, 40);
    await client.expectEnd();
  });
}

methodTest(
  "[content/body] longer than declared is 501 content body frame exceeds remaining content size",
  async (broker) => {
    const { client } = await publishing(broker);
    client.sendFrame(FRAME_HEADER, 1, headerPayload({ bodySize: 3 }));
    client.sendFrame(FRAME_BODY, 1, Buffer.from("ab"));
    client.sendFrame(FRAME_BODY, 1, Buffer.from("cd"));
    await client.expectConnectionClose(501, /^FRAME_ERROR - content body frame exceeds remaining content size/, 60, 40);
    await client.expectEnd();
  },
  { sinceRabbitmq: "4.0" },
);

for (const [title, header] of [
  ["properties cut short", { bodySize: 0, flags: 0x8000, properties: Buffer.from([10, 97]) }],
  ["octets behind the properties", { bodySize: 0, flags: 0x8000, properties: Buffer.from([1, 97, 98]) }],
  ["property flag bit 0", { bodySize: 0, flags: 0x0001 }],
  ["property flag bit 1", { bodySize: 0, flags: 0x0002 }],
] as const) {
  methodTest(
    `[content/properties] ${title}: 501 FRAME_ERROR`,
    async (broker) => {
      const { client } = await publishing(broker);
      client.sendFrame(FRAME_HEADER, 1, headerPayload(header));
      await client.expectConnectionClose(501, /^FRAME_ERROR - /, 60, 40);
      await client.expectEnd();
    },
    { leveretOnly: "RabbitMQ answers 541" },
  );
}

methodTest(
  "[content] a channel closed in the middle of it drops it",
  async (broker) => {
    const { client, queue } = await publishing(broker);
    client.sendFrame(FRAME_HEADER, 1, headerPayload({ bodySize: 10 }));
    client.sendFrame(FRAME_BODY, 1, Buffer.from("abc"));
    client.destroy();
    const other = await broker.channel();
    other.send(1, "queue.declare", { queue, passive: true });
    await other.expectChannelClose(1, 404, `NOT_FOUND - no queue '${queue}' in vhost '/'`, 50, 10);
  },
  { leveretOnly: "RabbitMQ deletes exclusive queues some time after the connection is lost" },
);

methodTest("[content] of a publish that failed is taken and dropped", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  client.send(1, "basic.publish", { exchange: broker.name("missing"), routingKey: queue });
  client.sendFrame(FRAME_HEADER, 1, headerPayload({ bodySize: 2 }));
  client.sendFrame(FRAME_BODY, 1, Buffer.from("a"));
  client.sendFrame(FRAME_BODY, 1, Buffer.from("b"));
  client.publish(1, { routingKey: queue }, "ignored as well");
  await client.expectChannelClose(1, 404, /^NOT_FOUND - no exchange /, 60, 40);
  await client.call(1, "channel.open");
  await expectReady(client, queue, 0);
});

methodTest("[content] deliveries on one channel are not cut by other methods", async (broker) => {
  const client = await broker.channel({ frameMax: 8192 });
  const queue = await declareQueue(broker, client);
  await client.call(1, "basic.consume", { queue, noAck: true });
  const body = Buffer.alloc(20_000, "x");
  for (let index = 0; index < 10; index++) {
    client.publish(1, { routingKey: queue }, body);
    client.send(1, "access.request");
  }
  // The client itself asserts that header and body frames follow their method uninterrupted.
  for (let index = 0; index < 10; index++) {
    assert.ok((await client.find(1, "basic.deliver")).body.equals(body));
    await client.find(1, "access.request-ok");
  }
});
