import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Store } from "../../../src/core/ports.ts";
import { silentLogger } from "../../../src/lib/logger.ts";
import { ManualClock } from "../../../src/lib/manual-clock.ts";
import { openLmdbStore } from "../../../src/store/lmdb-store.ts";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import { type PlainFieldValue, tableFrom } from "../../../src/wire/field-table.ts";
import type { Properties } from "../../../src/wire/properties.ts";
import { FaultyStore, type HeldCommit } from "../../support/faulty-store.ts";
import { handshake } from "../../support/handshake.ts";
import { drain, expectReady } from "../../support/queues.ts";
import { RawClient } from "../../support/raw-client.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";
import { startTestBroker, type TestBroker } from "../../support/test-broker.ts";

const RETRY_MILLISECONDS = 500;
const PERSISTENT = 2;

type Arguments = Readonly<Record<string, PlainFieldValue>>;

/** A broker that can be ended and started again over what it has stored, and its one client. */
class Scene {
  readonly clock = new ManualClock();
  broker: TestBroker;
  client: RawClient;

  private constructor(broker: TestBroker, client: RawClient, clock: ManualClock) {
    this.broker = broker;
    this.client = client;
    this.clock = clock;
  }

  static async start(store: Store, clock = new ManualClock()): Promise<Scene> {
    const broker = startTestBroker({ store, clock });
    const client = new RawClient(broker.connect());
    await handshake(client);
    await client.call(1, "channel.open");
    await client.call(1, "confirm.select");
    return new Scene(broker, client, clock);
  }

  /** A durable exchange that looks for duplicates, and the durable queue "q" bound to it. */
  async declare(exchange: Arguments, queue: Arguments = {}, durable = true): Promise<void> {
    const type = "x-message-deduplication";
    const table = tableFrom({ "x-cache-size": 100, ...exchange });
    await this.client.call(1, "exchange.declare", { exchange: "x", type, durable, arguments: table });
    await this.client.call(1, "queue.declare", { queue: "q", durable: true, arguments: tableFrom(queue) });
    await this.client.call(1, "queue.bind", { queue: "q", exchange: "x" });
  }

  publish(key: string, properties: Properties = {}, exchange = "x"): void {
    const headers = tableFrom({ "x-deduplication-header": key });
    this.client.publish(1, { exchange, routingKey: "q" }, key, { headers, deliveryMode: PERSISTENT, ...properties });
  }

  async publishConfirmed(keys: readonly string[], properties: Properties = {}, exchange = "x"): Promise<void> {
    for (const key of keys) {
      this.publish(key, properties, exchange);
      await this.client.find(1, "basic.ack");
    }
  }

  async expectQueue(bodies: readonly string[]): Promise<void> {
    await expectReady(this.client, "q", bodies.length);
    assert.deepEqual(await drain(this.client, "q"), bodies);
  }
}

/** A test over every store, with a function that ends the broker and starts the next one. */
function storesTest(title: string, body: (open: () => Promise<Scene>) => Promise<void>): void {
  test(`${title} (memory)`, async () => {
    let store = new MemoryStore();
    let scene: Scene | undefined;
    await body(async () => {
      await scene?.broker.close();
      store = new MemoryStore(store.durableState);
      scene = await Scene.start(store, scene?.clock);
      return scene;
    });
    await (scene as Scene | undefined)?.broker.close();
  });
  test(`${title} (LMDB)`, async (context: TestContext) => {
    const directory = temporaryDirectory(context);
    let scene: Scene | undefined;
    await body(async () => {
      await scene?.broker.close();
      scene = await Scene.start(openLmdbStore({ directory, logger: silentLogger }), scene?.clock);
      return scene;
    });
    await (scene as Scene | undefined)?.broker.close();
  });
}

async function aFewTurns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

