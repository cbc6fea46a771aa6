import assert from "node:assert/strict";
import { Duplex } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { AlarmResource } from "../../src/core/alarms.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { FaultyStore } from "../support/faulty-store.ts";
import { ALL_CAPABILITIES } from "../support/handshake.ts";
import { type BrokerUnderTest, type MethodTestOptions, methodTest } from "../support/method-test.ts";
import { consume, declareSharedQueue, deliveredBodies, drain, expectReady, fill } from "../support/queues.ts";
import { RawClient } from "../support/raw-client.ts";

const RAISES_ALARMS: MethodTestOptions = { leveretOnly: "raises alarms from inside the broker" };

const WITHOUT_BLOCKED = { capabilities: { ...ALL_CAPABILITIES, "connection.blocked": false } };

const holdingStore = new FaultyStore(new MemoryStore());
const failingStore = new FaultyStore(new MemoryStore());

function alarmTest(title: string, body: (broker: BrokerUnderTest) => Promise<void>): void {
  methodTest(title, body, RAISES_ALARMS);
}

async function aFewTurns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await nextTurn();
}

/** What a client would send, as octets for one write. */
function octetsOf(speak: (client: RawClient) => void): Buffer {
  const octets: Buffer[] = [];
  const write = (chunk: Buffer, _encoding: string, done: () => void): void => {
    octets.push(chunk);
    done();
  };
  speak(new RawClient(new Duplex({ read: () => {}, write })));
  return Buffer.concat(octets);
}

/** A client that is blocked, because it has published "trigger" to `queue` while the alarm was raised. */
async function blockedPublisher(
  broker: BrokerUnderTest,
  queue: string,
  resource: AlarmResource = "memory",
): Promise<RawClient> {
  const publisher = await broker.channel();
  broker.inside.alarms.raise(resource);
  publisher.publish(1, { routingKey: queue }, "trigger");
  await publisher.expect(0, "connection.blocked");
  return publisher;
}

for (const resource of ["memory", "disk"] as const) {
  alarmTest(`[alarms/blocked] a client that publishes hears that the broker is low on ${resource}`, async (broker) => {
    const publisher = await broker.channel();
    broker.inside.alarms.raise(resource);
    publisher.publish(1, { routingKey: "nowhere" }, "a");
    assert.deepEqual(await publisher.expect(0, "connection.blocked"), { reason: `low on ${resource}` });
    broker.inside.alarms.clear(resource);
    assert.deepEqual(await publisher.expect(0, "connection.unblocked"), {});
    await publisher.expectNothing(1);
  });
}

alarmTest("[alarms/blocked] the reason names every resource the broker is low on at that time", async (broker) => {
  const publisher = await broker.channel();
  broker.inside.alarms.raise("memory");
  broker.inside.alarms.raise("disk");
  publisher.publish(1, { routingKey: "nowhere" }, "a");
  assert.deepEqual(await publisher.expect(0, "connection.blocked"), { reason: "low on disk & memory" });
});

alarmTest("[alarms/blocked] is said once, and unblocked when the last alarm is cleared", async (broker) => {
  const { alarms } = broker.inside;
  const publisher = await blockedPublisher(broker, "nowhere", "memory");
  alarms.raise("disk");
  alarms.clear("memory");
  await aFewTurns();
  assert.deepEqual(publisher.waiting(0), []);
  alarms.clear("disk");
  await publisher.expect(0, "connection.unblocked");
  await publisher.expectNothing(1);
  assert.deepEqual(publisher.waiting(0), []);
});

alarmTest("[alarms/blocked] comes again when the client publishes under a later alarm", async (broker) => {
  const publisher = await blockedPublisher(broker, "nowhere", "memory");
  broker.inside.alarms.clear("memory");
  await publisher.expect(0, "connection.unblocked");
  broker.inside.alarms.raise("disk");
  await publisher.expectNothing(1);
  assert.deepEqual(publisher.waiting(0), []);
  publisher.publish(1, { routingKey: "nowhere" }, "b");
  assert.deepEqual(await publisher.expect(0, "connection.blocked"), { reason: "low on disk" });
});

