import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { PERFORMATIVES } from "../../src/amqp10/codec/performatives.ts";
import { bool, composite, uint } from "../../src/amqp10/codec/types.ts";
import { Fields } from "../../src/amqp10/codec/fields.ts";
import { type DeliverySession, OutgoingDeliveries } from "../../src/amqp10/outgoing-deliveries.ts";
import type { SessionHost } from "../../src/amqp10/session-host.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { longstr } from "../../src/wire/field-table.ts";
import { FaultyStore } from "../support/faulty-store.ts";
import { RawClient } from "./raw-client.ts";
import { openReceiver, openSender, receive, send, startAmqp10Broker } from "./test-client.ts";

const ACCEPTED = 0x24;
const RELEASED = 0x26;
const UINT_MAX = 0xffff_ffff;

async function setUp(t: TestContext, queueArguments: object = {}) {
  const broker = startAmqp10Broker(t);
  const channel = await (await broker.client091()).openChannel();
  await channel.call("queue.declare", { queue: "q", arguments: new Map(Object.entries(queueArguments)) });
  const queue = () => broker.broker.findVhost("/")?.findQueue("q");
  return {
    broker,
    connect: (options: object = {}) => RawClient.open(broker.stream(), options),
    ready: () => queue()?.readyCount,
    unacknowledged: () => queue()?.unackedCount,
  };
}

/** The client gives `credit` on a link where it receives. */
function flow(client: RawClient, deliveryCount: number, credit: number, drain = false): void {
  client.send(PERFORMATIVES.flow, [
    uint(0),
    uint(1000),
    uint(0),
    uint(1000),
    uint(1),
    uint(deliveryCount),
    uint(credit),
    undefined,
    bool(drain),
  ]);
}

test("[rcv-settle-mode second] what the client sends is settled when the client settles it, and takes credit until then", async (t) => {
  const { connect, ready } = await setUp(t);
  const client = await connect();
  const answer = await client.attach({ second: true });
  assert.equal(answer.number(4), 1);
  assert.equal((await client.next(PERFORMATIVES.flow)).fields.number(6), 170);
  for (let deliveryId = 0; deliveryId < 170; deliveryId++) client.transfer(deliveryId, { tag: String(deliveryId) });
  for (let last = 0; last < 169; ) {
    const disposition = await client.disposition();
    assert.equal(disposition.settled, false);
    assert.equal(disposition.state, ACCEPTED);
    last = disposition.last;
  }
  assert.equal(ready(), 170);
  client.settle(0, 169);
  const { fields } = await client.next(PERFORMATIVES.flow);
  assert.equal((fields.number(5) ?? 0) + (fields.number(6) ?? 0), 340);
});

test("[rcv-settle-mode second] a client that settles before the outcome hears no more of it", async (t) => {
  const store = new FaultyStore(new MemoryStore());
  const broker = startAmqp10Broker(t, { store });
  const channel = await (await broker.client091()).openChannel();
  await channel.call("queue.declare", { queue: "q", durable: true });
  const client = await RawClient.open(broker.stream());
  await client.attach({ second: true });
  store.holdCommits();
  // Header: durable.
  const payload = Buffer.from("005370c0020141" + "005375a00178", "hex");
  client.transfer(0, { tag: "a", payload });
  client.settle(0);
  client.transfer(1, { tag: "b", payload });
  await client.attach({ name: "other", handle: 1 });
  store.holdCommits(false);
  store.held?.release();
  assert.deepEqual(await client.disposition(), { first: 1, last: 1, settled: false, state: ACCEPTED });
  assert.equal(broker.broker.findVhost("/")?.findQueue("q")?.readyCount, 2);
});

test("[rcv-settle-mode second] what the client receives is settled by us when it has said what becomes of it", async (t) => {
  const { broker, connect, unacknowledged } = await setUp(t);
  await send(await openSender(await broker.client(), "/queues/q"), { body: "x" });
  const client = await connect();
  const answer = await client.attach({ receives: true, second: true, handle: 1 });
  assert.equal(answer.number(4), 1);
  flow(client, 0, 1);
  const { fields } = await client.next(PERFORMATIVES.transfer);
  assert.equal(fields.flag(4), false);
  client.send(PERFORMATIVES.disposition, [bool(true), uint(0), undefined, bool(false), composite(ACCEPTED, [])]);
  assert.deepEqual(await client.disposition(), { first: 0, last: 0, settled: true, state: ACCEPTED });
  assert.equal(unacknowledged(), 0);
});

test("[aborted] a delivery that is given up is not stored, and takes no credit for good", async (t) => {
  const { connect, ready } = await setUp(t);
  const client = await connect();
  await client.attach({});
  for (let deliveryId = 0; deliveryId < 400; deliveryId++) {
    if (deliveryId % 2 === 0) client.transfer(deliveryId, { tag: "a", more: true });
    client.transfer(deliveryId, { tag: "a", aborted: true });
  }
  client.transfer(400, { tag: "b" });
  assert.deepEqual(await client.disposition(), { first: 400, last: 400, settled: true, state: ACCEPTED });
  client.send(PERFORMATIVES.flow, [
    ...[uint(0), uint(1000), uint(0), uint(1000), uint(0), uint(401), uint(0)],
    ...[undefined, undefined, bool(true)],
  ]);
  for (let count = 0; count < 401; ) count = (await client.next(PERFORMATIVES.flow)).fields.number(5) ?? 0;
  assert.equal(ready(), 1);
});

