import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Connection, EventContext, Message } from "rhea";
import rhea from "rhea";
import type { Channel } from "../../src/client/channel.ts";
import { type FieldValue, tableFrom } from "../../src/wire/field-table.ts";
import type { Properties } from "../../src/wire/properties.ts";
import { event, openReceiver, openSender, receive, startAmqp10Broker } from "./test-client.ts";

const { types, message: make } = rhea;

interface Setting {
  readonly channel: Channel;
  readonly client: Connection;
}

async function setUp(t: TestContext): Promise<Setting> {
  const broker = startAmqp10Broker(t);
  const channel = await (await broker.client091()).openChannel();
  await channel.call("queue.declare", { queue: "q" });
  await channel.confirmSelect();
  return { channel, client: await broker.client() };
}

/** Sends a message through AMQP 1.0 and receives it the same way. */
async function throughAmqp10({ client }: Setting, message: object): Promise<Message> {
  const sender = await openSender(client, "/queues/q");
  sender.send(message as never);
  await event(sender, "accepted");
  return received(client);
}

async function received(client: Connection): Promise<Message> {
  const receiver = await openReceiver(client, "/queues/q");
  const context: EventContext = await receive(receiver);
  context.delivery?.accept();
  receiver.close();
  return context.message as Message;
}

/** Sends a message through AMQP 1.0 and gets it through 0-9-1. */
async function to091({ client, channel }: Setting, message: object): Promise<{ properties: Properties; body: Buffer }> {
  const sender = await openSender(client, "/queues/q");
  sender.send(message as never);
  await event(sender, "accepted");
  const got = await channel.get({ queue: "q", noAck: true });
  assert(got !== undefined);
  return { properties: got.properties, body: got.body };
}

async function from091({ client, channel }: Setting, properties: Properties, body: Buffer): Promise<Message> {
  await channel.publishConfirmed({ routingKey: "q" }, body, properties);
  return received(client);
}

const FULL_MESSAGE = {
  durable: true,
  priority: 7,
  ttl: 60_000,
  message_annotations: { "x-mine": "m", other: types.wrap_symbol("kept"), "x-list": [1, "two"] },
  message_id: "id-1",
  user_id: "guest",
  to: "/queues/q",
  subject: "the subject",
  reply_to: "/queues/replies",
  correlation_id: "correlation",
  content_type: "text/plain",
  content_encoding: "identity",
  absolute_expiry_time: new Date(4_000_000_000_123),
  creation_time: new Date(1_700_000_000_123),
  group_id: "group",
  group_sequence: 12,
  reply_to_group_id: "reply group",
  application_properties: {
    text: "text",
    flag: true,
    small: types.wrap_ubyte(3),
    negative: types.wrap_long(-5),
    ratio: 0.5,
    letter: types.wrap_char(65),
    id: types.wrap_uuid(Buffer.from("00112233445566778899aabbccddeeff", "hex")),
    octets: Buffer.from([1, 2, 3]),
  },
  body: "value",
  footer: { sum: "footer" },
};

test("[1.0 to 1.0] nothing is lost of any section", async (t) => {
  const setting = await setUp(t);
  const plain = Object.fromEntries(Object.entries(FULL_MESSAGE).map(([key, value]) => [key, value]));
  const message = await throughAmqp10(setting, plain);
  const expected = make.decode(make.encode(FULL_MESSAGE as never) as never) as unknown as Record<string, unknown>;
  for (const key of Object.keys(FULL_MESSAGE)) {
    if (key === "message_annotations") continue;
    assert.deepEqual((message as unknown as Record<string, unknown>)[key], expected[key], key);
  }
  const annotations = message.message_annotations ?? {};
  assert.equal(annotations["x-mine"], "m");
  assert.equal(annotations["other"], "kept");
  assert.deepEqual(annotations["x-list"], [1, "two"]);
  assert.equal(annotations["x-exchange"], "");
  assert.equal(annotations["x-routing-key"], "q");
});

