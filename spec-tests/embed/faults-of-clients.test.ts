import assert from "node:assert/strict";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { type ChannelModel, type ConfirmChannel, connect } from "amqplib";
import rhea, { type Delivery, type EventContext, type Sender } from "rhea";
import { type EmbeddedBroker, ManualClock } from "../../src/index.ts";
import { brokerOfTest } from "./broker-of-test.ts";

// What programs see of each fault through amqplib, which knows nothing of the broker's insides, and some through rhea.

test("[embedding/faults/clients] a dropped connection is an error of the connection, and a new one is taken", async (context) => {
  const broker = await brokerOfTest(context, {});
  const { connection } = await openClient(context, broker);
  const failed = once(connection, "error");
  broker.faults.dropConnections();
  assert.match(String((await failed)[0]), /Unexpected close/);
  await openClient(context, broker);
});

test("[embedding/faults/clients] refused logins are 403, and connections that are open go on", async (context) => {
  const broker = await brokerOfTest(context, {});
  const { channel } = await openClient(context, broker);
  broker.faults.refuseLogins();
  await assert.rejects(connect(broker.url), /403 \(ACCESS-REFUSED\)/);
  await channel.assertQueue("orders");
  broker.faults.refuseLogins(false);
  await openClient(context, broker);
});

test("[embedding/faults/clients] refused publishes are nacked", async (context) => {
  const broker = await brokerOfTest(context, {});
  const { channel } = await openClient(context, broker);
  broker.faults.refusePublishes();
  await assert.rejects(publish(channel, "lost"), /nacked/);
  broker.faults.confirmNormally();
  await publish(channel, "taken");
  await broker.waitForMessages("orders", 1);
});

test("[embedding/faults/clients] held confirms come when they are let go, delayed ones when their time has come", async (context) => {
  const broker = await brokerOfTest(context, { clock: new ManualClock() });
  const { channel } = await openClient(context, broker);
  const confirmed: string[] = [];
  const publishLater = (body: string): Promise<unknown> => publish(channel, body).then(() => confirmed.push(body));

  broker.faults.holdConfirms();
  const held = [publishLater("held"), publishLater("held, too")];
  await broker.waitForMessages("orders", 2);
  await channel.checkQueue("orders");
  assert.deepEqual(confirmed, []);
  broker.faults.confirmNormally();
  await Promise.all(held);

  broker.faults.delayConfirms(60_000);
  const delayed = publishLater("delayed");
  await broker.waitForMessages("orders", 3);
  await broker.advance(59_999);
  await channel.checkQueue("orders");
  assert.deepEqual(confirmed, ["held", "held, too"]);
  await broker.advance(1);
  await delayed;
});

for (const resource of ["memory", "disk"] as const) {
  test(`[embedding/faults/clients] an alarm of ${resource} blocks who publishes until it is cleared`, async (context) => {
    const broker = await brokerOfTest(context, {});
    const { connection, channel } = await openClient(context, broker);
    const blocked = once(connection, "blocked");
    broker.faults.raiseAlarm(resource);
    await publish(channel, "meets the alarm");
    assert.deepEqual(await blocked, [`low on ${resource}`]);
    const waiting = publish(channel, "waits");
    await broker.settled();
    assert.equal(broker.queue("orders")?.readyCount, 1);
    const unblocked = once(connection, "unblocked");
    broker.faults.clearAlarm(resource);
    await Promise.all([unblocked, waiting]);
    assert.equal(broker.queue("orders")?.readyCount, 2);
  });
}

test("[embedding/faults/clients] a disk that fails: persistent messages are nacked, publishers blocked, until it is repaired", async (context) => {
  const broker = await brokerOfTest(context, {});
  const { connection, channel } = await openClient(context, broker);
  const blocked = once(connection, "blocked");
  broker.faults.failDisk();
  await assert.rejects(publish(channel, "unsafe"), /nacked/);
  // From now on publishers are blocked when they publish.
  await assert.rejects(publish(channel, "unsafe as well"), /nacked/);
  assert.deepEqual(await blocked, ["low on disk"]);
  const unblocked = once(connection, "unblocked");
  broker.faults.repairDisk();
  await unblocked;
  await publish(channel, "safe");
  // What was nacked was not known to be safe, which is not to say that it is lost.
  await broker.waitForMessages("orders", 3);
});

test("[embedding/faults/clients] over AMQP 1.0 a refused message is rejected, a held one settled when it is let go", async (context) => {
  const broker = await brokerOfTest(context, {});
  await openClient(context, broker);
  const client = rhea.create_container();
  const connection = client.connect({ port: broker.port, username: "guest", password: "guest", reconnect: false });
  context.after(() => connection.close());
  const sender = connection.open_sender("/queues/orders");
  await once(sender, "sendable");
  broker.faults.refusePublishes();
  assert.equal(await outcome(sender, "lost"), "rejected");
  broker.faults.holdConfirms();
  const held = outcome(sender, "held");
  await broker.waitForMessages("orders", 1);
  broker.faults.confirmNormally();
  assert.equal(await held, "accepted");
});

/** A client of amqplib with a channel on which publishes are confirmed, and a durable queue "orders". */
async function openClient(
  context: TestContext,
  broker: EmbeddedBroker,
): Promise<{ connection: ChannelModel; channel: ConfirmChannel }> {
  const connection = await connect(broker.url);
  connection.on("error", () => {});
  context.after(() => connection.close().catch(() => {}));
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue("orders", { durable: true });
  return { connection, channel };
}

/** Resolves with the confirm of a persistent message, rejects with its nack. */
async function publish(channel: ConfirmChannel, body: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    channel.sendToQueue("orders", Buffer.from(body), { persistent: true }, (error) =>
      error === null ? resolve() : reject(error),
    );
  });
}

async function outcome(sender: Sender, body: string): Promise<string> {
  const delivery: Delivery = sender.send({ body });
  return new Promise((resolve) => {
    for (const name of ["accepted", "rejected", "released", "modified"]) {
      sender.on(name, (event: EventContext) => event.delivery === delivery && resolve(name));
    }
  });
}
