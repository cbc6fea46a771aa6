import assert from "node:assert/strict";
import type { Duplex } from "node:stream";
import { test } from "node:test";
import { serveConnection } from "../../src/amqp091/connection.ts";
import { duplexPair } from "../../src/lib/duplex-pair.ts";
import { ManualClock } from "../../src/lib/manual-clock.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { FaultyStore, type HeldCommit } from "../support/faulty-store.ts";
import { handshake } from "../support/handshake.ts";
import { type BrokerUnderTest, methodTest } from "../support/method-test.ts";
import { declareSharedQueue } from "../support/queues.ts";
import { RawClient } from "../support/raw-client.ts";
import { LOCAL_PEER, startTestBroker } from "../support/test-broker.ts";

type Body = (broker: BrokerUnderTest, store: FaultyStore) => Promise<void>;

/** A method test whose body holds the commits of the broker's store in its hands. */
function storeTest(title: string, body: Body): void {
  const store = new FaultyStore(new MemoryStore());
  const run = async (broker: BrokerUnderTest): Promise<void> => {
    try {
      await body(broker, store);
    } finally {
      store.failCommits(0, new Error());
      store.holdCommits(false);
      store.held?.release();
    }
  };
  methodTest(title, run, { broker: { store } });
}

/** The commit that the broker has begun and that is held back. */
async function heldCommit(store: FaultyStore): Promise<HeldCommit> {
  for (let turn = 0; turn < 1000; turn++) {
    if (store.held !== undefined) return store.held;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error("the broker has begun no commit");
}

async function aFewTurns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Nothing comes on channel 1 as long as the commit is held back; then it is let go. */
async function silentUntilCommit(client: RawClient, store: FaultyStore): Promise<void> {
  const commit = await heldCommit(store);
  await aFewTurns();
  assert.deepEqual(client.waiting(1), []);
  store.holdCommits(false);
  commit.release();
}

storeTest("[durability/queue.declare] declare-ok of a durable queue waits for the commit", async (broker, store) => {
  const client = await broker.channel();
  store.holdCommits();
  client.send(1, "queue.declare", { queue: "q", durable: true });
  client.send(1, "access.request");
  await silentUntilCommit(client, store);
  await client.expect(1, "queue.declare-ok");
  await client.expect(1, "access.request-ok");
});

storeTest("[durability/declare] what promises nothing durable does not wait for it", async (broker, store) => {
  const declarer = await broker.channel();
  const client = await broker.channel();
  const queue = await declareSharedQueue(broker, client, { durable: true });
  store.holdCommits();
  declarer.send(1, "queue.declare", { queue: broker.name("later"), durable: true });
  await heldCommit(store);
  assert.equal((await client.call(1, "queue.declare", { queue, passive: true })).queue, queue);
  await client.call(1, "queue.declare", { durable: true, exclusive: true });
  await client.call(1, "exchange.declare", { exchange: "amq.direct", passive: true });
  await client.call(1, "exchange.declare", { exchange: broker.name("brief"), type: "direct" });
  assert.deepEqual(declarer.waiting(1), []);
});

storeTest("[durability/queue.purge] purge-ok waits for the commit", async (broker, store) => {
  const client = await broker.channel();
  const queue = await declareSharedQueue(broker, client, { durable: true });
  await client.call(1, "confirm.select");
  client.publish(1, { routingKey: queue }, "a", { deliveryMode: 2 });
  await client.expect(1, "basic.ack");
  store.holdCommits();
  client.send(1, "queue.purge", { queue });
  await silentUntilCommit(client, store);
  assert.equal((await client.expect(1, "queue.purge-ok")).messageCount, 1);
});

storeTest("[durability/confirm] the confirm of a persistent message waits for the commit", async (broker, store) => {
  const client = await broker.channel();
  const queue = await declareSharedQueue(broker, client, { durable: true });
  await client.call(1, "confirm.select");
  store.holdCommits();
  client.publish(1, { routingKey: queue }, "a", { deliveryMode: 2 });
  await silentUntilCommit(client, store);
  assert.equal((await client.expect(1, "basic.ack")).deliveryTag, 1);
});

storeTest("[durability/confirm] delivery need not wait for the commit", async (broker, store) => {
  const client = await broker.channel();
  const queue = await declareSharedQueue(broker, client, { durable: true });
  await client.call(1, "basic.consume", { queue });
  store.holdCommits();
  client.publish(1, { routingKey: queue }, "a", { deliveryMode: 2 });
  await client.expectContent(1, "basic.deliver");
});

storeTest(
  "[durability/confirm] a persistent message acknowledged before the commit is confirmed at once",
  async (broker, store) => {
    const client = await broker.channel();
    const queue = await declareSharedQueue(broker, client, { durable: true });
    await client.call(1, "confirm.select");
    await client.call(1, "basic.consume", { queue, noAck: true });
    store.holdCommits();
    client.publish(1, { routingKey: queue }, "a", { deliveryMode: 2 });
    await client.expectContent(1, "basic.deliver");
    assert.equal((await client.expect(1, "basic.ack")).deliveryTag, 1);
  },
);

storeTest("[durability/confirm] a transient message is confirmed without a commit", async (broker, store) => {
  const client = await broker.channel();
  const queue = await declareSharedQueue(broker, client, { durable: true });
  await client.call(1, "confirm.select");
  store.holdCommits();
  client.publish(1, { routingKey: queue }, "a", { deliveryMode: 1 });
  assert.equal((await client.expect(1, "basic.ack")).deliveryTag, 1);
});

storeTest(
  "[durability/tx.commit] commit-ok waits for the commit, and later methods behind it",
  async (broker, store) => {
    const client = await broker.channel();
    const queue = await declareSharedQueue(broker, client, { durable: true });
    await client.call(1, "tx.select");
    client.publish(1, { routingKey: queue }, "a", { deliveryMode: 2 });
    store.holdCommits();
    client.send(1, "tx.commit");
    client.send(1, "access.request");
    await silentUntilCommit(client, store);
    await client.expect(1, "tx.commit-ok");
    await client.expect(1, "access.request-ok");
  },
);

storeTest("[durability/queue.declare] other connections do not wait", async (broker, store) => {
  const client = await broker.channel();
  const other = await broker.channel();
  store.holdCommits();
  client.send(1, "queue.declare", { queue: "q", durable: true });
  const commit = await heldCommit(store);
  await other.call(1, "access.request");
  assert.deepEqual(client.waiting(1), []);
  store.holdCommits(false);
  commit.release();
  await client.expect(1, "queue.declare-ok");
});

storeTest(
  "[durability/confirm] a failing commit is never confirmed: nack, or ack once a later commit succeeds",
  async (broker, store) => {
    const client = await broker.channel();
    const queue = await declareSharedQueue(broker, client, { durable: true });
    await client.call(1, "confirm.select");
    store.holdCommits();
    client.publish(1, { routingKey: queue }, "a", { deliveryMode: 2 });
    const commit = await heldCommit(store);
    commit.fail(new Error("no space left on device"));
    await aFewTurns();
    assert.ok(!client.waiting(1).includes("basic.ack"));
    const other = await broker.channel();
    await other.call(1, "access.request");
  },
);

storeTest(
  "[connection.blocked] a client that publishes while the disk fails is told, others are not",
  async (broker, store) => {
    const publisher = await broker.channel();
    const idle = await broker.channel();
    const untold = await broker.channel({ capabilities: { publisher_confirms: true } });
    const queue = await declareSharedQueue(broker, publisher, { durable: true });
    store.failCommits(1_000_000, new Error("no space left on device"));
    publisher.publish(1, { routingKey: queue }, "a", { deliveryMode: 2 });
    await aFewTurns();
    publisher.publish(1, { routingKey: queue }, "b", { deliveryMode: 2 });
    assert.deepEqual(await publisher.expect(0, "connection.blocked"), { reason: "low on disk" });
    untold.publish(1, { routingKey: queue }, "c", { deliveryMode: 2 });
    await idle.call(1, "access.request");
    assert.deepEqual([...idle.waiting(0), ...untold.waiting(0)], []);
    store.failCommits(0, new Error());
    broker.clock.advance(60_000);
    await publisher.expect(0, "connection.unblocked");
    await publisher.call(1, "access.request");
  },
);

storeTest("[durability/channel.close] no confirm comes on a channel the client has closed", async (broker, store) => {
  const client = await broker.channel();
  const queue = await declareSharedQueue(broker, client, { durable: true });
  await client.call(1, "confirm.select");
  store.holdCommits();
  client.publish(1, { routingKey: queue }, "a", { deliveryMode: 2 });
  const commit = await heldCommit(store);
  await client.call(1, "channel.close", { replyCode: 200, replyText: "OK" });
  store.holdCommits(false);
  commit.release();
  await aFewTurns();
  assert.deepEqual(client.waiting(1), []);
});

storeTest("[durability/close] what waits for the store goes with its connection", async (broker, store) => {
  const { barrier, flow } = broker.inside;
  const awaited = new Set<() => void>();
  for (const waited of [barrier, flow]) {
    const forget = waited.forget.bind(waited);
    waited.forget = (callback) => {
      awaited.delete(callback);
      forget(callback);
    };
  }
  const whenDefinitionsDurable = barrier.whenDefinitionsDurable.bind(barrier);
  barrier.whenDefinitionsDurable = (callback) => {
    awaited.add(callback);
    whenDefinitionsDurable(callback);
  };
  const whenClear = flow.whenClear.bind(flow);
  flow.whenClear = (callback) => {
    awaited.add(callback);
    whenClear(callback);
  };
  const serverEnds: Duplex[] = [];
  const open = async (): Promise<RawClient> => {
    const [clientEnd, serverEnd] = duplexPair();
    serverEnds.push(serverEnd);
    serveConnection(broker.inside, serverEnd, LOCAL_PEER);
    const client = new RawClient(clientEnd);
    await handshake(client);
    await client.call(1, "channel.open");
    return client;
  };
  store.holdCommits();
  const declarer = await open();
  declarer.send(1, "queue.declare", { queue: "q", durable: true });
  (await heldCommit(store)).fail(new Error("disk full"));
  await aFewTurns();
  const publisher = await open();
  publisher.publish(1, { routingKey: "q" }, "blocked", { deliveryMode: 2 });
  await publisher.find(0, "connection.blocked");
  assert.equal(awaited.size, 2);
  for (const end of serverEnds) end.destroy();
  await aFewTurns();
  assert.equal(awaited.size, 0);
});

test("[durability/close] nothing of a closed broker comes to life when a message in it expires", async () => {
  const clock = new ManualClock();
  const { broker, connect, close } = startTestBroker({ clock });
  const client = new RawClient(connect());
  await handshake(client);
  await client.call(1, "channel.open");
  await client.call(1, "queue.declare", { queue: "q", durable: true });
  await client.call(1, "confirm.select");
  client.publish(1, { routingKey: "q" }, "", { deliveryMode: 2, expiration: "1000" });
  await client.expect(1, "basic.ack");
  await close();
  clock.advance(60_000);
  await aFewTurns();
  assert.equal(clock.pendingCount, 0);
  assert.equal(broker.connectionCount, 0);
});
