import assert from "node:assert/strict";
import type { SomeArguments } from "../../src/client/arguments.ts";
import { EMPTY_TABLE, type FieldTable, tableFrom } from "../../src/wire/field-table.ts";
import { methodTest } from "../support/method-test.ts";
import { consume, declareExchange, declareQueue, declareSharedQueue, fill, lockedText } from "../support/queues.ts";

type Declare = SomeArguments<"queue.declare">;

methodTest(
  "[queue.declare] declare-ok carries the name, no messages and no consumers of a new queue",
  async (broker) => {
    const client = await broker.channel();
    const queue = broker.name("queue");
    const declared = await client.call(1, "queue.declare", { queue, exclusive: true });
    assert.deepEqual(declared, { queue, messageCount: 0, consumerCount: 0 });
  },
);

methodTest("[queue.declare] counts ready messages and consumers", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await fill(client, queue, ["a", "b", "c"]);
  await client.get(1, { queue });
  const declared = await client.call(1, "queue.declare", { queue, exclusive: true });
  assert.deepEqual(declared, { queue, messageCount: 2, consumerCount: 0 });
  await client.call(1, "basic.qos", { prefetchCount: 1 });
  await consume(client, queue, { consumerTag: "one" });
  await client.find(1, "basic.deliver");
  await consume(client, queue, { consumerTag: "other" });
  await client.find(1, "basic.deliver");
  const consumed = await client.call(1, "queue.declare", { queue, passive: true });
  assert.deepEqual(consumed, { queue, messageCount: 0, consumerCount: 2 });
});

methodTest("[queue.declare/no-wait] creates without a reply", async (broker) => {
  const client = await broker.channel();
  const queue = broker.name("queue");
  client.send(1, "queue.declare", { queue, exclusive: true, noWait: true });
  await client.call(1, "queue.declare", { queue, passive: true });
});

methodTest(
  "[queue.declare/server-named] an empty name becomes amq.gen- and 22 base64url characters",
  async (broker) => {
    const client = await broker.channel();
    const one = (await client.call(1, "queue.declare", { exclusive: true })).queue;
    const other = (await client.call(1, "queue.declare", { exclusive: true })).queue;
    for (const queue of [one, other]) assert.match(queue, /^amq\.gen-[A-Za-z0-9_-]{22}$/);
    assert.notEqual(one, other);
  },
);

methodTest("[queue.declare/passive] a missing queue is 404 NOT_FOUND - no queue 'x' in vhost '/'", async (broker) => {
  const client = await broker.channel();
  const queue = broker.name("missing");
  client.send(1, "queue.declare", { queue, passive: true });
  await client.expectChannelClose(1, 404, `NOT_FOUND - no queue '${queue}' in vhost '/'`, 50, 10);
});

methodTest("[queue.declare/passive] ignores properties and arguments", async (broker) => {
  const client = await broker.channel();
  const queue = await declareSharedQueue(broker, client);
  const args = tableFrom({ "x-message-ttl": 1000 });
  await client.call(1, "queue.declare", { queue, passive: true, durable: true, autoDelete: true, arguments: args });
});

methodTest("[queue.declare/passive] the empty name is not expanded: 404 no queue ''", async (broker) => {
  const client = await broker.channel();
  await declareQueue(broker, client);
  client.send(1, "queue.declare", { queue: "", passive: true });
  await client.expectChannelClose(1, 404, "NOT_FOUND - no queue '' in vhost '/'", 50, 10);
});

methodTest("[queue.declare/reserved] a new amq.* name is 403 contains reserved prefix 'amq.*'", async (broker) => {
  const client = await broker.channel();
  const queue = `amq.${broker.name("queue")}`;
  client.send(1, "queue.declare", { queue });
  const text = `ACCESS_REFUSED - queue name '${queue}' contains reserved prefix 'amq.*'`;
  await client.expectChannelClose(1, 403, text, 50, 10);
});

methodTest("[queue.declare/reserved] an existing amq.* name may be declared passively", async (broker) => {
  const client = await broker.channel();
  const { queue } = await client.call(1, "queue.declare", { exclusive: true });
  await client.call(1, "queue.declare", { queue, passive: true });
});