for (const [name, body] of Object.entries({
  string: "text",
  "empty string": "",
  integer: 42,
  "large long": types.wrap_long(Buffer.from("8000000000000000", "hex")),
  double: 1.25,
  boolean: false,
  null: null,
  binary: Buffer.from([0, 255]),
  timestamp: new Date(1_700_000_000_123),
  list: [1, "two", [3]],
  map: { a: 1, b: { c: "d" } },
  "array of uint": types.wrap_array([1, 2, 3], 0x70, undefined),
  data: make.data_section(Buffer.from("data")),
  "empty data": make.data_section(Buffer.alloc(0)),
  "several data": make.data_sections([Buffer.from("ab"), Buffer.from(""), Buffer.from("c")] as never),
  sequence: make.sequence_section([1, "two"]),
  "several sequences": make.sequence_sections([[1], [2, 3]]),
})) {
  test(`[1.0 to 1.0] a body of kind ${name} is what it was`, async (t) => {
    const message = await throughAmqp10(await setUp(t), { body });
    const expected = make.decode(make.encode({ body } as never) as never);
    assert.deepEqual(message.body, expected["body"]);
  });
}

test("[1.0 to 0-9-1] properties, annotations and application properties", async (t) => {
  const { properties, body } = await to091(await setUp(t), {
    ...FULL_MESSAGE,
    body: make.data_section(Buffer.from("b")),
  });
  const { headers, ...rest } = properties;
  assert.deepEqual(rest, {
    contentType: "text/plain",
    contentEncoding: "identity",
    deliveryMode: 2,
    priority: 7,
    correlationId: "correlation",
    replyTo: "replies",
    expiration: "60000",
    messageId: "id-1",
    timestamp: 1_700_000_000n,
    userId: "guest",
    appId: "group",
  });
  assert.equal(body.toString(), "b");
  const visible = new Map(headers);
  assert.equal(visible.get("x-amqp-1.0-sections")?.type, "binary");
  visible.delete("x-amqp-1.0-sections");
  const expected: [string, FieldValue][] = [
    ["text", { type: "longstr", value: "text" }],
    ["flag", { type: "bool", value: true }],
    ["small", { type: "unsignedbyte", value: 3 }],
    ["negative", { type: "long", value: -5n }],
    ["ratio", { type: "double", value: 0.5 }],
    ["letter", { type: "unsignedint", value: 65 }],
    ["id", { type: "binary", value: Buffer.from("00112233445566778899aabbccddeeff", "hex") }],
    ["octets", { type: "binary", value: Buffer.from([1, 2, 3]) }],
    ["x-mine", { type: "longstr", value: "m" }],
    [
      "x-list",
      {
        type: "array",
        value: [
          { type: "unsignedint", value: 1 },
          { type: "longstr", value: "two" },
        ],
      },
    ],
  ];
  assert.deepEqual(visible, new Map(expected));
});

test("[1.0 to 0-9-1] message ids of every type", async (t) => {
  const setting = await setUp(t);
  const data = make.data_section(Buffer.from(""));
  const uuid = types.wrap_uuid(Buffer.from("00112233445566778899aabbccddeeff", "hex"));
  assert.equal(
    (await to091(setting, { message_id: uuid, body: data })).properties.messageId,
    "urn:uuid:00112233-4455-6677-8899-aabbccddeeff",
  );
  assert.equal((await to091(setting, { message_id: types.wrap_ulong(77), body: data })).properties.messageId, "77");
  const { properties } = await to091(setting, {
    message_id: types.wrap_binary(Buffer.from("b")),
    correlation_id: "x".repeat(300),
    body: data,
  });
  assert.equal(properties.messageId, undefined);
  assert.deepEqual(properties.headers?.get("x-message-id"), { type: "binary", value: Buffer.from("b") });
  assert.deepEqual(properties.headers?.get("x-correlation-id"), { type: "longstr", value: "x".repeat(300) });
});

test("[1.0 to 0-9-1] a body that is not data comes encoded, with type amqp-1.0", async (t) => {
  const setting = await setUp(t);
  const { properties, body } = await to091(setting, { body: { a: 1 } });
  assert.equal(properties.type, "amqp-1.0");
  assert.deepEqual((make.decode(body as never) as unknown as Message).body, { a: 1 });
  const several = await to091(setting, { body: make.data_sections([Buffer.from("ab"), Buffer.from("c")] as never) });
  assert.equal(several.properties.type, undefined);
  assert.equal(several.body.toString(), "abc");
});

test("[1.0 to 0-9-1] a plain message has no headers, and its type comes from x-basic-type", async (t) => {
  const setting = await setUp(t);
  const plain = await to091(setting, { body: make.data_section(Buffer.from("b")) });
  assert.equal(plain.properties.headers, undefined);
  const typed = await to091(setting, {
    message_annotations: { "x-basic-type": "kind", "x-cc": ["elsewhere"] },
    body: make.data_section(Buffer.from("b")),
  });
  assert.equal(typed.properties.type, "kind");
  assert.equal(typed.properties.headers?.get("CC")?.type, "array");
});

