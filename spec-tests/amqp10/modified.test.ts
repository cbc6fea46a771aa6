import assert from "node:assert/strict";
import { test } from "node:test";
import type { Connection, EventContext, Receiver } from "rhea";
import rhea from "rhea";
import { PERFORMATIVES } from "../../src/amqp10/codec/performatives.ts";
import { bool, composite, encodeValue, map, string, symbol, type Typed, uint } from "../../src/amqp10/codec/types.ts";
import type { Channel } from "../../src/client/channel.ts";
import { longstr } from "../../src/wire/field-table.ts";
import { RawClient, source } from "./hostile-client.ts";
import { type Amqp10Broker, event, openReceiver, openSender, receive, send, startAmqp10Broker } from "./test-client.ts";

const { types } = rhea;

const AMQP_VALUE = Buffer.of(0x00, 0x53, 0x77);
const MODIFIED = 0x27;
const COORDINATOR = 0x30;
const DECLARE = 0x31;
const DISCHARGE = 0x32;
const TRANSACTIONAL_STATE = 0x34;

interface Setting {
  readonly broker: Amqp10Broker;
  readonly channel: Channel;
  readonly client: Connection;
  readonly receiver: Receiver;
}

/** A queue that dead-letters to "grave", with a message whose annotations are `x-opt-sent` and `x-opt-both`. */
async function setUp(t: Parameters<typeof startAmqp10Broker>[0], type = "quorum"): Promise<Setting> {
  const broker = startAmqp10Broker(t);
  const channel = await (await broker.client091()).openChannel();
  await channel.call("queue.declare", { queue: "grave" });
  const queueArguments = {
    "x-queue-type": longstr(type),
    "x-dead-letter-exchange": longstr(""),
    "x-dead-letter-routing-key": longstr("grave"),
  };
  await channel.call("queue.declare", {
    queue: "q",
    durable: true,
    arguments: new Map(Object.entries(queueArguments)),
  });
  const client = await broker.client();
  const sender = await openSender(client, "/queues/q");
  const annotations = { "x-opt-sent": types.wrap_symbol("sent"), "x-opt-both": "sent" };
  await send(sender, { body: "a", message_annotations: annotations });
  return { broker, channel, client, receiver: await openReceiver(client, "/queues/q") };
}

/** The annotations that a client has set. */
function annotationsOf({ message }: EventContext): Record<string, unknown> {
  const all = Object.entries((message?.message_annotations ?? {}) as Record<string, unknown>);
  return Object.fromEntries(all.filter(([key]) => key.startsWith("x-opt-") && key !== "x-opt-deaths"));
}

function modify({ delivery }: EventContext, annotations: object, how: object = { delivery_failed: true }): void {
  delivery?.modified({ ...how, message_annotations: annotations } as never);
}

test("[modified] annotations are merged into the message, those of later outcomes over earlier ones", async (t) => {
  const { receiver } = await setUp(t);
  modify(await receive(receiver), { "x-opt-both": "first", "x-opt-first": "first" });
  modify(await receive(receiver), { "x-opt-both": "second" }, {});
  const third = await receive(receiver);
  assert.deepEqual(annotationsOf(third), { "x-opt-sent": "sent", "x-opt-both": "second", "x-opt-first": "first" });
  assert.equal(third.message?.delivery_count, 1, "the second was no failure");
  third.delivery?.release();
  assert.equal(annotationsOf(await receive(receiver))["x-opt-both"], "second", "they stay when it is released");
});

test("[modified] annotations of every type come back as they were", async (t) => {
  const { receiver } = await setUp(t);
  const values = {
    "x-opt-list": types.wrap_list([types.wrap_int(1), types.wrap_symbol("two"), types.wrap_list([])] as never),
    "x-opt-map": types.wrap_map({ key: types.wrap_ulong(7) } as never),
    "x-opt-array": types.wrap_array([1, 2], 0x70, undefined as never),
    "x-opt-symbol": types.wrap_symbol("symbol"),
    "x-opt-timestamp": types.wrap_timestamp(1_234_567),
    "x-opt-uuid": types.wrap_uuid(Buffer.alloc(16, 7)),
    "x-opt-ulong": types.wrap_ulong(Buffer.alloc(8, 0xff) as never),
    "x-opt-uint": types.wrap_uint(300),
    "x-opt-long": types.wrap_long(-5),
    "x-opt-boolean": types.wrap_boolean(true),
  };
  modify(await receive(receiver), values);
  const again = annotationsOf(await receive(receiver));
  assert.deepEqual(again["x-opt-list"], [1, "two", []]);
  assert.deepEqual(again["x-opt-map"], { key: 7 });
  assert.deepEqual(again["x-opt-array"], [1, 2]);
  assert.deepEqual(again["x-opt-timestamp"], new Date(1_234_567));
  assert.deepEqual(again["x-opt-uuid"], Buffer.alloc(16, 7));
  assert.deepEqual(again["x-opt-ulong"], Buffer.alloc(8, 0xff));
  assert.deepEqual(
    ["x-opt-symbol", "x-opt-uint", "x-opt-long", "x-opt-boolean"].map((key) => again[key]),
    ["symbol", 300, -5, true],
  );
});

