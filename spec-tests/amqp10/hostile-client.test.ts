import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { PERFORMATIVES } from "../../src/amqp10/codec/performatives.ts";
import {
  binary,
  bool,
  composite,
  described,
  encodeValue,
  list,
  NULL,
  string,
  symbol,
  symbolMap,
  type Typed,
  uint,
  ulong,
} from "../../src/amqp10/codec/types.ts";
import { fingerprint } from "../../src/amqp10/conversion/fingerprint.ts";
import { ORIGINAL_SECTIONS_HEADER } from "../../src/amqp10/conversion/original-sections.ts";
import type { Client } from "../../src/client/client.ts";
import type { BrokerLimits } from "../../src/core/limits.ts";
import { tableFrom } from "../../src/wire/field-table.ts";
import { message, RawClient, source, target } from "./hostile-client.ts";
import { type Amqp10Broker, startAmqp10Broker } from "./test-client.ts";

const { attach, detach, disposition, end, flow, transfer, close } = PERFORMATIVES;
const ACCEPTED = composite(0x24, []);

/** The process would be gone if anything had been thrown that nobody expects: node:test fails the test then. */
async function start(
  t: TestContext,
  limits: Partial<BrokerLimits> = {},
): Promise<{ broker: Amqp10Broker; client: RawClient; amqp091: Client }> {
  const broker = startAmqp10Broker(t, { limits });
  const amqp091 = await broker.client091();
  const channel = await amqp091.openChannel();
  await channel.call("queue.declare", { queue: "q" });
  const client = new RawClient(broker.stream());
  await client.next(PERFORMATIVES.begin);
  return { broker, client, amqp091 };
}

const long = (high: number): Typed => ulong(high * 2 ** 32);

for (const [what, fields] of Object.entries<(Typed | undefined)[]>({
  "a described null for a source": [
    string("l"),
    uint(0),
    bool(true),
    undefined,
    undefined,
    described(ulong(0x28), NULL),
  ],
  "text for a target": [string("l"), uint(0), bool(false), undefined, undefined, undefined, string("/management")],
  "a handle beyond 32 bits": [string("l"), long(7), bool(true)],
  "a delivery count beyond 32 bits": [
    string("l"),
    uint(0),
    bool(false),
    undefined,
    undefined,
    undefined,
    target(undefined),
    undefined,
    undefined,
    long(7),
  ],
  "a settle mode that there is not": [
    string("l"),
    uint(0),
    bool(false),
    uint(300),
    undefined,
    undefined,
    target(undefined),
  ],
  "a receiver's settle mode that there is not": [
    string("l"),
    uint(0),
    bool(false),
    undefined,
    uint(65_535),
    undefined,
    target(undefined),
  ],
  "a symbol of 300 octets for a capability": [
    string("l"),
    uint(0),
    bool(false),
    undefined,
    undefined,
    undefined,
    target(undefined, undefined, undefined, undefined, undefined, undefined, symbol("x".repeat(300))),
  ],
})) {
  test(`[hostile] attach with ${what} is answered`, async (t) => {
    const { client } = await start(t);
    client.send(0, attach, fields);
    await Promise.race([client.next(attach), client.next(end), client.next(close)]);
  });
}

test("[hostile] a delivery state that is no list ends the session", async (t) => {
  const { client } = await start(t);
  client.send(0, disposition, [bool(true), uint(0), undefined, bool(true), described(ulong(0x27), NULL)]);
  assert.equal(RawClient.conditionOf(await client.next(end), 0), "amqp:decode-error");
});

test("[credit] a message more than the link has credit for ends the link", async (t) => {
  const { client } = await start(t);
  client.sender(0, 0, target("/queues/q"));
  await client.next(flow);
  client.together(() => {
    for (let id = 0; id < 171; id++) client.transfer(0, 0, id, message("x"));
  });
  assert.equal(RawClient.conditionOf(await client.next(detach), 2), "amqp:link:transfer-limit-exceeded");
});

test("[credit] a receiver may grant 2^32 - 1", async (t) => {
  const { client } = await start(t);
  client.receiver(0, 0, source("/queues/q"));
  client.credit(0, 0, 0xffff_ffff);
  client.sender(0, 1, target("/queues/q"));
  await client.next(flow);
  client.transfer(0, 1, 0, message("x"));
  await client.next(transfer);
});

