import assert from "node:assert/strict";
import { test } from "node:test";
import type { Connection, Typed } from "rhea";
import rhea from "rhea";
import { longstr } from "../../src/wire/field-table.ts";
import { type Amqp10Broker, event, openReceiver, openSender, send, startAmqp10Broker } from "./test-client.ts";

const types = rhea.types as unknown as {
  wrap_described(value: unknown, descriptor: string | number): Typed;
  described(descriptor: Typed, value: Typed): Typed;
  wrap_symbol(text: string): Typed;
  wrap_symbolic_map(record: object): Typed;
  wrap_map(record: object): Typed;
  wrap_list(items: readonly unknown[]): Typed;
  wrap_binary(octets: Buffer): Typed;
  wrap_ulong(value: number): Typed;
  wrap_uint(value: number): Typed;
  wrap_int(value: number): Typed;
  wrap_long(value: number): Typed;
  wrap_double(value: number): Typed;
};

type Section = "properties" | "application-properties";

/** A stream with messages "1" to "4", the last from a client of 0-9-1. */
async function setUp(
  t: Parameters<typeof startAmqp10Broker>[0],
): Promise<{ broker: Amqp10Broker; client: Connection }> {
  const broker = startAmqp10Broker(t);
  const channel = await (await broker.client091()).openChannel();
  await channel.call("queue.declare", {
    queue: "s",
    durable: true,
    arguments: new Map([["x-queue-type", longstr("stream")]]),
  });
  const client = await broker.client();
  const sender = await openSender(client, "/queues/s");
  await send(sender, {
    body: "1",
    subject: "Order one",
    message_id: types.wrap_ulong(7),
    application_properties: { n: types.wrap_int(5), f: types.wrap_double(5), b: true, s: "x", e: "&literal" },
  });
  await send(sender, {
    body: "2",
    subject: "Other",
    message_id: "7",
    user_id: "guest",
    group_sequence: 3,
    application_properties: { n: types.wrap_long(6), s: "xy" },
  });
  await send(sender, { body: "3" });
  await channel.confirmSelect();
  const properties = { appId: "g", headers: new Map([["s", longstr("x")]]) };
  await channel.publishConfirmed({ routingKey: "s" }, Buffer.from("4"), properties);
  return { broker, client };
}

/** The bodies that a filter lets through, and whether the answer says that it is in effect. */
async function select(client: Connection, section: Section, filter: object): Promise<[string, boolean]> {
  const map = section === "properties" ? types.wrap_symbolic_map(filter) : types.wrap_map(filter);
  const receiver = await openReceiver(client, {
    address: "/queues/s",
    filter: {
      offset: types.wrap_described("first", "rabbitmq:stream-offset-spec"),
      mine: types.described(types.wrap_symbol(`amqp:${section}-filter`), map),
    },
  });
  let bodies = "";
  receiver.on("message", ({ message, delivery }) => {
    const body = message?.body as string | { content: Buffer };
    bodies += typeof body === "string" ? body : String(body.content);
    delivery?.accept();
  });
  receiver.add_credit(10);
  receiver.drain_credit();
  await event(receiver, "receiver_drained");
  receiver.close();
  return [bodies, Object.keys(receiver.source.filter ?? {}).includes("mine")];
}

// What RabbitMQ 4.3.6 answers and delivers for the same messages.
for (const [what, section, filter, bodies, isInEffect] of [
  ["a prefix", "properties", { subject: "&p:Or" }, "1", true],
  ["a suffix", "properties", { subject: "&s:one" }, "1", true],
  ["an escaped &", "application-properties", { e: "&&literal" }, "1", true],
  ["an unknown modifier", "properties", { subject: "&x" }, "1234", false],
  ["null", "properties", { subject: null }, "1234", false],
  ["an unknown property", "properties", { nope: "x" }, "1234", false],
  ["nothing", "properties", {}, "1234", false],
  ["an integer of another width", "application-properties", { n: types.wrap_long(5) }, "1", true],
  ["a double for an integer", "application-properties", { n: types.wrap_double(5) }, "1", true],
  ["an integer for a double", "application-properties", { f: types.wrap_int(5) }, "1", true],
  ["a boolean", "application-properties", { b: true }, "1", true],
  ["a string, in a header of 0-9-1 too", "application-properties", { s: "x" }, "14", true],
  ["a symbol for a string", "application-properties", { s: types.wrap_symbol("x") }, "14", true],
  ["all of several", "application-properties", { s: "&p:x", n: types.wrap_int(6) }, "2", true],
  ["null for what is not there", "application-properties", { nope: null }, "", true],
  ["a list", "application-properties", { n: types.wrap_list([1]) }, "", true],
  ["a message-id", "properties", { "message-id": types.wrap_ulong(7) }, "1", true],
  ["a message-id of another type", "properties", { "message-id": "7" }, "2", true],
  ["a message-id of no type that there is", "properties", { "message-id": types.wrap_int(7) }, "1234", false],
  ["a user-id", "properties", { "user-id": types.wrap_binary(Buffer.from("guest")) }, "2", true],
  ["a group-sequence", "properties", { "group-sequence": types.wrap_uint(3) }, "2", true],
  ["a group-id, the app-id of 0-9-1", "properties", { "group-id": "g" }, "4", true],
  [
    "17 entries",
    "application-properties",
    Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`k${index}`, "v"])),
    "1234",
    false,
  ],
] as const) {
  test(`[filter/${section}] ${what}`, async (t) => {
    const { client } = await setUp(t);
    assert.deepEqual(await select(client, section, filter), [bodies, isInEffect]);
  });
}

test("[filter] property filters and a selector are all asked", async (t) => {
  const { client } = await setUp(t);
  const receiver = await openReceiver(client, {
    address: "/queues/s",
    filter: {
      offset: types.wrap_described("first", "rabbitmq:stream-offset-spec"),
      p: types.described(types.wrap_ulong(0x173), types.wrap_symbolic_map({ subject: "&p:O" })),
      a: types.described(types.wrap_ulong(0x174), types.wrap_map({ s: "&p:x" })),
      ...rhea.filter.selector("n > 5"),
    },
  });
  const message = event(receiver, "message");
  receiver.add_credit(1);
  assert.equal((await message).message?.body, "2");
});