test("[0-9-1 to 1.0] properties and headers of every type", async (t) => {
  const headers = new Map<string, FieldValue>([
    ...tableFrom({ text: "t", flag: true, number: 7, ratio: 0.5, nothing: null, octets: Buffer.from([1]) }),
    ["int", { type: "signedint", value: -3 }],
    ["time", { type: "timestamp", value: 1_700_000_000n }],
    ["array", { type: "array", value: [] }],
    ["x-text", { type: "longstr", value: "annotation" }],
    ["x-table", { type: "table", value: tableFrom({ a: 1 }) }],
    ["x-array", { type: "array", value: [{ type: "longstr", value: "e" }] }],
  ]);
  const message = await from091(
    await setUp(t),
    {
      contentType: "text/plain",
      contentEncoding: "gzip",
      headers,
      deliveryMode: 2,
      priority: 9,
      correlationId: "c",
      replyTo: "a reply",
      expiration: "5000",
      messageId: "urn:uuid:00112233-4455-6677-8899-aabbccddeeff",
      timestamp: 1_700_000_000n,
      type: "kind",
      userId: "guest",
      appId: "app",
    },
    Buffer.from("body"),
  );
  assert.equal(message.durable, true);
  assert.equal(message.priority, 9);
  assert.equal(message.ttl, 5000);
  assert.equal(message.content_type, "text/plain");
  assert.equal(message.content_encoding, "gzip");
  assert.equal(message.correlation_id, "c");
  assert.equal(message.reply_to, "/queues/a%20reply");
  assert.deepEqual(message.message_id, Buffer.from("00112233445566778899aabbccddeeff", "hex"));
  assert.deepEqual(message.creation_time, new Date(1_700_000_000_000));
  assert.equal(message.group_id, "app");
  assert.deepEqual(message.application_properties, {
    text: "t",
    flag: true,
    number: 7,
    ratio: 0.5,
    nothing: null,
    octets: Buffer.from([1]),
    int: -3,
    time: new Date(1_700_000_000_000),
  });
  assert.deepEqual(message.message_annotations, {
    "x-text": "annotation",
    "x-table": { a: 1 },
    "x-array": ["e"],
    "x-basic-type": "kind",
    "x-exchange": "",
    "x-routing-key": "q",
  });
  assert.equal((message.body as { content: Buffer }).content.toString(), "body");
});

test("[0-9-1 to 1.0] a large body, an empty one, and one that claims to be AMQP 1.0 and is not", async (t) => {
  const setting = await setUp(t);
  for (const body of [Buffer.alloc(400_000, "x"), Buffer.alloc(0)]) {
    const message = await from091(setting, {}, body);
    assert.deepEqual((message.body as { content: Buffer }).content, body);
  }
  const message = await from091(setting, { type: "amqp-1.0" }, Buffer.from("no section"));
  assert.equal((message.body as { content: Buffer }).content.toString(), "no section");
});

test("[1.0 to 0-9-1 to 1.0] a 0-9-1 client that passes the message on unchanged loses nothing", async (t) => {
  const setting = await setUp(t);
  const { properties, body } = await to091(setting, {
    subject: "s",
    application_properties: { a: types.wrap_char(66) },
    body: "v",
  });
  const same = await from091(setting, properties, body);
  assert.equal(same.subject, "s");
  assert.equal(same.body, "v");
  const changed = await from091(setting, { ...properties, messageId: "new" }, body);
  assert.equal(changed.message_id, "new", "what it has changed is what counts");
  assert.equal(changed.subject, undefined);
});

test("[1.0 to 1.0] sections that a 0-9-1 client has made up are ignored", async (t) => {
  const setting = await setUp(t);
  for (const value of [
    Buffer.alloc(0),
    Buffer.alloc(3),
    Buffer.alloc(8, 0xff),
    Buffer.from("00000000000000ff", "hex"),
  ]) {
    const headers = new Map<string, FieldValue>([["x-amqp-1.0-sections", { type: "binary", value }]]);
    const message = await from091(setting, { headers }, Buffer.from("b"));
    assert.equal((message.body as { content: Buffer }).content.toString(), "b");
  }
});