alarmTest("[alarms/publish] the publish that meets the alarm is accepted and confirmed", async (broker) => {
  const observer = await broker.channel();
  const queue = await declareSharedQueue(broker, observer);
  const publisher = await broker.channel();
  await publisher.call(1, "confirm.select");
  broker.inside.alarms.raise("memory");
  publisher.publish(1, { routingKey: queue }, "x".repeat(300_000));
  await publisher.expect(0, "connection.blocked");
  assert.equal((await publisher.expect(1, "basic.ack")).deliveryTag, 1);
  assert.deepEqual(
    (await drain(observer, queue)).map((body) => body.length),
    [300_000],
  );
});

alarmTest("[alarms/wait] what follows that publish waits, even when it came in the same write", async (broker) => {
  const observer = await broker.channel();
  const queue = await declareSharedQueue(broker, observer);
  const publisher = await broker.channel();
  await publisher.call(1, "confirm.select");
  broker.inside.alarms.raise("memory");
  const octets = octetsOf((client) => {
    for (const body of ["a", "b"]) client.publish(1, { routingKey: queue }, body);
    client.send(1, "access.request");
    client.publish(1, { routingKey: queue }, "c");
  });
  publisher.write(octets);
  publisher.publish(1, { routingKey: queue }, "d");
  await publisher.expect(0, "connection.blocked");
  await publisher.expect(1, "basic.ack");
  await aFewTurns();
  assert.deepEqual(publisher.waiting(1), []);
  await expectReady(observer, queue, 1);

  broker.inside.alarms.clear("memory");
  await publisher.expect(0, "connection.unblocked");
  await publisher.find(1, "access.request-ok");
  await expectReady(observer, queue, 4);
  assert.deepEqual(await drain(observer, queue), ["a", "b", "c", "d"]);
});

alarmTest("[alarms/wait] nothing of many publishes is lost over alarms that come and go", async (broker) => {
  const observer = await broker.channel();
  const queue = await declareSharedQueue(broker, observer);
  const publisher = await broker.channel();
  const bodies = Array.from({ length: 500 }, (_, index) => `${index}`);
  publisher.write(
    octetsOf((client) => {
      for (const body of bodies) client.publish(1, { routingKey: queue }, body);
    }),
  );
  for (let round = 0; round < 50; round++) {
    broker.inside.alarms.raise(round % 2 === 0 ? "memory" : "disk");
    await nextTurn();
    broker.inside.alarms.clear(round % 2 === 0 ? "memory" : "disk");
    await nextTurn();
  }
  await publisher.call(1, "access.request");
  assert.deepEqual(await drain(observer, queue), bodies);
});

alarmTest(
  "[alarms/others] a client that has published before the alarm, and not since, is not blocked",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declareSharedQueue(broker, client);
    await fill(client, queue, ["a", "b"]);
    broker.inside.alarms.raise("memory");
    await client.expectNothing(1, queue);
    assert.deepEqual([await drain(client, queue), client.waiting(0)], [["a", "b"], []]);
  },
);

alarmTest(
  "[alarms/others] consumers get deliveries and have them acknowledged while publishers wait",
  async (broker) => {
    const consumer = await broker.channel();
    const queue = await declareSharedQueue(broker, consumer);
    await fill(consumer, queue, ["a", "b", "c"]);
    await blockedPublisher(broker, queue);
    await consumer.call(1, "basic.qos", { prefetchCount: 1 });
    await consume(consumer, queue);
    for (const expected of ["a", "b", "c", "trigger"]) {
      const { args, body } = await consumer.find(1, "basic.deliver");
      assert.equal(body.toString(), expected);
      consumer.send(1, "basic.ack", { deliveryTag: args.deliveryTag });
    }
    await consumer.expectNothing(1);
    assert.deepEqual(consumer.waiting(0), []);
  },
);