test("[drain] one that waits for the window does not keep the broker busy, and is answered later", async (t) => {
  const { broker, client } = await start(t);
  client.sender(0, 1, target("/queues/q"));
  await client.next(flow);
  client.transfer(0, 1, 0, message("x"));
  await client.next(disposition);
  client.receiver(0, 0, source("/queues/q"));
  client.credit(0, 0, 5, { window: 0, drain: true });
  await client.next(attach, ({ fields }) => fields.text(0) === "receiver 0");
  await new Promise((resolve) => setTimeout(resolve, 20));
  const before = broker.broker.turn.count;
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(broker.broker.turn.count - before < 10, `${broker.broker.turn.count - before} turns`);
  client.send(0, flow, [uint(0), uint(100), uint(0), uint(100)]);
  await client.next(transfer);
  const drained = await client.next(flow, ({ fields }) => fields.number(4) === 0 && fields.flag(8));
  assert.deepEqual([drained.fields.number(5), drained.fields.number(6)], [5, 0]);
});

test("[window] what waits for the windows of all sessions together is limited, and goes on when there is room", async (t) => {
  const { broker, amqp091 } = await start(t, { outboxBytesMax: 300_000 });
  const channel = await amqp091.openChannel();
  const body = Buffer.alloc(250_000, "x");
  for (let index = 0; index < 5; index++) channel.publish({ exchange: "", routingKey: "q" }, body, {});
  const small = new RawClient(broker.stream(), 1000, 512);
  const unacked = (): number => broker.broker.findVhost("/")?.findQueue("q")?.unackedCount ?? 0;
  for (let number = 1; number <= 5; number++) {
    small.begin(number, 0);
    small.receiver(number, 0, source("/queues/q"));
    small.credit(number, 0, 1, { window: 1 });
  }
  await small.next(transfer);
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(unacked(), 2);
  small.credit(1, 0, 1, { window: 1000 });
  while (unacked() < 3) await small.next(transfer);
});

test("[session] nothing is sent on its channel behind its end", async (t) => {
  const { client } = await start(t);
  client.begin(1);
  client.receiver(1, 0, composite(0x28, [undefined, undefined, undefined, undefined, bool(true)]));
  const { fields } = await client.next(attach);
  const address = String(listOf(fields.get(5))[0]?.value);
  client.receiver(1, 1, source(address));
  await client.next(attach);
  client.sender(1, 2, target("/queues/q"));
  await client.next(attach);
  client.together(() => {
    client.transfer(1, 2, 0, message("x"));
    client.send(1, end, []);
  });
  await client.next(end);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(client.history.findLast(({ channel }) => channel === 1)?.code, end);
});

test("[session] a begin that is refused does not count as a channel of the user", async (t) => {
  const { broker, client } = await start(t);
  client.send(1, PERFORMATIVES.begin, [undefined, string("no number")]);
  await client.next(close);
  client.stream.end();
  while (broker.broker.connectionCount > 1) await new Promise(setImmediate);
  assert.equal(broker.broker.usage.userChannelCount("guest"), 1);
});

test("[subscription] a link that is stolen or refused leaves its durable subscription and what is in it", async (t) => {
  const { broker, client, amqp091 } = await start(t);
  const durable = (filter?: Typed): Typed =>
    composite(0x28, [
      string("topic"),
      uint(2),
      symbol("never"),
      undefined,
      undefined,
      undefined,
      undefined,
      filter,
      undefined,
      undefined,
      symbol("topic"),
    ]);
  client.receiver(0, 0, durable(), "sub");
  await client.next(attach);
  const channel = await amqp091.openChannel();
  await channel.call("confirm.select");
  channel.publish({ exchange: "amq.topic", routingKey: "topic" }, Buffer.from("kept"), {});
  const count = (): number | undefined => broker.broker.findVhost("/")?.findQueue("subscription.raw.sub")?.readyCount;
  while (count() !== 1) await new Promise(setImmediate);
  client.receiver(0, 1, durable(), "sub");
  assert.equal(RawClient.conditionOf(await client.next(detach), 2), "amqp:link:stolen");
  await client.next(attach);
  assert.equal(count(), 1);
  const selector = described(symbol("apache.org:selector-filter:string"), string("no AND"));
  client.receiver(0, 2, durable(composite(0, [])), "sub");
  client.receiver(0, 3, durable({ ...mapOf("jms", selector) }), "sub");
  await client.next(detach, ({ fields }) => fields.number(0) === 3);
  assert.equal(count(), 1);
});

