import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { connect, type GetMessage } from "amqplib";
import rhea from "rhea";
import { brokerUnderTest } from "../support/broker-under-test.ts";
import { uniqueName } from "../support/unique-name.ts";
import { event, openConnection } from "./connection.ts";

const url = await brokerUnderTest();
const { message: make, types } = rhea;

/** A queue, and a client of either protocol. */
async function setUp(t: TestContext) {
  const queue = uniqueName("mixed");
  const amqplib = await connect(url);
  const channel = await amqplib.createConfirmChannel();
  await channel.assertQueue(queue, { durable: true });
  t.after(async () => {
    await channel.deleteQueue(queue);
    await amqplib.close();
  });
  const connection = await openConnection(t, url);
  const address = `/queues/${queue}`;
  return {
    queue,
    channel,
    async send(message: object): Promise<GetMessage> {
      const sender = connection.open_sender(address);
      await event(sender, "sendable");
      sender.send(message as never);
      await event(sender, "accepted");
      sender.close();
      const got = await channel.get(queue, { noAck: true });
      assert(got !== false);
      return got;
    },
    async receive() {
      const receiver = connection.open_receiver({ source: address, credit_window: 0, autoaccept: true });
      await event(receiver, "receiver_open");
      receiver.add_credit(1);
      const { message } = await event(receiver, "message");
      receiver.close();
      // RabbitMQ ends the session when the queue is deleted while it takes the consumer away.
      await event(receiver, "receiver_close");
      assert(message !== undefined);
      return message;
    },
  };
}

test("mixed: a message of AMQP 1.0 with data, as a 0-9-1 consumer sees it", async (t) => {
  const { send } = await setUp(t);
  const { content, properties } = await send({
    durable: true,
    priority: 3,
    ttl: 60_000,
    message_annotations: { "x-annotation": "a" },
    message_id: types.wrap_uuid(Buffer.from("00112233445566778899aabbccddeeff", "hex")),
    correlation_id: types.wrap_ulong(7),
    user_id: types.wrap_binary(Buffer.from("guest")),
    reply_to: "/queues/reply%20to",
    content_type: "text/plain",
    content_encoding: "identity",
    creation_time: new Date(1_700_000_000_000),
    group_id: "group",
    application_properties: { text: "t", flag: true, number: types.wrap_int(-1), ratio: 0.5 },
    body: make.data_section(Buffer.from("body")),
  });
  assert.equal(content.toString(), "body");
  assert.equal(properties.contentType, "text/plain");
  assert.equal(properties.contentEncoding, "identity");
  assert.equal(properties.deliveryMode, 2);
  assert.equal(properties.priority, 3);
  assert.equal(properties.correlationId, "7");
  assert.equal(properties.replyTo, "reply to");
  assert.equal(properties.expiration, "60000");
  assert.equal(properties.messageId, "urn:uuid:00112233-4455-6677-8899-aabbccddeeff");
  assert.equal(properties.userId, "guest");
  assert.equal(properties.appId, "group");
  const { text, flag, number, ratio, "x-annotation": annotation } = properties.headers ?? {};
  assert.deepEqual(
    { text, flag, number, ratio, annotation },
    { text: "t", flag: true, number: -1, ratio: 0.5, annotation: "a" },
  );
});

for (const [kind, body] of Object.entries({
  string: "text",
  number: 42,
  boolean: true,
  list: [1, "two"],
  map: { a: "b" },
  sequence: make.sequence_section([1, 2]),
})) {
  test(`mixed: a body of kind ${kind} comes to a 0-9-1 consumer encoded, and from it back unchanged`, async (t) => {
    const { queue, channel, send, receive } = await setUp(t);
    const { content, properties } = await send({ body });
    assert.equal(properties.type, "amqp-1.0");
    const expected = make.decode(make.encode({ body } as never) as never) as unknown as { body: unknown };
    assert.deepEqual((make.decode(content as never) as unknown as { body: unknown }).body, expected.body);
    channel.sendToQueue(queue, content, { type: "amqp-1.0" });
    await channel.waitForConfirms();
    assert.deepEqual((await receive()).body, expected.body);
  });
}

test("mixed: several data sections come to a 0-9-1 consumer as one body", async (t) => {
  const { send } = await setUp(t);
  const { content } = await send({ body: make.data_sections([Buffer.from("ab"), Buffer.from("c")] as never) });
  assert.equal(content.toString(), "abc");
});

test("mixed: a message of 0-9-1, as a receiver of AMQP 1.0 sees it", async (t) => {
  const { queue, channel, receive } = await setUp(t);
  channel.sendToQueue(queue, Buffer.from("body"), {
    contentType: "text/plain",
    contentEncoding: "gzip",
    deliveryMode: 2,
    priority: 3,
    correlationId: "correlation",
    replyTo: "reply to",
    expiration: "60000",
    messageId: "urn:uuid:00112233-4455-6677-8899-aabbccddeeff",
    timestamp: 1_700_000_000,
    type: "kind",
    userId: "guest",
    appId: "app",
    headers: { text: "t", flag: true, number: 7, ratio: 0.5, "x-annotation": "a", list: [1] },
  });
  await channel.waitForConfirms();
  const message = await receive();
  assert.equal((message.body as { content: Buffer }).content.toString(), "body");
  assert.equal(Boolean(message.durable), true);
  assert.equal(message.priority, 3);
  assert.equal(message.ttl, 60_000);
  assert.equal(message.content_type, "text/plain");
  assert.equal(message.content_encoding, "gzip");
  assert.equal(message.correlation_id, "correlation");
  assert.equal(message.reply_to, "/queues/reply%20to");
  assert.deepEqual(message.message_id, Buffer.from("00112233445566778899aabbccddeeff", "hex"));
  assert.deepEqual(message.creation_time, new Date(1_700_000_000_000));
  assert.equal(message.group_id, "app");
  assert.equal(message.user_id?.toString(), "guest");
  const { text, flag, number, ratio, list } = message.application_properties ?? {};
  assert.deepEqual(
    { text, flag: Boolean(flag), number, ratio, list },
    { text: "t", flag: true, number: 7, ratio: 0.5, list: undefined },
  );
  const annotations = message.message_annotations ?? {};
  assert.equal(annotations["x-annotation"], "a");
  assert.equal(annotations["x-basic-type"], "kind");
  assert.equal(annotations["x-exchange"], "");
  assert.equal(annotations["x-routing-key"], queue);
});
