import assert from "node:assert/strict";
import type { Duplex } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { serveConnection } from "../../src/amqp091/connection.ts";
import { completeArguments } from "../../src/client/arguments.ts";
import { duplexPair } from "../../src/lib/duplex-pair.ts";
import { encodeMethodFrame } from "../../src/wire/method-codec.ts";
import { handshake } from "../support/handshake.ts";
import { type BrokerUnderTest, methodTest } from "../support/method-test.ts";
import { consume, declareSharedQueue, expectReady, fill } from "../support/queues.ts";
import { RawClient } from "../support/raw-client.ts";
import { LOCAL_PEER } from "../support/test-broker.ts";

const OUTBOX_BYTES_MAX = 64 * 1024;
const BODY = Buffer.alloc(10_000, "x");

const LIMITS = { broker: { limits: { outboxBytesMax: OUTBOX_BYTES_MAX } } };

/** A client that can stop reading its `stream`, with channel 1 open; what is sent to it gathers in `serverEnd`. */
async function stoppableClient(
  broker: BrokerUnderTest,
): Promise<{ client: RawClient; stream: Duplex; serverEnd: Duplex }> {
  const [stream, serverEnd] = duplexPair();
  serveConnection(broker.inside, serverEnd, LOCAL_PEER);
  const client = new RawClient(stream);
  await handshake(client);
  await client.call(1, "channel.open");
  return { client, stream, serverEnd };
}

/** One message more than the limit, and frame heads, may be on the way. */
function assertBounded({ writableLength }: Duplex): void {
  assert(writableLength < OUTBOX_BYTES_MAX + 2 * BODY.length, `${writableLength} octets wait to be sent`);
}

async function aFewTurns(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await nextTurn();
}

methodTest(
  "[limits/outbox] pipelined basic.get of a client that does not read is answered as far as the limit allows",
  async (broker) => {
    const { client, stream, serverEnd } = await stoppableClient(broker);
    const queue = await declareSharedQueue(broker, client);
    const bodies = new Array<string>(100).fill(BODY.toString());
    await fill(client, queue, bodies);
    stream.pause();
    const get = encodeMethodFrame(1, "basic.get", completeArguments("basic.get", { queue, noAck: true }));
    client.write(Buffer.concat(new Array<Buffer>(100).fill(get)));
    await aFewTurns();
    assertBounded(serverEnd);
    stream.resume();
    for (let index = 0; index < 100; index++) await client.find(1, "basic.get-ok");
    await client.expectNothing(1, queue);
  },
  LIMITS,
);

methodTest(
  "[limits/outbox] returned messages of a client that does not read are bounded",
  async (broker) => {
    const { client, stream, serverEnd } = await stoppableClient(broker);
    await client.call(1, "confirm.select");
    stream.pause();
    for (let index = 0; index < 50; index++) {
      client.publish(1, { routingKey: broker.name("nowhere"), mandatory: true }, BODY);
    }
    await aFewTurns();
    assertBounded(serverEnd);
    stream.resume();
    for (let index = 0; index < 50; index++) await client.find(1, "basic.return");
    let confirmed = 0;
    while (confirmed < 50) confirmed = (await client.find(1, "basic.ack")).args.deliveryTag;
  },
  LIMITS,
);

methodTest(
  "[limits/outbox] replies to a requester that does not read wait, and all come in order when it does",
  async (broker) => {
    const { client: requester, stream, serverEnd } = await stoppableClient(broker);
    const replier = await broker.channel();
    const queue = await declareSharedQueue(broker, requester);
    await consume(requester, "amq.rabbitmq.reply-to", { consumerTag: "replies", noAck: true });
    requester.publish(1, { routingKey: queue }, "request", { replyTo: "amq.rabbitmq.reply-to" });
    await expectReady(requester, queue, 1);
    const routingKey = (await requester.get(1, { queue, noAck: true }))?.properties.replyTo ?? "";
    stream.pause();
    for (let index = 0; index < 100; index++) replier.publish(1, { routingKey }, BODY, { messageId: `${index}` });
    await replier.expectNothing(1);
    await aFewTurns();
    assertBounded(serverEnd);
    stream.resume();
    for (let index = 0; index < 100; index++) {
      const { properties, args } = await requester.find(1, "basic.deliver");
      assert.equal(properties.messageId, `${index}`);
      assert.equal(args.redelivered, false);
    }
  },
  LIMITS,
);

methodTest(
  "[limits/outbox] deliveries to a client that does not read stop and go on",
  async (broker) => {
    const { client, stream, serverEnd } = await stoppableClient(broker);
    const queue = await declareSharedQueue(broker, client);
    const observer = await broker.channel();
    await consume(client, queue);
    stream.pause();
    for (let index = 0; index < 100; index++) observer.publish(1, { routingKey: queue }, BODY);
    await aFewTurns();
    assertBounded(serverEnd);
    stream.resume();
    for (let index = 0; index < 100; index++) await client.find(1, "basic.deliver");
  },
  LIMITS,
);
