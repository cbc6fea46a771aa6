import assert from "node:assert/strict";
import { test } from "node:test";
import type { Channel } from "../../src/client/channel.ts";
import { Client } from "../../src/client/client.ts";
import { ChannelClosedError, ConnectionClosedError, ConnectionLostError } from "../../src/client/errors.ts";
import type { ClientOptions } from "../../src/client/handshake.ts";
import type { Delivery, ReturnedMessage } from "../../src/client/message.ts";
import { ManualClock } from "../../src/lib/manual-clock.ts";
import { tableFrom } from "../../src/wire/field-table.ts";
import { startTestBroker, type TestBroker } from "../support/test-broker.ts";

function clientTest(title: string, body: (broker: TestBroker, clock: ManualClock) => Promise<void>): void {
  test(title, async () => {
    const clock = new ManualClock();
    const broker = startTestBroker({ clock });
    try {
      await body(broker, clock);
    } finally {
      await broker.close();
    }
  });
}

/** A channel with a queue `q`, which is exclusive. */
async function withQueue(broker: TestBroker, options?: ClientOptions): Promise<{ client: Client; channel: Channel }> {
  const client = await Client.connect(broker.connect(), options);
  const channel = await client.openChannel();
  await channel.call("queue.declare", { queue: "q", exclusive: true });
  return { client, channel };
}

clientTest("[client/connect] shakes hands and learns what the broker says of itself", async (broker) => {
  const client = await Client.connect(broker.connect());
  assert.equal(client.serverProperties.get("product")?.value, "Leveret");
  assert.equal(client.frameBytesMax, 131_072);
});

clientTest("[client/connect] frameBytesMax lowers the broker's offer and cannot raise it", async (broker) => {
  assert.equal((await Client.connect(broker.connect(), { frameBytesMax: 4096 })).frameBytesMax, 4096);
  assert.equal((await Client.connect(broker.connect(), { frameBytesMax: 1_000_000 })).frameBytesMax, 131_072);
});

clientTest("[client/connect] bad credentials are ConnectionClosedError 403", async (broker) => {
  await assert.rejects(Client.connect(broker.connect(), { password: "wrong" }), {
    name: "ConnectionClosedError",
    replyCode: 403,
    replyText: /^ACCESS_REFUSED - Login was refused/,
  });
});

clientTest(
  "[client/connect] an unknown vhost is ConnectionClosedError 530 with the ids of connection.open",
  async (broker) => {
    await assert.rejects(Client.connect(broker.connect(), { vhost: "nowhere" }), {
      name: "ConnectionClosedError",
      replyCode: 530,
      replyText: "NOT_ALLOWED - vhost nowhere not found",
      classId: 10,
      methodId: 40,
    });
  },
);

clientTest("[client/call] returns the arguments of the reply", async (broker) => {
  const { channel } = await withQueue(broker);
  const declared = await channel.call("queue.declare", { queue: "q", passive: true });
  assert.deepEqual(declared, { queue: "q", messageCount: 0, consumerCount: 0 });
});

clientTest("[client/call] replies go to their calls when many are under way", async (broker) => {
  const { channel } = await withQueue(broker);
  const names = Array.from({ length: 50 }, (_, index) => `many-${index}`);
  const replies = await Promise.all(names.map((queue) => channel.call("queue.declare", { queue, exclusive: true })));
  assert.deepEqual(
    replies.map(({ queue }) => queue),
    names,
  );
});

clientTest("[client/consume] the first delivery right behind consume-ok finds its consumer", async (broker) => {
  const { channel } = await withQueue(broker);
  const properties = { messageId: "m", headers: tableFrom({ a: 1 }) };
  channel.publish({ routingKey: "q" }, Buffer.from("hello"), properties);
  const delivery = await new Promise<Delivery>((resolve) => void channel.consume({ queue: "q" }, resolve));
  assert.equal(delivery.body.toString(), "hello");
  assert.deepEqual(delivery.properties, properties);
  assert.deepEqual([delivery.args.deliveryTag, delivery.args.routingKey], [1, "q"]);
});

clientTest("[client/consume] bodies of many frames are put together", async (broker) => {
  const { channel } = await withQueue(broker, { frameBytesMax: 4096 });
  const body = Buffer.alloc(100_000, "0123456789");
  channel.publish({ routingKey: "q" }, body);
  const delivery = await new Promise<Delivery>((resolve) => void channel.consume({ queue: "q" }, resolve));
  assert.ok(delivery.body.equals(body));
});

clientTest("[client/consume] after cancel no delivery comes", async (broker) => {
  const { channel } = await withQueue(broker);
  let count = 0;
  const tag = await channel.consume({ queue: "q", noAck: true }, () => count++);
  await channel.cancel(tag);
  channel.publish({ routingKey: "q" }, Buffer.from("late"));
  assert.equal((await channel.get({ queue: "q" }))?.body.toString(), "late");
  assert.equal(count, 0);
});

clientTest("[client/consume] onCancel is called when the queue is deleted", async (broker) => {
  const { channel } = await withQueue(broker);
  const cancelled = new Promise<void>((resolve) => void channel.consume({ queue: "q" }, () => {}, resolve));
  await channel.call("queue.delete", { queue: "q" });
  await cancelled;
});