test("[link] an attach that is refused leaves no queue behind", async (t) => {
  const { broker, client } = await start(t);
  const before = broker.broker.findVhost("/")?.queueCount;
  const selector = described(symbol("apache.org:selector-filter:string"), string("no AND"));
  client.receiver(
    0,
    0,
    composite(0x28, [
      string("topic"),
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
      mapOf("jms", selector),
      undefined,
      undefined,
      symbol("topic"),
    ]),
  );
  assert.equal(RawClient.conditionOf(await client.next(detach), 2), "amqp:invalid-field");
  assert.equal(broker.broker.findVhost("/")?.queueCount, before);
});

test("[link] a topic longer than a routing key can be is refused", async (t) => {
  const { client } = await start(t);
  client.receiver(
    0,
    0,
    composite(0x28, [
      string("x".repeat(256)),
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
      symbol("topic"),
    ]),
  );
  assert.equal(RawClient.conditionOf(await client.next(detach), 2), "amqp:precondition-failed");
});

test("[transfer] parts without octets, and parts of one, take no more memory than they bring", async (t) => {
  const { client } = await start(t);
  client.sender(0, 0, target("/queues/q"));
  await client.next(flow);
  const body = message("a message in many parts");
  for (let index = 0; index < 300; index++) client.transfer(0, 0, 0, Buffer.alloc(0), true);
  await client.next(flow);
  for (const octet of body) client.transfer(0, 0, 0, Buffer.of(octet), true);
  client.transfer(0, 0, 0, Buffer.alloc(0));
  await client.next(disposition);
  client.receiver(0, 1, source("/queues/q"));
  client.credit(0, 1, 1);
  const { payload } = await client.next(transfer);
  assert.ok(payload.includes("a message in many parts"));
});

test("[transfer] what is kept of messages that are not complete is limited, the states of deliveries included", async (t) => {
  const { client } = await start(t, { unfinishedBytesMax: 300_000, messageBytesMax: 100_000 });
  const state = composite(0x34, [binary(Buffer.alloc(100_000))]);
  for (let handle = 0; handle < 4; handle++) {
    client.sender(0, handle, target("/queues/q"));
    client.transfer(0, handle, handle, Buffer.alloc(0), true, state);
  }
  const { fields } = await client.next(detach);
  assert.equal(fields.number(0), 2);
});

test("[conversion] headers that a 0-9-1 client has made up do not keep a message from its receiver", async (t) => {
  const { client, amqp091 } = await start(t);
  const channel = await amqp091.openChannel();
  const death = { queue: "q".repeat(300), count: -5n, time: 2n ** 62n, "routing-keys": ["k".repeat(300)] };
  const oftener = new Map([...tableFrom(death), ["count", { type: "timestamp", value: 2n ** 64n - 1n }]] as const);
  const headers = tableFrom({ "x-delivery-count": -1n, "x-death": [death, oftener], ["ü".repeat(120)]: "x" });
  channel.publish({ exchange: "", routingKey: "q" }, Buffer.from("body"), { headers });
  client.receiver(0, 1, source("/queues/q"));
  client.credit(0, 1, 1);
  const { payload } = await client.next(transfer);
  assert.ok(payload.includes("body"));
});

test("[conversion] sections that a 0-9-1 client has made up do not name another user", async (t) => {
  const { client, amqp091 } = await start(t);
  const channel = await amqp091.openChannel();
  for (const [name, userId] of [
    ["other", undefined],
    ["guest", "guest"],
  ] as const) {
    const sections = section(undefined, 0x73);
    const packed = Buffer.concat([
      Buffer.alloc(4),
      Buffer.alloc(4, 0xff),
      sections.subarray(0, 3),
      encodeValue(list([NULL, binary(Buffer.from(name)), NULL, string("subject")])),
    ]);
    const properties = userId === undefined ? {} : { userId };
    packed.writeUInt32BE(fingerprint({ ...properties, headers: new Map() }), 0);
    const headers = new Map([[ORIGINAL_SECTIONS_HEADER, { type: "binary" as const, value: packed }]]);
    channel.publish({ exchange: "", routingKey: "q" }, Buffer.from("body"), { ...properties, headers });
  }
  client.receiver(0, 1, source("/queues/q"));
  client.credit(0, 1, 2);
  const forged = (await client.next(transfer)).payload.toString("latin1");
  assert.deepEqual(
    [forged.includes("body"), forged.includes("other"), forged.includes("subject")],
    [true, false, false],
  );
  const right = (await client.next(transfer)).payload.toString("latin1");
  assert.deepEqual([right.includes("guest"), right.includes("subject")], [true, true]);
});

