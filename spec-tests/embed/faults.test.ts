import assert from "node:assert/strict";
import { test } from "node:test";
import { AMQPClient } from "@cloudamqp/amqp-client";
import { ConnectionClosedError, ConnectionLostError, ManualClock, PublishRejectedError } from "../../src/index.ts";
import { openWebSocketClient } from "../support/websocket-client.ts";
import { brokerOfTest } from "./broker-of-test.ts";

test("[embedding/faults] dropped connections: clients see their sockets go, and what they had not acknowledged is ready again", async (context) => {
  const broker = await brokerOfTest(context, {});
  const client = await new AMQPClient(broker.url).connect();
  const lost = new Promise((resolve) => {
    client.onerror = resolve;
  });
  const channel = await client.channel();
  await channel.queueDeclare("work", { durable: true });
  await channel.basicPublish("", "work", "job");
  await channel.basicConsume("work", { noAck: false }, () => {});
  await broker.waitForQueue("work", ({ unackedCount }) => unackedCount === 1);
  const own = await broker.openChannel();

  assert.equal(broker.faults.dropConnections(), 2);
  await lost;
  await broker.waitForQueue("work", ({ readyCount, consumerCount }) => readyCount === 1 && consumerCount === 0);
  await assert.rejects(own.declareQueue("more"), ConnectionLostError);
});

test("[embedding/faults] refused logins are 403 until they are allowed again", async (context) => {
  const broker = await brokerOfTest(context, { loginRefusedDelayMilliseconds: 0 });
  broker.faults.refuseLogins();
  await assert.rejects(new AMQPClient(broker.url).connect(), /ACCESS_REFUSED/);
  await assert.rejects(broker.openChannel(), (error) => {
    assert(error instanceof ConnectionClosedError);
    assert.equal(error.replyCode, 403);
    return true;
  });
  broker.faults.refuseLogins(false);
  await (await broker.openChannel()).close();
});

test("[embedding/faults] refused publishes get basic.nack and are nowhere", async (context) => {
  const broker = await brokerOfTest(context, {});
  const channel = await broker.openChannel();
  await channel.declareQueue("orders");
  broker.faults.refusePublishes();
  await assert.rejects(channel.sendToQueue("orders", "lost"), PublishRejectedError);
  broker.faults.confirmNormally();
  await channel.sendToQueue("orders", "taken");
  await broker.waitForMessages("orders", 1);
});

test("[embedding/faults] held confirms come when they are let go; the messages are there meanwhile", async (context) => {
  const broker = await brokerOfTest(context, {});
  const channel = await broker.openChannel();
  await channel.declareQueue("orders");
  broker.faults.holdConfirms();
  let confirmed = false;
  const publishes = [channel.sendToQueue("orders", "one"), channel.sendToQueue("orders", "two")];
  const all = Promise.all(publishes).then(() => {
    confirmed = true;
  });
  await broker.waitForMessages("orders", 2);
  await broker.settled();
  assert.equal(confirmed, false);
  broker.faults.confirmNormally();
  await all;
});

test("[embedding/faults] delayed confirms come by the broker's clock", async (context) => {
  const broker = await brokerOfTest(context, { clock: new ManualClock() });
  const channel = await broker.openChannel();
  await channel.declareQueue("orders");
  broker.faults.delayConfirms(5000);
  let confirmed = false;
  const publish = channel.sendToQueue("orders", "late").then(() => {
    confirmed = true;
  });
  await broker.waitForMessages("orders", 1);
  await broker.advance(4999);
  assert.equal(confirmed, false);
  await broker.advance(1);
  await publish;
});

test("[embedding/faults] a mandatory message without a queue is returned though confirms are held", async (context) => {
  const broker = await brokerOfTest(context, {});
  const channel = await broker.openChannel();
  const returned: string[] = [];
  channel.onReturn = ({ replyText, routingKey }) => returned.push(`${replyText} ${routingKey}`);
  broker.faults.holdConfirms();
  await channel.sendToQueue("nowhere", "body", { mandatory: true });
  assert.deepEqual(returned, ["NO_ROUTE nowhere"]);
});

test("[embedding/faults] an alarm blocks publishers until it is cleared", async (context) => {
  const broker = await brokerOfTest(context, {});
  const channel = await broker.openChannel();
  await channel.declareQueue("orders");
  broker.faults.raiseAlarm("memory");
  // The publish that meets an alarm is taken; what follows it waits.
  await channel.sendToQueue("orders", "one");
  const second = channel.sendToQueue("orders", "two");
  await broker.settled();
  assert.equal(broker.queue("orders")?.readyCount, 1);
  broker.faults.clearAlarm("memory");
  await second;
  assert.equal(broker.queue("orders")?.readyCount, 2);
});

test("[embedding/faults] while the disk fails persistent messages are refused; once repaired they are taken", async (context) => {
  const clock = new ManualClock();
  const broker = await brokerOfTest(context, { clock });
  const channel = await broker.openChannel();
  await channel.declareQueue("orders", { durable: true });
  broker.faults.failDisk();
  await assert.rejects(channel.sendToQueue("orders", "unsafe", { persistent: true }), /rejected/);
  broker.faults.repairDisk();
  const publish = channel.sendToQueue("orders", "safe", { persistent: true });
  await broker.advance(1000);
  await publish;
});

test("[embedding/faults] clear takes every fault back", async (context) => {
  const broker = await brokerOfTest(context, { clock: new ManualClock() });
  const { faults } = broker;
  faults.refuseLogins();
  faults.holdConfirms();
  faults.raiseAlarm("disk");
  faults.failDisk();
  faults.clear();
  const channel = await broker.openChannel();
  await channel.declareQueue("orders", { durable: true });
  await channel.sendToQueue("orders", "fine", { persistent: true });
});

test("[embedding/faults] the disk is repaired at once, whatever the clock, and a reset broker is as good as new", async (context) => {
  const broker = await brokerOfTest(context, { clock: new ManualClock() });
  const channel = await broker.openChannel();
  await channel.declareQueue("orders", { durable: true });
  broker.faults.failDisk();
  await assert.rejects(channel.sendToQueue("orders", "lost", { persistent: true }), /rejected/);
  await broker.reset();
  const next = await broker.openChannel();
  await next.declareQueue("orders", { durable: true });
  await next.sendToQueue("orders", "taken", { persistent: true });
});

test("[embedding/faults] confirms that are delayed go out when they are to go normally", async (context) => {
  const broker = await brokerOfTest(context, { clock: new ManualClock() });
  const channel = await broker.openChannel();
  await channel.declareQueue("orders");
  broker.faults.delayConfirms(1000);
  const published = channel.sendToQueue("orders", "one");
  await broker.waitForMessages("orders", 1);
  broker.faults.confirmNormally();
  await published;
});

test("[embedding/faults] a blocked WebSocket client is dropped too, and what is its own goes with it", async (context) => {
  const broker = await brokerOfTest(context, {});
  const client = await openWebSocketClient(`ws://127.0.0.1:${broker.port}/ws/amqp`);
  client.onerror = () => {};
  const channel = await client.channel();
  await channel.queueDeclare("own", { exclusive: true });
  broker.faults.raiseAlarm("memory");
  await channel.basicPublish("", "own", "taken");
  await broker.waitForMessages("own", 1);
  await broker.settled();
  assert.equal(broker.faults.dropConnections(), 1);
  await broker.settled();
  assert.equal(broker.queue("own"), undefined);
});