alarmTest("[alarms/others] clients may connect, declare and consume while an alarm is raised", async (broker) => {
  broker.inside.alarms.raise("disk");
  const client = await broker.channel();
  const queue = await declareSharedQueue(broker, client, { durable: true });
  await consume(client, queue);
  await client.close();
});

alarmTest(
  "[alarms/capability] a client that does not know connection.blocked is blocked without a word",
  async (broker) => {
    const observer = await broker.channel();
    const queue = await declareSharedQueue(broker, observer);
    const publisher = await broker.channel(WITHOUT_BLOCKED);
    broker.inside.alarms.raise("memory");
    for (const body of ["a", "b"]) publisher.publish(1, { routingKey: queue }, body);
    publisher.send(1, "access.request");
    await aFewTurns();
    await expectReady(observer, queue, 1);
    broker.inside.alarms.clear("memory");
    await publisher.expect(1, "access.request-ok");
    await expectReady(observer, queue, 2);
    assert.deepEqual(publisher.waiting(0), []);
  },
);

alarmTest("[alarms/consumer] a blocked client is sent deliveries, and the end of a consumer", async (broker) => {
  const other = await broker.channel();
  const queue = await declareSharedQueue(broker, other);
  await fill(other, queue, ["a"]);
  const client = await broker.channel();
  const consumerTag = await consume(client, queue, { noAck: true });
  broker.inside.alarms.raise("memory");
  client.publish(1, { routingKey: queue }, "trigger");
  await client.expect(0, "connection.blocked");
  assert.deepEqual(await deliveredBodies(client, 2), ["a", "trigger"]);
  await other.call(1, "queue.delete", { queue });
  assert.equal((await client.expect(1, "basic.cancel")).consumerTag, consumerTag);
});

methodTest(
  "[alarms/flow] a client that waits for the disk is told of an alarm that is raised and cleared meanwhile",
  async (broker) => {
    const publisher = await broker.channel();
    const queue = await declareSharedQueue(broker, publisher, { durable: true });
    holdingStore.holdCommits();
    for (let count = 0; count < 20; count++) {
      publisher.publish(1, { routingKey: queue }, "x".repeat(100_000), { deliveryMode: 2 });
    }
    publisher.send(1, "access.request");
    await aFewTurns();
    assert.deepEqual([publisher.waiting(0), publisher.waiting(1)], [[], []]);
    broker.inside.alarms.raise("memory");
    assert.equal((await publisher.expect(0, "connection.blocked")).reason, "low on memory");
    broker.inside.alarms.clear("memory");
    await publisher.expect(0, "connection.unblocked");
    await aFewTurns();
    assert.deepEqual(publisher.waiting(1), []);
    holdingStore.holdCommits(false);
    holdingStore.held?.release();
    await publisher.expect(1, "access.request-ok");
    await expectReady(publisher, queue, 20);
  },
  { broker: { store: holdingStore, limits: { unwrittenBytesMax: 1024 * 1024 } } },
);

methodTest(
  "[alarms/store] the end of the disk alarm does not unblock while the store cannot write",
  async (broker) => {
    const publisher = await broker.channel();
    const queue = await declareSharedQueue(broker, publisher, { durable: true });
    broker.inside.alarms.raise("disk");
    failingStore.failCommits(1_000_000, new Error("no space left on device"));
    publisher.publish(1, { routingKey: queue }, "a", { deliveryMode: 2 });
    assert.equal((await publisher.expect(0, "connection.blocked")).reason, "low on disk");
    await aFewTurns();
    broker.inside.alarms.clear("disk");
    await aFewTurns();
    assert.deepEqual(publisher.waiting(0), []);
    failingStore.failCommits(0, new Error());
    broker.clock.advance(60_000);
    await publisher.expect(0, "connection.unblocked");
  },
  { broker: { store: failingStore } },
);
