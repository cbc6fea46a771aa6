import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Fields } from "../../src/amqp10/codec/fields.ts";
import { PERFORMATIVES } from "../../src/amqp10/codec/performatives.ts";
import { ManualClock } from "../../src/lib/manual-clock.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { FaultyStore } from "../support/faulty-store.ts";
import type { TestBrokerOptions } from "../support/test-broker.ts";
import type { ReceivedFrame } from "./frame-client.ts";
import { RawClient, unsettledOf } from "./raw-client.ts";
import { startAmqp10Broker } from "./test-client.ts";

const ACCEPTED = 0x24;

async function setUp(t: TestContext, options: TestBrokerOptions = {}) {
  const broker = startAmqp10Broker(t, options);
  const channel = await (await broker.client091()).openChannel();
  await channel.call("queue.declare", { queue: "q" });
  return {
    connect: (options: object = {}) => RawClient.open(broker.stream(), options),
    ready: () => broker.broker.findVhost("/")?.findQueue("q")?.readyCount,
  };
}

function conditionOf({ fields }: ReceivedFrame): string | undefined {
  const error = fields.get(2);
  return error === undefined ? undefined : new Fields("error", error).text(0);
}

for (const second of [true, false]) {
  const mode = second ? "second" : "first";

  test(`[resume] an outcome that was lost on its way is told, and the message is there once (settle mode ${mode})`, async (t) => {
    const { connect, ready } = await setUp(t);
    const lost = await connect();
    await lost.attach({ second, timeoutSeconds: 60 });
    lost.transfer(0, { tag: "a" });
    await lost.disposition();
    lost.lose();
    const client = await connect();
    const answer = await client.attach({ second, timeoutSeconds: 60, unsettled: ["a", "never arrived"] });
    assert.deepEqual(unsettledOf(answer), { a: ACCEPTED });
    client.transfer(0, { tag: "a", resume: true });
    assert.deepEqual(await client.disposition(), { first: 0, last: 0, settled: !second, state: ACCEPTED });
    client.transfer(1, { tag: "never arrived" });
    assert.equal((await client.disposition()).state, ACCEPTED);
    assert.equal(ready(), 2);
  });

  test(`[resume] what the client settles, by transfer or by leaving it out, is forgotten (settle mode ${mode})`, async (t) => {
    const { connect, ready } = await setUp(t);
    const lost = await connect();
    await lost.attach({ second, timeoutSeconds: 60 });
    for (const [deliveryId, tag] of ["a", "b", "c"].entries()) {
      lost.transfer(deliveryId, { tag });
      await lost.disposition();
    }
    lost.lose();
    const client = await connect();
    assert.deepEqual(unsettledOf(await client.attach({ second, timeoutSeconds: 60, unsettled: ["a", "b"] })), {
      a: ACCEPTED,
      b: ACCEPTED,
    });
    client.transfer(0, { tag: "a", resume: true, settled: true });
    client.transfer(1, { tag: "b", resume: true, aborted: true });
    client.transfer(2, { tag: "d" });
    await client.disposition();
    client.lose();
    const again = await connect();
    assert.deepEqual(unsettledOf(await again.attach({ second, timeoutSeconds: 60, unsettled: ["a", "b", "c", "d"] })), {
      d: ACCEPTED,
    });
    assert.equal(ready(), 4);
  });
}

test("[resume] a message that is not safe yet has no state; its outcome goes to the resumed delivery", async (t) => {
  const store = new FaultyStore(new MemoryStore());
  const broker = startAmqp10Broker(t, { store });
  const channel = await (await broker.client091()).openChannel();
  await channel.call("queue.declare", { queue: "q", durable: true });
  const lost = await RawClient.open(broker.stream());
  await lost.attach({ timeoutSeconds: 60 });
  store.holdCommits();
  // Header: durable.
  lost.transfer(0, { tag: "a", payload: Buffer.from("005370c0020141" + "005375a00178", "hex") });
  while (store.held === undefined) await new Promise((resolve) => setImmediate(resolve));
  lost.lose();
  const client = await RawClient.open(broker.stream());
  const answer = await client.attach({ timeoutSeconds: 60, unsettled: ["a"] });
  assert.deepEqual(unsettledOf(answer), { a: undefined });
  client.transfer(7, { tag: "a", resume: true });
  store.holdCommits(false);
  store.held.release();
  assert.deepEqual(await client.disposition(), { first: 7, last: 7, settled: true, state: ACCEPTED });
  assert.equal(broker.broker.findVhost("/")?.findQueue("q")?.readyCount, 1);
});