methodTest("[queue.declare/reserved] a missing amq.* name declared passively is 404", async (broker) => {
  const client = await broker.channel();
  client.send(1, "queue.declare", { queue: "amq.missing", passive: true });
  await client.expectChannelClose(1, 404, "NOT_FOUND - no queue 'amq.missing' in vhost '/'", 50, 10);
});

methodTest("[queue.declare/name] CR and LF are stripped", async (broker) => {
  const client = await broker.channel();
  const queue = broker.name("queue");
  const declared = await client.call(1, "queue.declare", { queue: `\n${queue}\r`, exclusive: true });
  assert.equal(declared.queue, queue);
});

methodTest("[queue.declare/name] 255 octets of any UTF-8, spaces included, are a name", async (broker) => {
  const client = await broker.channel();
  const queue = `${broker.name("")} ${"ü".repeat(100)}`.padEnd(155, "x");
  assert.equal(Buffer.byteLength(queue), 255);
  assert.equal((await client.call(1, "queue.declare", { queue, exclusive: true })).queue, queue);
});

const INEQUIVALENT: readonly { key: string; first: Declare; second: Declare; received: string; current: string }[] = [
  { key: "durable", first: {}, second: { durable: true }, received: "'true'", current: "'false'" },
  { key: "durable", first: { durable: true }, second: {}, received: "'false'", current: "'true'" },
  { key: "auto_delete", first: {}, second: { autoDelete: true }, received: "'true'", current: "'false'" },
];

for (const { key, first, second, received, current } of INEQUIVALENT) {
  methodTest(
    `[queue.declare/equivalence] ${key} ${received} after ${current} is 406 inequivalent arg`,
    async (broker) => {
      const client = await broker.channel();
      const queue = await declareSharedQueue(broker, client, first);
      client.send(1, "queue.declare", { queue, ...second });
      const text = `PRECONDITION_FAILED - inequivalent arg '${key}' for queue '${queue}' in vhost '/': received ${received} but current is ${current}`;
      await client.expectChannelClose(1, 406, text, 50, 10);
      await client.call(1, "channel.open");
      await client.call(1, "queue.delete", { queue });
    },
  );
}

methodTest(
  "[queue.declare/equivalence] durable is checked before auto_delete, that before arguments",
  async (broker) => {
    const client = await broker.channel();
    const queue = await declareSharedQueue(broker, client);
    const args = tableFrom({ "x-max-length": 1 });
    client.send(1, "queue.declare", { queue, durable: true, autoDelete: true, arguments: args });
    await client.expectChannelClose(1, 406, /inequivalent arg 'durable'/, 50, 10);
    await client.call(1, "channel.open");
    client.send(1, "queue.declare", { queue, autoDelete: true, arguments: args });
    await client.expectChannelClose(1, 406, /inequivalent arg 'auto_delete'/, 50, 10);
  },
);

const TTL_1000: FieldTable = new Map([["x-message-ttl", { type: "signedint", value: 1000 }]]);
const TTL_2000: FieldTable = new Map([["x-message-ttl", { type: "signedint", value: 2000 }]]);
const ARGUMENTS: readonly [title: string, first: FieldTable, second: FieldTable, difference: string][] = [
  ["changed", TTL_1000, TTL_2000, "received '2000' but current is '1000'"],
  ["added", EMPTY_TABLE, TTL_1000, "received the value '1000' of type 'signedint' but current is none"],
  ["left out", TTL_1000, EMPTY_TABLE, "received none but current is the value '1000' of type 'signedint'"],
];

for (const [title, first, second, difference] of ARGUMENTS) {
  methodTest(`[queue.declare/equivalence] x-message-ttl ${title} is 406 inequivalent arg`, async (broker) => {
    const client = await broker.channel();
    const queue = await declareQueue(broker, client, { arguments: first });
    client.send(1, "queue.declare", { queue, exclusive: true, arguments: second });
    const text = `PRECONDITION_FAILED - inequivalent arg 'x-message-ttl' for queue '${queue}' in vhost '/': ${difference}`;
    await client.expectChannelClose(1, 406, text, 50, 10);
  });
}

methodTest("[queue.declare/equivalence] integers are equal whatever their width", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client, { arguments: TTL_1000 });
  for (const type of ["short", "unsignedshort", "unsignedint"] as const) {
    const args: FieldTable = new Map([["x-message-ttl", { type, value: 1000 }]]);
    await client.call(1, "queue.declare", { queue, exclusive: true, arguments: args });
  }
  await client.call(1, "queue.declare", { queue, exclusive: true, arguments: tableFrom({ "x-message-ttl": 1000 }) });
});

