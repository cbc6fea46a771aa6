import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { silentLogger } from "../../../../src/lib/logger.ts";
import { ManualClock } from "../../../../src/lib/manual-clock.ts";
import { openLmdbStore } from "../../../../src/store/lmdb-store.ts";
import { tableFrom } from "../../../../src/wire/field-table.ts";
import { handshake } from "../../../support/handshake.ts";
import { drain, expectReady } from "../../../support/queues.ts";
import { RawClient } from "../../../support/raw-client.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";
import { startTestBroker, type TestBroker } from "../../../support/test-broker.ts";

const EXCHANGE = "delayed";
const BOUND = "bound";
const DELAYING = "delaying";
const PERSISTENT = 2;

/** A broker over a data directory, with a client, for as long as `work` takes. */
async function withBroker(
  directory: string,
  clock: ManualClock,
  work: (client: RawClient, broker: TestBroker) => Promise<void>,
): Promise<void> {
  const broker = startTestBroker({ store: openLmdbStore({ directory, logger: silentLogger }), clock });
  try {
    const client = new RawClient(broker.connect());
    await handshake(client);
    await client.call(1, "channel.open");
    await work(client, broker);
  } finally {
    await broker.close();
  }
}

async function declareAll(client: RawClient): Promise<void> {
  const type = { type: "x-delayed-message", arguments: tableFrom({ "x-delayed-type": "topic" }) };
  await client.call(1, "exchange.declare", { exchange: EXCHANGE, durable: true, ...type });
  await client.call(1, "queue.declare", { queue: BOUND, durable: true });
  await client.call(1, "queue.bind", { queue: BOUND, exchange: EXCHANGE, routingKey: "#" });
  const table = tableFrom({ "x-delayed-message": true });
  await client.call(1, "queue.declare", { queue: DELAYING, durable: true, arguments: table });
}

function publish(client: RawClient, exchange: string, body: string, delay: number, deliveryMode = PERSISTENT): void {
  const headers = tableFrom({ "x-delay": delay, ...(exchange !== "" && { BCC: ["also"] }) });
  client.publish(1, { exchange, routingKey: exchange === "" ? DELAYING : "key" }, body, { deliveryMode, headers });
}

async function confirmed(client: RawClient, count: number): Promise<void> {
  for (let last = 0; last < count; ) last = Number((await client.expect(1, "basic.ack")).deliveryTag);
}

function fresh(context: TestContext): { directory: string; clock: ManualClock } {
  return { directory: temporaryDirectory(context), clock: new ManualClock() };
}

test("[delay/restart] a quorum queue keeps what waits in it, whatever its delivery mode", async (t) => {
  const { directory, clock } = fresh(t);
  await withBroker(directory, clock, async (client) => {
    const table = tableFrom({ "x-delayed-message": true, "x-queue-type": "quorum" });
    await client.call(1, "queue.declare", { queue: DELAYING, durable: true, arguments: table });
    await client.call(1, "confirm.select");
    publish(client, "", "transient", 100, 1);
    await confirmed(client, 1);
  });
  await withBroker(directory, clock, async (client) => {
    clock.advance(100);
    await expectReady(client, DELAYING, 1);
    assert.deepEqual(await drain(client, DELAYING), ["transient"]);
  });
});

test("[delay/restart] exchange and queue let go after a restart what they took before, in the same order", async (t) => {
  const { directory, clock } = fresh(t);
  await withBroker(directory, clock, async (client) => {
    await declareAll(client);
    await client.call(1, "confirm.select");
    for (const exchange of [EXCHANGE, ""]) {
      publish(client, exchange, "third", 3000);
      publish(client, exchange, "second", 2000);
      publish(client, exchange, "transient", 2000, 1);
      publish(client, exchange, "first", 1000);
    }
    client.publish(1, { exchange: "", routingKey: DELAYING }, "ready", { deliveryMode: PERSISTENT });
    await confirmed(client, 9);
    clock.advance(1000);
    await expectReady(client, DELAYING, 2);
    await expectReady(client, BOUND, 1);
  });
  clock.advance(1500);
  await withBroker(directory, clock, async (client, { broker }) => {
    await expectReady(client, BOUND, 2);
    await expectReady(client, DELAYING, 3);
    const vhost = broker.findVhost("/") ?? assert.fail();
    assert.equal(vhost.requireExchange(EXCHANGE).delayedCount, 1);
    assert.equal(vhost.requireQueue(DELAYING).delayedCount, 1);
    clock.advance(500);
    await expectReady(client, BOUND, 3);
    await expectReady(client, DELAYING, 4);
    assert.deepEqual(await drain(client, BOUND), ["first", "second", "third"]);
    assert.deepEqual(await drain(client, DELAYING), ["ready", "first", "second", "third"]);
  });
  await withBroker(directory, clock, async (client) => {
    await expectReady(client, BOUND, 0);
    await expectReady(client, DELAYING, 0);
  });
});

test("[delay/restart] the keys of a BCC header survive with the message", async (t) => {
  const { directory, clock } = fresh(t);
  await withBroker(directory, clock, async (client) => {
    await declareAll(client);
    await client.call(1, "queue.declare", { queue: "hidden", durable: true });
    await client.call(1, "queue.bind", { queue: "hidden", exchange: EXCHANGE, routingKey: "also" });
    await client.call(1, "confirm.select");
    publish(client, EXCHANGE, "copied", 1000);
    await confirmed(client, 1);
  });
  await withBroker(directory, clock, async (client) => {
    clock.advance(1000);
    await expectReady(client, "hidden", 1);
    const message = await client.get(1, { queue: "hidden", noAck: true });
    assert.deepEqual([...(message?.properties.headers?.keys() ?? [])], ["x-delay"]);
  });
});

test("[delay/restart] a deleted exchange leaves nothing, and ids in use are not given out again", async (t) => {
  const { directory, clock } = fresh(t);
  await withBroker(directory, clock, async (client) => {
    await declareAll(client);
    await client.call(1, "confirm.select");
    publish(client, EXCHANGE, "kept", 1000);
    await confirmed(client, 1);
  });
  await withBroker(directory, clock, async (client, { broker }) => {
    await client.call(1, "queue.declare", { queue: "new", durable: true });
    const vhost = broker.findVhost("/") ?? assert.fail();
    const ids = [...vhost.queues].map(({ id }) => id);
    assert.equal(ids.includes(vhost.requireExchange(EXCHANGE).stored?.id as number), false);
    await client.call(1, "exchange.delete", { exchange: EXCHANGE });
  });
  await withBroker(directory, clock, async (client) => {
    await declareAll(client);
    clock.advance(1000);
    await client.call(1, "basic.qos");
    await expectReady(client, BOUND, 0);
  });
});