test("[resume] a resumed delivery that we know nothing of is ignored, and costs no credit", async (t) => {
  const { connect, ready } = await setUp(t);
  const client = await connect();
  await client.attach({ timeoutSeconds: 60, unsettled: ["x"] });
  for (let deliveryId = 0; deliveryId < 200; deliveryId++) client.transfer(deliveryId, { tag: "x", resume: true });
  client.transfer(200, { tag: "new" });
  assert.deepEqual(await client.disposition(), { first: 200, last: 200, settled: true, state: ACCEPTED });
  assert.equal(ready(), 1);
});

test("[expiry] by default a link is known until its session ends, with a timeout as long as that says", async (t) => {
  const clock = new ManualClock();
  const { connect } = await setUp(t, { clock });
  const session = await connect();
  await session.attach({ second: true });
  session.transfer(0, { tag: "a" });
  await session.disposition();
  await session.detach();
  assert.deepEqual(unsettledOf(await session.attach({ second: true, unsettled: ["a"], handle: 1 })), { a: ACCEPTED });
  session.lose();
  const other = await connect();
  assert.equal(unsettledOf(await other.attach({ second: true, unsettled: ["a"], timeoutSeconds: 60 })), undefined);
  other.transfer(0, { tag: "b" });
  await other.disposition();
  other.lose();
  const inTime = await connect();
  clock.advance(59_999);
  assert.deepEqual(unsettledOf(await inTime.attach({ second: true, unsettled: ["b"], timeoutSeconds: 60 })), {
    b: ACCEPTED,
  });
  inTime.lose();
  const tooLate = await connect();
  clock.advance(60_000);
  assert.equal(unsettledOf(await tooLate.attach({ second: true, unsettled: ["b"] })), undefined);
});

test("[expiry] the time runs from the end of the session, or, with link-detach, of the link", async (t) => {
  const clock = new ManualClock();
  const { connect } = await setUp(t, { clock });
  const client = await connect();
  for (const [handle, expiryPolicy] of ["session-end", "link-detach"].entries()) {
    await client.attach({ name: expiryPolicy, handle, expiryPolicy, timeoutSeconds: 60, second: true });
    client.transfer(handle, { tag: "a", handle });
    await client.disposition();
    await client.detach(false, handle);
  }
  clock.advance(60_000);
  client.lose();
  clock.advance(59_999);
  const again = await connect();
  for (const [handle, [name, known]] of [
    ["session-end", { a: ACCEPTED }],
    ["link-detach", undefined],
  ].entries()) {
    const answer = await again.attach({ name: name as string, handle, second: true, unsettled: ["a"] });
    assert.deepEqual(unsettledOf(answer), known, name as string);
  }
});

test("[expiry] what is in effect is told: never means a day", async (t) => {
  const { connect } = await setUp(t);
  const client = await connect();
  const target = (await client.attach({ expiryPolicy: "never" })).get(6);
  const fields = new Fields("target", target as never);
  assert.equal(fields.text(2), "session-end");
  assert.equal(fields.number(3), 86_400);
});

test("[resume] a link is known by its container and its name, and is gone when it was closed", async (t) => {
  const { connect } = await setUp(t);
  const client = await connect();
  for (const [handle, name] of ["one", "two"].entries()) {
    await client.attach({ name, handle, second: true, timeoutSeconds: 60 });
    client.transfer(handle, { tag: "a", handle });
    await client.disposition();
  }
  await client.detach(true, 1);
  client.lose();
  const stranger = await connect({ container: "other" });
  assert.equal(unsettledOf(await stranger.attach({ name: "one", unsettled: ["a"] })), undefined);
  const again = await connect();
  assert.equal(unsettledOf(await again.attach({ name: "two", handle: 1, unsettled: ["a"] })), undefined);
  assert.deepEqual(unsettledOf(await again.attach({ name: "one", handle: 2, unsettled: ["a"] })), { a: ACCEPTED });
});