test("[transaction] an outcome that is told twice is one, and what was published with it is committed with it", async (t) => {
  const { client, broker } = await start(t);
  client.sender(0, 0, target("/queues/q"));
  await client.next(flow);
  client.transfer(0, 0, 0, message("x"));
  await client.next(disposition);
  client.receiver(0, 1, source("/queues/q"));
  client.credit(0, 1, 1);
  const delivered = (await client.next(transfer)).fields.requiredNumber(1);
  client.sender(0, 2, composite(0x30, []), "controller");
  await client.next(flow, ({ fields }) => fields.number(4) === 2);
  client.transfer(0, 2, 1, section(composite(0x31, [])));
  const id = listOf((await client.next(disposition)).fields.get(4))[0];
  const state = composite(0x34, [id, ACCEPTED]);
  client.transfer(0, 0, 2, message("y"), false, composite(0x34, [id]));
  await client.next(disposition);
  client.send(0, disposition, [bool(true), uint(delivered), undefined, bool(false), state]);
  client.send(0, disposition, [bool(true), uint(delivered), undefined, bool(true), state]);
  client.transfer(0, 2, 3, section(composite(0x32, [id, bool(false)])));
  const { fields } = await client.next(disposition, (frame) => frame.fields.number(1) === 3);
  assert.equal(fields.get(4)?.descriptor?.value, 0x24);
  const queue = broker.broker.findVhost("/")?.findQueue("q");
  assert.deepEqual([queue?.readyCount, queue?.unackedCount], [1, 0]);
});

test("[transaction] one with a message that could not be published is rolled back", async (t) => {
  const { client, broker } = await start(t);
  client.sender(0, 0, target(undefined));
  await client.next(flow);
  client.sender(0, 2, composite(0x30, []), "controller");
  await client.next(flow, ({ fields }) => fields.number(4) === 2);
  client.transfer(0, 2, 0, section(composite(0x31, [])));
  const id = listOf((await client.next(disposition)).fields.get(4))[0];
  const to = (address: string): Buffer => Buffer.concat([section(undefined, 0x73, address), message("x")]);
  client.transfer(0, 0, 1, to("/queues/q"), false, composite(0x34, [id]));
  client.transfer(0, 0, 2, to("/exchanges/none"), false, composite(0x34, [id]));
  client.transfer(0, 2, 3, section(composite(0x32, [id, bool(false)])));
  const { fields } = await client.next(disposition, (frame) => frame.fields.number(1) === 3);
  assert.equal(fields.get(4)?.descriptor?.value, 0x25);
  assert.equal(broker.broker.findVhost("/")?.findQueue("q")?.readyCount, 0);
});

test("[management] a client without credit for responses gets to send no more requests than it has credit for", async (t) => {
  const { client } = await start(t);
  const paired = mapOf("paired", bool(true));
  const fields = (receives: boolean): (Typed | undefined)[] => [
    string("pair"),
    uint(receives ? 1 : 0),
    bool(receives),
    undefined,
    undefined,
    source("/management"),
    target("/management"),
    undefined,
    undefined,
    uint(0),
    undefined,
    undefined,
    undefined,
    paired,
  ];
  client.send(0, attach, fields(false));
  client.send(0, attach, fields(true));
  await client.next(flow);
  const request = Buffer.concat([section(undefined, 0x73, "/queues/q", "GET", "$me"), section(NULL)]);
  for (let id = 0; id < 8; id++) client.transfer(0, 0, id, request);
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(client.frames.filter(({ code }) => code === flow).length, 0);
  client.credit(0, 1, 8);
  for (let id = 0; id < 8; id++) await client.next(transfer);
  await client.next(flow);
});

function listOf(value: Typed | undefined): readonly Typed[] {
  return (value?.value ?? []) as readonly Typed[];
}

function mapOf(key: string, value: Typed): Typed {
  return symbolMap([[key, value]]);
}

/** An amqp-value, or the properties of a request or message. */
function section(value: Typed | undefined, code = 0x77, to?: string, subject?: string, replyTo?: string): Buffer {
  if (value !== undefined) return Buffer.concat([Buffer.of(0, 0x53, code), encodeValue(value)]);
  const fields = [undefined, undefined, to, subject, replyTo].map((text) =>
    text === undefined ? undefined : string(text),
  );
  return encodeValue(composite(code, fields));
}