async function heldCommit(store: FaultyStore): Promise<HeldCommit> {
  for (let turn = 0; turn < 1000; turn++) {
    if (store.held !== undefined) return store.held;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error("the broker has begun no commit");
}

storesTest(
  "[durability/x-message-deduplication] an exchange knows its keys after restarts, with size and time",
  async (open) => {
    const first = await open();
    await first.declare({ "x-cache-size": 3, "x-cache-ttl": 1000 });
    await first.publishConfirmed(["1", "2", "3", "4"]);
    const second = await open();
    await second.publishConfirmed(["2", "3", "4", "1", "3"]);
    await second.expectQueue(["1", "2", "3", "4", "1"]);
    const third = await open();
    third.clock.advance(999);
    await third.publishConfirmed(["1", "3", "4"]);
    await third.expectQueue([]);
    third.clock.advance(1);
    await third.publishConfirmed(["4"]);
    await third.expectQueue(["4"]);
  },
);

storesTest(
  "[durability/x-cache-size] a quorum queue knows the keys of transient messages, as it keeps these",
  async (open) => {
    const first = await open();
    await first.declare({}, { "x-message-deduplication": true, "x-cache-size": 2, "x-queue-type": "quorum" });
    await first.publishConfirmed(["1"], { deliveryMode: 1 }, "");
    const second = await open();
    await second.publishConfirmed(["1"], {}, "");
    await second.expectQueue(["1"]);
  },
);

storesTest("[durability/x-cache-size] a queue's window survives a restart", async (open) => {
  const first = await open();
  await first.declare({}, { "x-message-deduplication": true, "x-cache-size": 2 });
  await first.publishConfirmed(["1", "2", "3"], {}, "");
  await first.expectQueue(["1", "2", "3"]);
  const second = await open();
  await second.publishConfirmed(["2", "3", "1"], {}, "");
  await second.expectQueue(["1"]);
});

storesTest(
  "[durability/x-message-deduplication] a queue knows after a restart what is in it, and what is not",
  async (open) => {
    const first = await open();
    await first.declare({}, { "x-message-deduplication": true });
    await first.publishConfirmed(["gone", "waiting", "taken"], {}, "");
    await first.publishConfirmed(["transient"], { deliveryMode: 1 }, "");
    assert.equal((await first.client.get(1, { queue: "q", noAck: true }))?.body.toString(), "gone");
    await aFewTurns();
    const second = await open();
    const keys = ["gone", "waiting", "taken", "transient"];
    await second.publishConfirmed(keys, {}, "");
    await second.expectQueue(["waiting", "taken", "gone", "transient"]);
    await second.publishConfirmed(["gone"], {}, "");
    const third = await open();
    await third.publishConfirmed(keys, {}, "");
    await third.expectQueue(["gone", "waiting", "taken", "transient"]);
  },
);

storesTest(
  "[durability/x-delayed-message] keys and waiting messages of one exchange survive together",
  async (open) => {
    const first = await open();
    const table = tableFrom({ "x-delayed-type": "fanout", "x-message-deduplication": true });
    const type = "x-delayed-message";
    await first.client.call(1, "exchange.declare", { exchange: "d", type, durable: true, arguments: table });
    await first.declare({});
    await first.client.call(1, "queue.bind", { queue: "q", exchange: "d" });
    const headers = tableFrom({ "x-deduplication-header": "1", "x-delay": 1000 });
    await first.publishConfirmed(["1"], { headers }, "d");
    const second = await open();
    await second.publishConfirmed(["1"], { headers }, "d");
    await second.publishConfirmed(["1"], {}, "d");
    second.clock.advance(1000);
    await second.expectQueue(["1"]);
  },
);

storesTest(
  "[durability/x-recent-history] what an exchange remembers, what it delays and its keys survive together",
  async (open) => {
    const first = await open();
    const table = tableFrom({ "x-delayed-type": "x-recent-history", "x-message-deduplication": true });
    const type = "x-delayed-message";
    await first.client.call(1, "exchange.declare", { exchange: "d", type, durable: true, arguments: table });
    await first.client.call(1, "queue.declare", { queue: "other", durable: true });
    await first.client.call(1, "queue.bind", { queue: "other", exchange: "d" });
    const headers = tableFrom({ "x-deduplication-header": "1" });
    await first.publishConfirmed(["1"], { headers }, "d");
    await first.publishConfirmed(["2"], { headers: tableFrom({ "x-delay": 1000 }) }, "d");
    const second = await open();
    second.clock.advance(1000);
    await second.client.call(1, "basic.qos");
    const third = await open();
    await third.client.call(1, "queue.declare", { queue: "q", durable: true });
    await third.client.call(1, "queue.bind", { queue: "q", exchange: "d" });
    await third.publishConfirmed(["1"], { headers }, "d");
    await third.expectQueue(["1", "2"]);
  },
);

storesTest("[durability/exchange.delete] the keys go with the exchange", async (open) => {
  const first = await open();
  await first.declare({});
  await first.publishConfirmed(["1"]);
  first.publish("2");
  first.client.send(1, "exchange.delete", { exchange: "x" });
  await first.client.find(1, "exchange.delete-ok");
  const second = await open();
  await second.declare({});
  await second.publishConfirmed(["1", "2"]);
  await second.expectQueue(["1", "2", "1", "2"]);
});

storesTest(
  "[durability/x-cache-persistence] what a restart forgets: memory, transient messages and exchanges",
  async (open) => {
    const first = await open();
    await first.declare({ "x-cache-persistence": "memory" });
    await first.publishConfirmed(["in memory"]);
    const second = await open();
    await second.publishConfirmed(["in memory"]);
    await second.client.call(1, "exchange.delete", { exchange: "x" });
    await second.declare({});
    await second.publishConfirmed(["transient"], { deliveryMode: 1 });
    const third = await open();
    await third.publishConfirmed(["transient"]);
    await third.client.call(1, "exchange.delete", { exchange: "x" });
    await third.declare({}, {}, false);
    await third.publishConfirmed(["of transient exchange"]);
    const fourth = await open();
    await fourth.declare({}, {}, false);
    await fourth.publishConfirmed(["of transient exchange"]);
    const twice = ["in memory", "in memory", "transient", "of transient exchange", "of transient exchange"];
    await fourth.expectQueue(twice);
  },
);

for (const [where, exchange, queue] of [
  ["an exchange", "x", {}],
  ["a queue's window", "", { "x-message-deduplication": true, "x-cache-size": 10 }],
  ["a queue", "", { "x-message-deduplication": true }],
] as const) {
  test(`[confirm/x-message-deduplication] ${where}: a duplicate is confirmed when the first copy is durable`, async () => {
    const store = new FaultyStore(new MemoryStore());
    const scene = await Scene.start(store);
    await scene.declare({}, queue);
    store.holdCommits();
    scene.publish("1", {}, exchange);
    const commit = await heldCommit(store);
    scene.publish("1", {}, exchange);
    await aFewTurns();
    assert.deepEqual(scene.client.waiting(1), []);
    store.holdCommits(false);
    commit.release();
    const { multiple } = await scene.client.expect(1, "basic.ack");
    if (!multiple) await scene.client.expect(1, "basic.ack");
    await scene.expectQueue(["1"]);
    await scene.broker.close();
  });

  test(`[confirm/x-message-deduplication] ${where}: a message refused because the disk is full is there once in the end`, async () => {
    const store = new FaultyStore(new MemoryStore());
    const scene = await Scene.start(store);
    await scene.declare({}, queue);
    store.failCommits(1, new Error("disk full"));
    scene.publish("1", {}, exchange);
    await scene.client.find(1, "basic.nack");
    scene.clock.advance(RETRY_MILLISECONDS);
    await aFewTurns();
    scene.publish("1", {}, exchange);
    await scene.client.find(1, "basic.ack");
    await scene.expectQueue(["1"]);
    await scene.broker.close();
  });

  test(`[confirm/x-message-deduplication] ${where}: a message refused and then lost in a crash is no duplicate`, async () => {
    const within = new MemoryStore();
    const store = new FaultyStore(within);
    const scene = await Scene.start(store);
    await scene.declare({}, queue);
    store.failCommits(1, new Error("disk full"));
    scene.publish("1", {}, exchange);
    await scene.client.find(1, "basic.nack");
    // What is committed now is all that a new process finds.
    const next = await Scene.start(new MemoryStore(within.durableState));
    await next.publishConfirmed(["1"], {}, exchange);
    await next.expectQueue(["1"]);
    await next.broker.close();
    scene.clock.advance(RETRY_MILLISECONDS);
    await scene.broker.close();
  });
}