test("[resume] a link that its lost connection still holds is taken from it", async (t) => {
  const { connect } = await setUp(t);
  const former = await connect();
  await former.attach({ second: true, timeoutSeconds: 60 });
  former.transfer(0, { tag: "a" });
  await former.disposition();
  const client = await connect();
  const answer = await client.attach({ second: true, timeoutSeconds: 60, unsettled: ["a"] });
  assert.deepEqual(unsettledOf(answer), { a: ACCEPTED });
  assert.equal(conditionOf(await former.next(PERFORMATIVES.detach)), "amqp:link:stolen");
  client.lose();
  const again = await connect();
  assert.deepEqual(unsettledOf(await again.attach({ unsettled: ["a"] })), { a: ACCEPTED });
});

test("[resume] deliveries that do not fit into a frame are told in part; until the rest is, no new one is taken", async (t) => {
  const { connect, ready } = await setUp(t);
  const tags = Array.from({ length: 60 }, (_, index) => `delivery ${index}`);
  for (const name of ["one", "two"]) {
    const lost = await connect();
    await lost.attach({ name, second: true, timeoutSeconds: 60 });
    for (const [deliveryId, tag] of tags.entries()) lost.transfer(deliveryId, { tag });
    for (let last = 0; last < 59; ) last = (await lost.disposition()).last;
    lost.lose();
  }
  const client = await connect({ frameBytesMax: 512 });
  let left = tags;
  let deliveryId = 0;
  let attachCount = 0;
  for (let incomplete = true; incomplete; ) {
    const answer = await client.attach({ name: "one", second: true, timeoutSeconds: 60, unsettled: left });
    attachCount++;
    incomplete = answer.flag(8);
    const known = Object.keys(unsettledOf(answer) ?? {});
    assert(known.length > 0);
    for (const tag of known) client.transfer(deliveryId++, { tag, resume: true, settled: true });
    left = left.filter((tag) => !known.includes(tag));
    if (incomplete) await client.detach();
  }
  assert(attachCount > 1);
  assert.deepEqual(left, []);
  client.transfer(deliveryId++, { tag: "new" });
  assert.equal((await client.disposition()).state, ACCEPTED);
  await client.attach({ name: "two", handle: 1, second: true, timeoutSeconds: 60, unsettled: tags });
  client.transfer(deliveryId++, { tag: "new", handle: 1 });
  assert.equal(conditionOf(await client.next(PERFORMATIVES.detach)), "amqp:illegal-state");
  assert.equal(ready(), 121);
});

test("[resume] what a map leaves out that is not complete is not settled", async (t) => {
  const { connect } = await setUp(t);
  const lost = await connect();
  await lost.attach({ timeoutSeconds: 60 });
  for (const [deliveryId, tag] of ["a", "b"].entries()) {
    lost.transfer(deliveryId, { tag });
    await lost.disposition();
  }
  lost.lose();
  const client = await connect();
  const answer = await client.attach({ timeoutSeconds: 60, unsettled: ["b"], incomplete: true });
  assert.deepEqual(unsettledOf(answer), { a: ACCEPTED, b: ACCEPTED });
});

test("[resume] outcomes of as many messages are remembered as a client can have in flight", async (t) => {
  const { connect } = await setUp(t);
  const client = await connect();
  await client.attach({ timeoutSeconds: 60 });
  const tags = Array.from({ length: 1000 }, (_, index) => String(index));
  for (const [deliveryId, tag] of tags.entries()) {
    client.transfer(deliveryId, { tag });
    if (deliveryId % 100 === 99) while ((await client.disposition()).last !== deliveryId);
  }
  client.lose();
  const answer = await (await connect()).attach({ timeoutSeconds: 60, unsettled: tags });
  assert.deepEqual(Object.keys(unsettledOf(answer) ?? {}), tags.slice(-340));
});

test("[resume] a link on which the client receives begins anew: what it had is delivered again", async (t) => {
  const { connect, ready } = await setUp(t);
  const lost = await connect();
  await lost.attach({});
  lost.transfer(0, { tag: "a" });
  await lost.disposition();
  await lost.attach({ name: "receiver", handle: 1, receives: true, timeoutSeconds: 60 });
  assert.equal(ready(), 1);
  lost.lose();
  const client = await connect();
  const answer = await client.attach({ name: "receiver", receives: true, unsettled: ["\0\0\0\0"], timeoutSeconds: 60 });
  assert.equal(unsettledOf(answer), undefined);
});
