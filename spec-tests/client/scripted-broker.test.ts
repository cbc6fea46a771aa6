import assert from "node:assert/strict";
import type { Duplex } from "node:stream";
import { test } from "node:test";
import { completeArguments, type SomeArguments } from "../../src/client/arguments.ts";
import type { Channel } from "../../src/client/channel.ts";
import { Client } from "../../src/client/client.ts";
import type { ClientOptions } from "../../src/client/handshake.ts";
import { duplexPair } from "../../src/lib/duplex-pair.ts";
import { ManualClock } from "../../src/lib/manual-clock.ts";
import { FRAME_BODY } from "../../src/wire/frame.ts";
import { encodeMethodFrame } from "../../src/wire/method-codec.ts";
import type { MethodName } from "../../src/wire/methods.ts";
import { frameBytes } from "../support/raw-frames.ts";

/** A broker that says what the test tells it to, whatever the client says. */
class ScriptedBroker {
  readonly clientEnd: Duplex;
  readonly #end: Duplex;

  constructor() {
    [this.clientEnd, this.#end] = duplexPair();
    this.#end.resume();
  }

  write(bytes: Uint8Array): void {
    this.#end.write(bytes);
  }

  send<N extends MethodName>(channel: number, name: N, args: SomeArguments<N> = {}): void {
    this.write(encodeMethodFrame(channel, name, completeArguments(name, args)));
  }

  async connect(options: ClientOptions = {}, clock?: ManualClock): Promise<Client> {
    const connecting = Client.connect(this.clientEnd, options, clock);
    this.send(0, "connection.start", { mechanisms: Buffer.from("PLAIN AMQPLAIN") });
    await turn();
    this.send(0, "connection.tune", { heartbeat: 10 });
    await turn();
    this.send(0, "connection.open-ok");
    return connecting;
  }

  async openChannel(client: Client): Promise<Channel> {
    const opening = client.openChannel();
    this.send(1, "channel.open-ok");
    return opening;
  }

  async confirmChannel(): Promise<Channel> {
    const channel = await this.openChannel(await this.connect());
    const selecting = channel.confirmSelect();
    this.send(1, "confirm.select-ok");
    await selecting;
    return channel;
  }
}

async function turn(): Promise<void> {
  for (let round = 0; round < 3; round++) await new Promise((resolve) => setImmediate(resolve));
}

test("[client/connect] a broker that asks for another protocol is named", async () => {
  const broker = new ScriptedBroker();
  const connecting = Client.connect(broker.clientEnd);
  broker.write(Buffer.from("AMQP\x03\x01\x00\x00", "latin1"));
  await assert.rejects(connecting, { name: "ConnectionLostError", message: /AMQP 0-9-1 but 3-1-0-0/ });
});

test("[client/connect] a broker without PLAIN is refused", async () => {
  const broker = new ScriptedBroker();
  const connecting = Client.connect(broker.clientEnd);
  broker.send(0, "connection.start", { mechanisms: Buffer.from("EXTERNAL") });
  await assert.rejects(connecting, { name: "ConnectionLostError", message: /no mechanism PLAIN, only EXTERNAL/ });
});

test("[client/connect] no limit on the broker's side becomes a limit of the client", async () => {
  assert.equal((await new ScriptedBroker().connect()).frameBytesMax, 131_072);
  assert.equal((await new ScriptedBroker().connect({ frameBytesMax: 8192 })).frameBytesMax, 8192);
});

test("[client/confirm] basic.nack rejects the publish, multiple settles all up to the tag", async () => {
  const broker = new ScriptedBroker();
  const channel = await broker.confirmChannel();
  const publishes = Array.from({ length: 5 }, () => channel.publishConfirmed({ routingKey: "q" }, Buffer.from("a")));
  broker.send(1, "basic.nack", { deliveryTag: 2 });
  broker.send(1, "basic.ack", { deliveryTag: 4, multiple: true });
  broker.send(1, "basic.nack", { deliveryTag: 5, multiple: true });
  const outcomes = (await Promise.allSettled(publishes)).map(({ status }) => status);
  assert.deepEqual(outcomes, ["fulfilled", "rejected", "fulfilled", "fulfilled", "rejected"]);
  await assert.rejects(publishes[1] as Promise<void>, { name: "PublishRejectedError", deliveryTag: 2 });
});

test("[client/confirm] allConfirmed tells of a rejection once", async () => {
  const broker = new ScriptedBroker();
  const channel = await broker.confirmChannel();
  for (let index = 0; index < 3; index++) channel.publish({ routingKey: "q" }, Buffer.from("a"));
  const seen: [number, boolean, boolean][] = [];
  channel.onConfirm = (...confirm) => seen.push(confirm);
  broker.send(1, "basic.nack", { deliveryTag: 2 });
  broker.send(1, "basic.ack", { deliveryTag: 3, multiple: true });
  await assert.rejects(channel.allConfirmed(), { name: "PublishRejectedError", deliveryTag: 2 });
  await channel.allConfirmed();
  assert.deepEqual(seen, [
    [2, false, false],
    [3, true, true],
  ]);
});

test("[client/confirm] a lost connection rejects what is unconfirmed", async () => {
  const broker = new ScriptedBroker();
  const channel = await broker.confirmChannel();
  const publish = channel.publishConfirmed({ routingKey: "q" }, Buffer.from("a"));
  broker.clientEnd.destroy();
  await assert.rejects(publish, { name: "ConnectionLostError" });
});

test("[client/connection] onBlocked hears of blocked and unblocked", async () => {
  const broker = new ScriptedBroker();
  const client = await broker.connect();
  const seen: (string | undefined)[] = [];
  client.onBlocked = (reason) => seen.push(reason);
  broker.send(0, "connection.blocked", { reason: "low on memory" });
  broker.send(0, "connection.unblocked");
  await turn();
  assert.deepEqual(seen, ["low on memory", undefined]);
});

test("[client/connection] a reply that nobody asked for is ConnectionLostError", async () => {
  const broker = new ScriptedBroker();
  const client = await broker.connect();
  const channel = await broker.openChannel(client);
  const call = channel.call("queue.declare", { queue: "q" });
  broker.send(1, "queue.bind-ok");
  await assert.rejects(call, /sent queue.bind-ok where queue.declare-ok was expected/);
  assert.match((await client.closed).message, /queue.bind-ok/);
});

test("[client/connection] content out of order and garbage are errors of the connection", async () => {
  for (const bytes of [frameBytes(FRAME_BODY, 1, Buffer.from("a")), Buffer.alloc(100, 0xff)]) {
    const broker = new ScriptedBroker();
    const client = await broker.connect();
    await broker.openChannel(client);
    broker.write(bytes);
    assert.ok((await client.closed) instanceof Error);
    assert.equal(broker.clientEnd.destroyed, true);
  }
});

test("[client/heartbeat] a silent broker is lost after two and a half intervals", async () => {
  const clock = new ManualClock();
  const client = await new ScriptedBroker().connect({}, clock);
  let lost: Error | undefined;
  void client.closed.then((error) => {
    lost = error;
  });
  clock.advance(24_000);
  await turn();
  assert.equal(lost, undefined);
  clock.advance(1_000);
  await turn();
  assert.match(String(lost), /ConnectionLostError: no sign of life from the broker for 25 s/);
  assert.equal(clock.pendingCount, 0);
});
