import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { EmbeddedBroker } from "../../../src/embed/embedded-broker.ts";
import type { InProcessChannel } from "../../../src/embed/in-process-channel.ts";
import { startBroker } from "../../../src/embed/start-broker.ts";
import { ManualClock } from "../../../src/lib/manual-clock.ts";

const TYPE = "x-delayed-message";
const DELAY = 1000;

interface Fixture {
  readonly broker: EmbeddedBroker;
  readonly channel: InProcessChannel;
}

/** A broker with the exchange "x", that delays and then routes as `type`, and the queues "a" and "b". */
async function fixture(context: TestContext, type = "direct"): Promise<Fixture> {
  const broker = await startBroker({ clock: new ManualClock() });
  context.after(() => broker.close());
  const channel = await broker.openChannel();
  await declare(channel, type);
  for (const queue of ["a", "b"]) await channel.declareQueue(queue);
  return { broker, channel };
}

function declare(channel: InProcessChannel, type: string): Promise<void> {
  return channel.declareExchange("x", TYPE, { arguments: { "x-delayed-type": type } });
}

/** Publishes a message that waits, and lets it go. */
async function publishAndWait({ broker, channel }: Fixture, key: string, headers: object = {}): Promise<void> {
  await channel.publish("x", key, "body", { headers: { ...headers, "x-delay": DELAY } });
  await broker.advance(DELAY);
}

function counts({ broker }: Fixture): (number | undefined)[] {
  return ["a", "b"].map((name) => broker.queue(name)?.readyCount);
}

test(`[${TYPE}/routes] a message that has waited goes where the bindings lead by then, whatever went before`, async (t) => {
  const at = await fixture(t, "topic");
  await publishAndWait(at, "key");
  assert.deepEqual(counts(at), [0, 0]);
  await at.channel.bindQueue("a", "x", "k*");
  await at.channel.bindQueue("a", "x", "key");
  await publishAndWait(at, "key");
  assert.deepEqual(counts(at), [1, 0]);
  await at.channel.bindQueue("b", "x", "#");
  await publishAndWait(at, "key");
  assert.deepEqual(counts(at), [2, 1]);
  await at.channel.unbindQueue("a", "x", "key");
  await publishAndWait(at, "key");
  assert.deepEqual(counts(at), [2, 2]);
  await at.channel.deleteQueue("b");
  await publishAndWait(at, "key");
  assert.deepEqual(counts(at), [2, undefined]);
});

test(`[${TYPE}/routes] the same of exchanges further on`, async (t) => {
  const at = await fixture(t, "fanout");
  await at.channel.declareExchange("further", "direct");
  await at.channel.bindExchange("further", "x");
  await at.channel.bindQueue("a", "further", "key");
  await publishAndWait(at, "key");
  await at.channel.bindQueue("b", "further", "key");
  await publishAndWait(at, "key");
  assert.deepEqual(counts(at), [2, 1]);
  await at.channel.deleteExchange("further");
  await publishAndWait(at, "key");
  assert.deepEqual(counts(at), [2, 1]);
});

test(`[${TYPE}/routes] messages of one key with and without a delay, in turn`, async (t) => {
  const at = await fixture(t);
  const returned: string[] = [];
  at.channel.onReturn = ({ body }) => returned.push(body.toString());
  for (let round = 0; round < 3; round++) {
    await at.channel.publish("x", "key", `now ${round}`, { mandatory: true });
    await at.channel.publish("x", "key", `later ${round}`, { mandatory: true, headers: { "x-delay": DELAY } });
  }
  assert.deepEqual(returned, ["now 0", "now 1", "now 2"]);
  await at.channel.bindQueue("a", "x", "key");
  await at.broker.advance(DELAY);
  assert.deepEqual(counts(at), [3, 0]);
  await at.channel.publish("x", "key", "now");
  assert.deepEqual(counts(at), [4, 0]);
});

test(`[${TYPE}/routes] CC keys count, also behind messages of the same key without any`, async (t) => {
  const at = await fixture(t);
  await at.channel.bindQueue("a", "x", "key");
  await at.channel.bindQueue("b", "x", "copy");
  await publishAndWait(at, "key");
  await publishAndWait(at, "key", { CC: ["copy"] });
  await publishAndWait(at, "key");
  assert.deepEqual(counts(at), [3, 1]);
});

test(`[${TYPE}/routes] an exchange of the same name that is declared anew delays by itself`, async (t) => {
  const at = await fixture(t);
  await at.channel.publish("x", "key", "gone", { headers: { "x-delay": DELAY } });
  await at.channel.deleteExchange("x");
  await declare(at.channel, "fanout");
  await at.channel.bindQueue("a", "x", "");
  await publishAndWait(at, "key");
  assert.deepEqual(counts(at), [1, 0]);
  await at.channel.deleteExchange("x");
  await at.channel.declareExchange("x", "fanout");
  await at.channel.bindQueue("b", "x", "");
  await at.channel.publish("x", "key", "at once", { headers: { "x-delay": DELAY } });
  assert.deepEqual(counts(at), [1, 1]);
});
