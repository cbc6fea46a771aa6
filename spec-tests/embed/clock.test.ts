import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { AMQPClient } from "@cloudamqp/amqp-client";
import { connect } from "amqplib";
import { ManualClock, startBroker } from "../../src/index.ts";
import { brokerOfTest } from "./broker-of-test.ts";

const HOUR_MILLISECONDS = 3_600_000;

test("[embedding/clock] a message of an hour's time to live dies when the clock has moved an hour, not before", async (context) => {
  const broker = await brokerOfTest(context, { clock: new ManualClock() });
  const channel = await broker.openChannel();
  await channel.declareQueue("dead");
  await channel.declareQueue("short", {
    arguments: {
      "x-message-ttl": HOUR_MILLISECONDS,
      "x-dead-letter-exchange": "",
      "x-dead-letter-routing-key": "dead",
    },
  });
  await channel.sendToQueue("short", "mortal");

  await broker.advance(HOUR_MILLISECONDS - 1);
  assert.equal(broker.queue("short")?.readyCount, 1);
  await broker.advance(1);
  assert.equal(broker.queue("short")?.readyCount, 0);
  assert.equal((await channel.get("dead"))?.text, "mortal");
});

test("[embedding/clock] what follows from a step happens at its own time within one long step", async (context) => {
  const broker = await brokerOfTest(context, { clock: new ManualClock() });
  const channel = await broker.openChannel();
  const hops = 3;
  await channel.declareQueue("hop-3");
  for (let hop = hops - 1; hop >= 0; hop--) {
    await channel.declareQueue(`hop-${hop}`, {
      arguments: {
        "x-message-ttl": 1000,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": `hop-${hop + 1}`,
      },
    });
  }
  await channel.sendToQueue("hop-0", "traveller");
  await broker.advance(2999);
  assert.equal(broker.queue("hop-2")?.readyCount, 1);
  await broker.advance(HOUR_MILLISECONDS);
  const message = await channel.get("hop-3");
  const deaths = message?.properties.headers["x-death"] as { time: number }[];
  const [last, , first] = deaths.map(({ time }) => time);
  assert.equal(deaths.length, hops);
  assert.equal((last as number) - (first as number), 2, "each death is told with the second in which it was due");
});

test("[embedding/clock] a silent client is dropped when two heartbeats have passed", async (context) => {
  const broker = await brokerOfTest(context, { clock: new ManualClock(), heartbeatSeconds: 10 });
  const client = await connect(`${broker.url}?heartbeat=10`);
  const lost = once(client, "error");
  await broker.advance(60_000);
  assert.match(String(await lost), /Unexpected close/);
});

test("[embedding/clock] time that passes only for the broker does not cost a client its connection", async (context) => {
  const broker = await brokerOfTest(context, { clock: new ManualClock() });
  const client = await new AMQPClient(broker.url).connect();
  await broker.advance(24 * HOUR_MILLISECONDS);
  const channel = await client.channel();
  await channel.queueDeclare("still-here");
  await client.close();
});

test("[embedding/clock] advance needs a clock that can be moved, and a time that goes forward", async (context) => {
  const real = await brokerOfTest(context, {});
  await assert.rejects(real.advance(1), /start the broker with `clock: new ManualClock\(\)`/);
  const manual = await brokerOfTest(context, { clock: new ManualClock() });
  for (const wrong of [-1, Number.NaN, Number.POSITIVE_INFINITY])
    await assert.rejects(manual.advance(wrong), RangeError);
});

test("[embedding/clock] steps that are asked for at one time are taken one after the other", async (context) => {
  const clock = new ManualClock();
  const broker = await brokerOfTest(context, { clock });
  const start = clock.now();
  await Promise.all([broker.advance(700_000), broker.advance(100)]);
  assert.equal(clock.now() - start, 700_100);
});

test("[embedding/seed] the names the broker makes up are the same in every run", async () => {
  const names: string[] = [];
  for (let run = 0; run < 2; run++) {
    const broker = await startBroker({ seed: 7 });
    const channel = await broker.openChannel();
    const { name } = await channel.declareQueue("");
    const consumer = await channel.consume(name, () => {});
    names.push(`${name} ${consumer.consumerTag}`);
    await broker.close();
  }
  assert.equal(names[0], names[1]);
  assert.match(names[0] as string, /^amq\.gen-\S{22} amq\.ctag-\S{22}$/);
});
