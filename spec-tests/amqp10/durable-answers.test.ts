import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { PERFORMATIVES } from "../../src/amqp10/codec/performatives.ts";
import {
  binary,
  bool,
  composite,
  encodeValue,
  symbol,
  symbols,
  type Typed,
  uint,
} from "../../src/amqp10/codec/types.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { FaultyStore } from "../support/faulty-store.ts";
import { message, RawClient, type ReceivedFrame, source, target } from "./hostile-client.ts";
import { startAmqp10Broker } from "./test-client.ts";

const TIMEOUT_MILLISECONDS = 5_000;
const DECLARE = 0x31;
const DISCHARGE = 0x32;
const ACCEPTED = 0x24;
const DURABLE = Buffer.from("005370c0020141", "hex");

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + TIMEOUT_MILLISECONDS;
  while (!condition()) {
    assert(Date.now() < deadline, "in time");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

interface Setting {
  readonly store: FaultyStore;
  readonly client: RawClient;
  /** Waits until a commit is held back, and a while longer; returns how many such frames have come in all. */
  seen(code: number): Promise<number>;
}

function setUp(t: TestContext): Setting {
  const store = new FaultyStore(new MemoryStore());
  const broker = startAmqp10Broker(t, { store });
  const client = new RawClient(broker.stream());
  return {
    store,
    client,
    seen: async (code) => {
      await until(() => store.held !== undefined);
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
      return client.history.filter((frame) => frame.code === code).length;
    },
  };
}

/** Lets the commit go on that is held back, and all later ones. */
function letGo({ store }: Setting): void {
  store.holdCommits(false);
  store.held?.release();
}

const queueTarget = (name: string): Typed =>
  target(name, undefined, undefined, undefined, undefined, undefined, symbol("queue"));
const topicSource = (topic: string): Typed =>
  source(
    topic,
    uint(2),
    symbol("never"),
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    symbols(["topic"]),
  );

const isSettled = ({ fields }: ReceivedFrame): boolean => fields.flag(3);

test("[durable/attach] a link whose queue is declared is answered when the queue is on disk, and what comes behind it waits", async (t) => {
  const setting = setUp(t);
  const { client, store } = setting;
  await client.next(PERFORMATIVES.begin);
  store.holdCommits();
  client.sender(0, 0, queueTarget("jobs"));
  client.begin(1);
  assert.equal(await setting.seen(PERFORMATIVES.attach), 0);
  assert.equal(await setting.seen(PERFORMATIVES.begin), 1, "the second session is not begun yet");
  letGo(setting);
  await client.next(PERFORMATIVES.attach);
  await client.next(PERFORMATIVES.flow);
  await client.next(PERFORMATIVES.begin);
});

test("[durable/attach] a durable subscription is answered when it is on disk, and so is its end", async (t) => {
  const setting = setUp(t);
  const { client, store } = setting;
  await client.next(PERFORMATIVES.begin);
  store.holdCommits();
  client.receiver(0, 0, topicSource("news"));
  assert.equal(await setting.seen(PERFORMATIVES.attach), 0);
  letGo(setting);
  await client.next(PERFORMATIVES.attach);
  store.holdCommits();
  client.send(0, PERFORMATIVES.detach, [uint(0), bool(true)]);
  assert.equal(await setting.seen(PERFORMATIVES.detach), 0);
  letGo(setting);
  await client.next(PERFORMATIVES.detach);
});

test("[durable/attach] a queue that has gone before the answer refuses the link", async (t) => {
  const store = new FaultyStore(new MemoryStore());
  const broker = startAmqp10Broker(t, { store });
  const client = new RawClient(broker.stream());
  await client.next(PERFORMATIVES.begin);
  store.holdCommits();
  client.receiver(0, 0, source("jobs", ...new Array(9).fill(undefined), symbol("queue")));
  await until(() => store.held !== undefined);
  const vhost = broker.broker.findVhost("/");
  const queue = vhost?.findQueue("jobs");
  assert(vhost !== undefined && queue !== undefined);
  vhost.deleteQueue(queue);
  store.holdCommits(false);
  store.held?.release();
  assert.equal((await client.next(PERFORMATIVES.attach)).fields.get(5), undefined);
  assert.equal(RawClient.conditionOf(await client.next(PERFORMATIVES.detach), 2), "amqp:not-found");
});

test("[durable/attach] a connection that is lost before the answer waits for nothing", async (t) => {
  const setting = setUp(t);
  const { client, store } = setting;
  await client.next(PERFORMATIVES.begin);
  store.holdCommits();
  client.sender(0, 0, queueTarget("jobs"));
  assert.equal(await setting.seen(PERFORMATIVES.attach), 0);
  client.stream.destroy();
  await new Promise((resolve) => setImmediate(resolve));
  letGo(setting);
  await until(() => store.held === undefined);
  assert.equal(client.history.filter(({ code }) => code === PERFORMATIVES.attach).length, 0);
});

test("[durable/disposition] a delivery that the client has not settled is settled when its end is on disk", async (t) => {
  const setting = setUp(t);
  const { client, store } = setting;
  client.sender(0, 0, queueTarget("jobs"));
  await client.next(PERFORMATIVES.flow);
  client.transfer(0, 0, 0, Buffer.concat([DURABLE, message("a")]));
  await client.next(PERFORMATIVES.disposition, isSettled);
  client.receiver(0, 1, source("/queues/jobs"));
  await client.next(PERFORMATIVES.attach);
  client.credit(0, 1, 1);
  await client.next(PERFORMATIVES.transfer);
  store.holdCommits();
  client.send(0, PERFORMATIVES.disposition, [bool(true), uint(0), undefined, bool(false), composite(ACCEPTED, [])]);
  // Before it has heard of it, the client says once more what it makes of it.
  client.send(0, PERFORMATIVES.disposition, [bool(true), uint(0), undefined, bool(true), composite(ACCEPTED, [])]);
  assert.equal(await setting.seen(PERFORMATIVES.disposition), 1);
  letGo(setting);
  assert.equal((await client.next(PERFORMATIVES.disposition)).fields.flag(0), false);
  assert.equal(client.history.filter(({ code }) => code === PERFORMATIVES.end).length, 0);
});

test("[durable/transaction] deliveries settled in a transaction are told of when it is on disk, and not before", async (t) => {
  const setting = setUp(t);
  const { client, store } = setting;
  client.sender(0, 0, queueTarget("jobs"));
  await client.next(PERFORMATIVES.flow);
  client.transfer(0, 0, 0, Buffer.concat([DURABLE, message("a")]));
  await client.next(PERFORMATIVES.disposition, isSettled);
  client.receiver(0, 1, source("/queues/jobs"));
  client.credit(0, 1, 1);
  await client.next(PERFORMATIVES.transfer);
  client.sender(0, 2, composite(0x30, []), "controller");
  client.transfer(0, 2, 1, request(composite(DECLARE, [])));
  const declared = (await client.next(PERFORMATIVES.disposition)).fields.get(4) as Typed;
  const transactionId = (declared.value as readonly Typed[])[0] as Typed;
  const state = composite(0x34, [transactionId, composite(ACCEPTED, [])]);
  client.send(0, PERFORMATIVES.disposition, [bool(true), uint(0), undefined, bool(false), state]);
  store.holdCommits();
  client.transfer(0, 2, 2, request(composite(DISCHARGE, [binary(transactionId.value as Buffer), bool(false)])));
  assert.equal(await setting.seen(PERFORMATIVES.disposition), 2);
  letGo(setting);
  const ofBoth = [await client.next(PERFORMATIVES.disposition), await client.next(PERFORMATIVES.disposition)];
  assert.deepEqual(
    ofBoth.map(({ fields }) => [fields.flag(0), fields.flag(3)]),
    [
      [false, true],
      [true, true],
    ],
  );
});

function request(body: Typed): Buffer {
  return Buffer.concat([Buffer.of(0x00, 0x53, 0x77), encodeValue(body)]);
}

test("[half-close] what a client has asked for before it ended its side is answered, be it that the disk takes its time", async (t) => {
  const setting = setUp(t);
  const { client, store } = setting;
  await client.next(PERFORMATIVES.begin);
  store.holdCommits();
  client.sender(0, 0, queueTarget("jobs"));
  client.begin(1);
  client.stream.end();
  assert.equal(await setting.seen(PERFORMATIVES.attach), 0);
  letGo(setting);
  await client.next(PERFORMATIVES.attach);
  await client.next(PERFORMATIVES.begin, ({ channel }) => channel === 1);
});