clientTest("[client/get] is undefined for an empty queue; ack settles", async (broker) => {
  const { channel } = await withQueue(broker);
  assert.equal(await channel.get({ queue: "q" }), undefined);
  channel.publish({ routingKey: "q" }, Buffer.from("a"));
  const message = await channel.get({ queue: "q" });
  assert.equal(message?.body.toString(), "a");
  channel.ack(message?.args.deliveryTag ?? 0);
  await channel.call("basic.recover", { requeue: true });
  assert.equal(await channel.get({ queue: "q" }), undefined);
});

clientTest("[client/confirm] publishConfirmed and allConfirmed wait for the confirms", async (broker) => {
  const { channel } = await withQueue(broker);
  await channel.confirmSelect();
  await channel.publishConfirmed({ routingKey: "q" }, Buffer.from("a"));
  const publisher = channel.publisher({ routingKey: "q" });
  const tags = Array.from({ length: 100 }, () => publisher.publish(Buffer.from("b")));
  assert.deepEqual([tags[0], tags.at(-1), channel.unconfirmedCount], [2, 101, 100]);
  await channel.allConfirmed();
  assert.equal(channel.unconfirmedCount, 0);
  assert.equal((await channel.call("queue.purge", { queue: "q" })).messageCount, 101);
});

clientTest("[client/confirm] without confirm mode publish returns 0 and allConfirmed fails", async (broker) => {
  const { channel } = await withQueue(broker);
  assert.equal(channel.publish({ routingKey: "q" }, Buffer.from("a")), 0);
  await assert.rejects(channel.allConfirmed(), /not in confirm mode/);
});

clientTest("[client/return] onReturn gets unroutable mandatory messages", async (broker) => {
  const { channel } = await withQueue(broker);
  const returned = new Promise<ReturnedMessage>((resolve) => {
    channel.onReturn = resolve;
  });
  channel.publish({ routingKey: "nowhere", mandatory: true }, Buffer.from("back"));
  const { args, body } = await returned;
  assert.deepEqual([args.replyCode, args.replyText, body.toString()], [312, "NO_ROUTE", "back"]);
});

clientTest("[client/channel] an error of the broker rejects what is under way and what comes later", async (broker) => {
  const { client, channel } = await withQueue(broker);
  const failing = channel.call("queue.declare", { queue: "missing", passive: true });
  const behind = channel.call("access.request");
  const expected = {
    name: "ChannelClosedError",
    replyCode: 404,
    replyText: "NOT_FOUND - no queue 'missing' in vhost '/'",
    classId: 50,
    methodId: 10,
  };
  await Promise.all([assert.rejects(failing, expected), assert.rejects(behind, expected)]);
  await assert.rejects(channel.call("access.request"), expected);
  assert.throws(() => channel.publish({ routingKey: "q" }, Buffer.from("a")), expected);
  assert.ok((await channel.closed) instanceof ChannelClosedError);
  await (await client.openChannel()).call("access.request");
});

clientTest("[client/channel] close frees the number", async (broker) => {
  const client = await Client.connect(broker.connect());
  const first = await client.openChannel();
  const second = await client.openChannel();
  await first.close();
  const third = await client.openChannel();
  assert.deepEqual([first.number, second.number, third.number], [1, 2, 1]);
  await assert.rejects(first.call("access.request"), { name: "ChannelClosedError", replyCode: 200 });
  await third.call("access.request");
});

clientTest("[client/channel] a close that crosses the broker's leaves the number usable", async (broker) => {
  const { client, channel } = await withQueue(broker);
  const failing = channel.call("queue.declare", { queue: "missing", passive: true });
  await Promise.all([assert.rejects(failing, { replyCode: 404 }), channel.close()]);
  const again = await client.openChannel();
  assert.equal(again.number, channel.number);
  await again.call("access.request");
});

clientTest("[client/connection] an error of the broker fails every channel", async (broker) => {
  const { client, channel } = await withQueue(broker);
  const other = await client.openChannel();
  const expected = { name: "ConnectionClosedError", replyCode: 540, classId: 20, methodId: 20 };
  const calls = [channel.call("channel.flow", { active: false }), other.call("access.request")];
  await Promise.all(calls.map((call) => assert.rejects(call, expected)));
  await assert.rejects(client.openChannel(), expected);
  assert.ok((await client.closed) instanceof ConnectionClosedError);
});

clientTest("[client/connection] close ends everything in an orderly way", async (broker) => {
  const { client, channel } = await withQueue(broker);
  await client.close();
  await assert.rejects(channel.call("access.request"), { name: "ConnectionClosedError", replyCode: 200 });
  await assert.rejects(client.close(), { replyCode: 200 });
});

clientTest("[client/connection] a stream that is lost is ConnectionLostError everywhere", async (broker) => {
  const stream = broker.connect();
  const client = await Client.connect(stream);
  const channel = await client.openChannel();
  stream.destroy();
  assert.ok((await client.closed) instanceof ConnectionLostError);
  await assert.rejects(channel.call("access.request"), { name: "ConnectionLostError" });
});

clientTest("[client/heartbeat] keeps an idle connection alive", async (broker, clock) => {
  const client = await Client.connect(broker.connect(), { heartbeatSeconds: 10 }, clock);
  const channel = await client.openChannel();
  for (let second = 0; second < 120; second++) {
    clock.advance(1000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await channel.call("access.request");
});