test("[modified] a value that replaces one of another type is what counts", async (t) => {
  const { receiver } = await setUp(t);
  modify(await receive(receiver), { "x-opt-sent": types.wrap_list([1] as never), "x-opt-both": ["list"] });
  modify(await receive(receiver), { "x-opt-both": "text" });
  const { "x-opt-sent": sent, "x-opt-both": both } = annotationsOf(await receive(receiver));
  assert.deepEqual([sent, both], [[1], "text"]);
});

test("[modified] undeliverable-here takes the annotations along to the dead letter, and 0-9-1 sees headers", async (t) => {
  const { channel, client, receiver } = await setUp(t);
  modify(await receive(receiver), { "x-opt-first": 1 });
  modify(await receive(receiver), { "x-opt-reason": ["bad", "worse"] }, { undeliverable_here: true });
  const grave = await openReceiver(client, "/queues/grave");
  const dead = await receive(grave);
  assert.deepEqual(annotationsOf(dead), {
    "x-opt-sent": "sent",
    "x-opt-both": "sent",
    "x-opt-first": 1,
    "x-opt-reason": ["bad", "worse"],
  });
  dead.delivery?.release();
  grave.close();
  await event(grave, "receiver_close");
  const headers = (await channel.get({ queue: "grave", noAck: true }))?.properties.headers;
  assert.deepEqual(headers?.get("x-opt-reason"), { type: "array", value: [longstr("bad"), longstr("worse")] });
});

test("[modified] what the broker itself says, and keys without x-, are not a client's to change", async (t) => {
  const { receiver } = await setUp(t);
  modify(await receive(receiver), {
    "x-exchange": "forged",
    "x-delivery-count": 77,
    "x-first-death-reason": "forged",
    "x-cc": ["elsewhere"],
    reserved: "dropped",
  });
  const annotations = (await receive(receiver)).message?.message_annotations as Record<string, unknown>;
  assert.deepEqual(
    ["x-exchange", "x-delivery-count", "x-first-death-reason", "x-cc", "reserved"].map((key) => annotations[key]),
    ["", 1, undefined, undefined, undefined],
  );
});

test("[modified] annotations that are too large end the session, and the message is ready again without them", async (t) => {
  const { client, receiver } = await setUp(t);
  const first = await receive(receiver);
  const ended = event(receiver.session as never, "session_error", []);
  modify(first, { "x-opt-large": "x".repeat(40_000) });
  const { session } = await ended;
  assert.match(
    String((session?.error as unknown as { condition: string } | undefined)?.condition),
    /resource-limit-exceeded/,
  );
  const other = client.create_session();
  other.begin();
  const again = await receive(await openReceiver(other as never, "/queues/q"));
  assert.equal(annotationsOf(again)["x-opt-large"], undefined);
});

test("[modified] a classic queue keeps no annotations, as in RabbitMQ", async (t) => {
  const { receiver } = await setUp(t, "classic");
  modify(await receive(receiver), { "x-opt-first": 1 });
  assert.deepEqual(annotationsOf(await receive(receiver)), { "x-opt-sent": "sent", "x-opt-both": "sent" });
});

test("[modified] in a transaction annotations wait for the discharge, and go with a rollback", async (t) => {
  const { broker } = await setUp(t);
  const raw = new RawClient(broker.stream());
  raw.receiver(0, 0, source("/queues/q"));
  raw.sender(0, 1, composite(COORDINATOR, []));
  let deliveryId = 0;
  const control = async (request: Typed): Promise<Typed> => {
    raw.transfer(0, 1, deliveryId, Buffer.concat([AMQP_VALUE, encodeValue(request)]));
    const isAbout = deliveryId++;
    const answer = await raw.next(
      PERFORMATIVES.disposition,
      ({ fields }) => fields.requiredNumber(1) === isAbout && fields.flag(0),
    );
    return answer.fields.get(4) as Typed;
  };
  await raw.next(PERFORMATIVES.flow);
  const seen: boolean[] = [];
  for (const [credit, fail] of [true, false].entries()) {
    raw.credit(0, 0, credit + 1);
    const { fields, payload } = await raw.next(PERFORMATIVES.transfer);
    seen.push(payload.includes("x-opt-why"));
    const [transactionId] = (await control(composite(DECLARE, []))).value as readonly [Typed];
    const outcome = composite(MODIFIED, [bool(true), undefined, map([symbol("x-opt-why"), string("because")])]);
    const state = composite(TRANSACTIONAL_STATE, [transactionId, outcome]);
    raw.send(0, PERFORMATIVES.disposition, [bool(true), uint(fields.requiredNumber(1)), undefined, bool(true), state]);
    await control(composite(DISCHARGE, [transactionId, bool(fail)]));
  }
  raw.credit(0, 0, 3);
  seen.push((await raw.next(PERFORMATIVES.transfer)).payload.includes("x-opt-why"));
  assert.deepEqual(seen, [false, false, true]);
});