for (const [title, first, second] of [
  ["an integer and a timestamp", { type: "long", value: 5n }, { type: "timestamp", value: 5n }],
  ["a string and a binary", { type: "longstr", value: "lazy" }, { type: "binary", value: Buffer.from("lazy") }],
  ["an empty table and an empty array", { type: "table", value: EMPTY_TABLE }, { type: "array", value: [] }],
] as const) {
  methodTest(`[queue.declare/equivalence] ${title} are equal when their values are`, async (broker) => {
    const client = await broker.channel();
    const queue = await declareQueue(broker, client, { arguments: new Map([["x-queue-mode", first]]) });
    for (const value of [second, first]) {
      await client.call(1, "queue.declare", { queue, exclusive: true, arguments: new Map([["x-queue-mode", value]]) });
    }
  });
}

for (const [title, first, second, difference] of [
  ["5 and 5.0", 5, { type: "double", value: 5 }, "received '5.0' but current is '5'"],
  ["5 and '5'", 5, "5", "received '5' but current is '5'"],
  ["void and a value", null, "a", "received 'a' but current is none"],
  ["a value and void", "a", null, "received none but current is 'a'"],
] as const) {
  methodTest(`[queue.declare/equivalence] ${title} differ`, async (broker) => {
    const client = await broker.channel();
    const mode = (value: typeof first | typeof second): FieldTable =>
      value !== null && typeof value === "object"
        ? new Map([["x-queue-mode", value]])
        : tableFrom({ "x-queue-mode": value });
    const queue = await declareQueue(broker, client, { arguments: mode(first) });
    client.send(1, "queue.declare", { queue, exclusive: true, arguments: mode(second) });
    const text = `PRECONDITION_FAILED - inequivalent arg 'x-queue-mode' for queue '${queue}' in vhost '/': ${difference}`;
    await client.expectChannelClose(1, 406, text, 50, 10);
  });
}

methodTest(
  "[queue.declare/equivalence] a quorum queue's arguments are compared in an order of their own",
  async (broker) => {
    const client = await broker.channel();
    const names = ["x-dead-letter-exchange", "x-dead-letter-routing-key", "x-expires", "x-max-length", "x-message-ttl"];
    const declared = { "x-queue-type": "quorum" };
    const queue = await declareSharedQueue(broker, client, { durable: true, arguments: tableFrom(declared) });
    const all = {
      "x-message-ttl": 9,
      "x-expires": 60_000,
      "x-dead-letter-exchange": "",
      "x-dead-letter-routing-key": "k",
    };
    const left = new Map(tableFrom({ ...declared, ...all, "x-max-length": 9 }));
    for (const name of names) {
      client.send(1, "queue.declare", { queue, durable: true, arguments: left });
      await client.expectChannelClose(1, 406, new RegExp(`inequivalent arg '${name}'`), 50, 10);
      await client.call(1, "channel.open");
      left.delete(name);
    }
    await client.call(1, "queue.delete", { queue });
  },
);

methodTest("[queue.declare/equivalence] unknown arguments are not compared", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client, { arguments: tableFrom({ "x-mine": "a" }) });
  await client.call(1, "queue.declare", { queue, exclusive: true, arguments: tableFrom({ "x-mine": "b" }) });
  await client.call(1, "queue.declare", { queue, exclusive: true });
});

methodTest("[queue.declare/equivalence] an absent x-queue-type equals classic", async (broker) => {
  const client = await broker.channel();
  const classic = tableFrom({ "x-queue-type": "classic" });
  const queue = await declareSharedQueue(broker, client, { durable: true });
  await client.call(1, "queue.declare", { queue, durable: true, arguments: classic });
  await client.call(1, "queue.delete", { queue });
  await client.call(1, "queue.declare", { queue, durable: true, arguments: classic });
  await client.call(1, "queue.declare", { queue, durable: true });
  await client.call(1, "queue.delete", { queue });
});