test("[delivery-tag] one of more than 32 octets ends the link", async (t) => {
  const { connect } = await setUp(t);
  const client = await connect();
  await client.attach({});
  client.transfer(0, { tag: "x".repeat(33) });
  const { fields } = await client.next(PERFORMATIVES.detach);
  assert.equal(new Fields("error", fields.get(2) as never).text(0), "amqp:invalid-field");
});

test("[wrap] ids of transfers and deliveries, and delivery counts, of a client that sends go on at 0 after 2^32 - 1", async (t) => {
  const { connect, ready } = await setUp(t);
  const nearEnd = UINT_MAX - 99;
  const client = await connect({ nextOutgoingId: nearEnd });
  await client.attach({ second: true, initialDeliveryCount: nearEnd });
  for (let index = 0; index < 300; index++) {
    const deliveryId = (nearEnd + index) >>> 0;
    client.transfer(deliveryId, { tag: String(index) });
    const { first, last } = await client.disposition();
    assert.deepEqual([first, last], [deliveryId, deliveryId]);
    if (index === 149) client.settle(nearEnd, deliveryId);
  }
  client.settle((nearEnd + 150) >>> 0, 199);
  client.send(PERFORMATIVES.flow, [
    ...[uint(0), uint(1000), uint(0), uint(1000), uint(0), uint(200), uint(0)],
    ...[undefined, undefined, bool(true)],
  ]);
  for (let count = nearEnd; count !== 200; ) {
    const { fields } = await client.next(PERFORMATIVES.flow);
    count = fields.number(5) ?? 0;
    assert.equal(((fields.number(0) ?? 0) - nearEnd) >>> 0, (count - nearEnd) >>> 0, "a transfer for each delivery");
  }
  assert.equal(ready(), 300);
});

test("[wrap] the delivery count of a link on which the client receives goes on at 0 after 2^32 - 1", async (t) => {
  const { broker, connect } = await setUp(t);
  const client = await connect();
  await client.attach({ receives: true, handle: 1 });
  let deliveryCount = 0;
  for (const credit of [0x7fff_ffff, 0x7fff_ffff]) {
    flow(client, deliveryCount, credit, true);
    deliveryCount = (await client.next(PERFORMATIVES.flow)).fields.requiredNumber(5);
  }
  assert.equal(deliveryCount, UINT_MAX - 1);
  flow(client, deliveryCount, 4);
  const sender = await openSender(await broker.client(), "/queues/q");
  for (let index = 0; index < 4; index++) await send(sender, { body: "x" });
  for (let index = 0; index < 4; index++) await client.next(PERFORMATIVES.transfer);
  flow(client, deliveryCount, 10, true);
  assert.equal((await client.next(PERFORMATIVES.flow)).fields.requiredNumber(5), 8);
});

test("[wrap] ids of deliveries to a client, and its window, go on at 0 after 2^32 - 1", () => {
  const sent: Buffer[] = [];
  const host = {
    frameBytesMax: 1000,
    output: { writable: true, frame: (_channel: number, performative: Buffer) => sent.push(performative) },
    waitingBytes: 0,
    waitingTaken: () => {},
    broker: { limits: { outboxBytesMax: 1000 } },
  } as unknown as SessionHost;
  const outgoing = new OutgoingDeliveries(host, 0, 4, UINT_MAX - 1);
  const settled: number[] = [];
  const sender = {
    handle: 0,
    defaultOutcome: "released" as const,
    settled: (deliveryTag: number) => settled.push(deliveryTag),
  };
  for (let deliveryTag = 1; deliveryTag <= 6; deliveryTag++) outgoing.send(sender, Buffer.from("x"), deliveryTag);
  assert.deepEqual(
    sent.map((performative) => performative.readUInt32BE(12)),
    [UINT_MAX - 1, UINT_MAX, 0, 1],
  );
  assert.equal(outgoing.writable, false);
  outgoing.takeFlow(new Fields("flow", composite(PERFORMATIVES.flow, [uint(UINT_MAX), uint(5)])));
  assert.equal(sent.length, 6);
  assert.equal(outgoing.nextTransferId, 4);
  assert.equal(outgoing.writable, false);
  outgoing.takeFlow(new Fields("flow", composite(PERFORMATIVES.flow, [uint(4), uint(5)])));
  assert.equal(outgoing.writable, true);
  const session = { transactions: { settleHeld: () => false } } as unknown as DeliverySession;
  outgoing.takeDisposition(session, UINT_MAX, 1, true, composite(RELEASED, []));
  assert.deepEqual(settled, [2, 3, 4]);
});

test("[group-id] groups the messages of a queue with x-group-property", async (t) => {
  const { broker, unacknowledged } = await setUp(t, { "x-group-property": longstr("group-id") });
  const client = await broker.client();
  const sender = await openSender(client, "/queues/q");
  for (const [body, group] of ["a1", "a2", "b1"].map((name) => [name, name[0]])) {
    await send(sender, { body, group_id: group });
  }
  const one = await openReceiver(client, "/queues/q", { name: "one" });
  const first = await receive(one);
  assert.equal(first.message?.body, "a1");
  // a2 waits for the owner of its group.
  const other = await openReceiver(client, "/queues/q", { name: "other" });
  const second = await receive(other);
  assert.equal(second.message?.body, "b1");
  assert.equal(second.message?.group_id, "b");
  assert.equal(unacknowledged(), 2);
  const third = receive(other);
  first.delivery?.accept();
  assert.equal((await third).message?.body, "a2");
});