for (const passive of [false, true]) {
  const rule = passive ? "queue.declare/exclusive/passive" : "queue.declare/exclusive";
  methodTest(`[${rule}] by another connection is 405 cannot obtain exclusive access`, async (broker) => {
    const owner = await broker.channel();
    const other = await broker.channel();
    const queue = await declareQueue(broker, owner);
    other.send(1, "queue.declare", { queue, exclusive: true, passive });
    await other.expectChannelClose(1, 405, lockedText(queue), 50, 10);
  });
}

for (const exclusive of [false, true]) {
  const change = exclusive ? "a non-exclusive queue as exclusive" : "an exclusive queue as non-exclusive";
  methodTest(`[queue.declare/exclusive] ${change} is 405`, async (broker) => {
    const client = await broker.channel();
    const queue = await declareQueue(broker, client, { exclusive: !exclusive });
    client.send(1, "queue.declare", { queue, exclusive });
    await client.expectChannelClose(1, 405, lockedText(queue), 50, 10);
  });
}

methodTest("[queue.declare/exclusive] exclusivity is checked before equivalence", async (broker) => {
  const owner = await broker.channel();
  const other = await broker.channel();
  const queue = await declareQueue(broker, owner);
  other.send(1, "queue.declare", { queue, durable: true, autoDelete: true });
  await other.expectChannelClose(1, 405, lockedText(queue), 50, 10);
});

methodTest("[queue.declare/exclusive] every channel of the owner may use the queue", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client);
  await client.call(2, "channel.open");
  await client.call(2, "queue.declare", { queue, exclusive: true });
  await client.call(2, "queue.delete", { queue });
});

methodTest("[queue.declare/exclusive] a durable exclusive queue may be declared again as it was", async (broker) => {
  const client = await broker.channel();
  const queue = await declareQueue(broker, client, { durable: true });
  await client.call(1, "queue.declare", { queue, exclusive: true, durable: true });
});

methodTest("[queue.declare/exclusive] the queue is gone when the owner's close-ok arrives", async (broker) => {
  const owner = await broker.channel();
  const queue = await declareQueue(broker, owner);
  await owner.close();
  const other = await broker.channel();
  other.send(1, "queue.declare", { queue, passive: true });
  await other.expectChannelClose(1, 404, `NOT_FOUND - no queue '${queue}' in vhost '/'`, 50, 10);
});

methodTest("[queue.declare/auto-delete] the queue goes with its last consumer", async (broker) => {
  const client = await broker.channel();
  const queue = await declareSharedQueue(broker, client, { autoDelete: true });
  await consume(client, queue, { consumerTag: "one" });
  await consume(client, queue, { consumerTag: "other" });
  await client.call(1, "basic.cancel", { consumerTag: "one" });
  await client.call(1, "queue.declare", { queue, passive: true });
  await client.call(1, "basic.cancel", { consumerTag: "other" });
  client.send(1, "queue.declare", { queue, passive: true });
  await client.expectChannelClose(1, 404, `NOT_FOUND - no queue '${queue}' in vhost '/'`, 50, 10);
});

methodTest("[queue.declare/auto-delete] a queue that never had a consumer stays; basic.get is none", async (broker) => {
  const client = await broker.channel();
  const queue = await declareSharedQueue(broker, client, { autoDelete: true });
  assert.equal(await client.get(1, { queue }), undefined);
  await client.call(1, "queue.declare", { queue, passive: true });
  await client.call(1, "queue.delete", { queue });
});

methodTest("[queue.declare/transient] a non-durable, non-exclusive queue is allowed", async (broker) => {
  const client = await broker.channel();
  const queue = await declareSharedQueue(broker, client);
  await client.call(1, "queue.delete", { queue });
});

methodTest("[queue.declare/durable] later methods wait for the declare and are answered in order", async (broker) => {
  const client = await broker.channel();
  const exchange = await declareExchange(broker, client);
  const queue = broker.name("queue");
  client.send(1, "queue.declare", { queue, durable: true });
  client.send(1, "queue.bind", { queue, exchange, routingKey: "key" });
  client.publish(1, { exchange, routingKey: "key" }, "a");
  client.send(1, "basic.get", { queue, noAck: true });
  client.send(1, "queue.delete", { queue });
  await client.expect(1, "queue.declare-ok");
  await client.expect(1, "queue.bind-ok");
  assert.equal((await client.expectContent(1, "basic.get-ok")).body.toString(), "a");
  await client.expect(1, "queue.delete-ok");
});
