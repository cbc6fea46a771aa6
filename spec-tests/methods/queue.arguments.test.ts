import { type PlainFieldValue, tableFrom } from "../../src/wire/field-table.ts";
import { methodTest } from "../support/method-test.ts";
import { declareQueue } from "../support/queues.ts";

type Declared = Readonly<Record<string, PlainFieldValue>>;

/** A declare of a durable queue with these arguments fails with 406 and this text about the argument. */
function refused(queueArguments: Declared, name: string, reason: string): void {
  methodTest(`[queue.declare/${name}] ${JSON.stringify(queueArguments)} is 406${reason}`, async (broker) => {
    const client = await broker.channel();
    const queue = broker.name("queue");
    client.send(1, "queue.declare", { queue, durable: true, arguments: tableFrom(queueArguments) });
    const text = `PRECONDITION_FAILED - invalid arg '${name}' for queue '${queue}' in vhost '/'${reason}`;
    await client.expectChannelClose(1, 406, text, 50, 10);
  });
}

refused({ "x-queue-type": "foo" }, "x-queue-type", ": \"unsupported queue type 'foo'\"");
refused({ "x-queue-type": 5 }, "x-queue-type", ": {unacceptable_type,long}");

for (const name of ["x-message-ttl", "x-expires", "x-max-length", "x-max-length-bytes", "x-max-priority"]) {
  refused({ [name]: "5" }, name, ': "expected integer, got longstr"');
  refused({ [name]: true }, name, ': "expected integer, got bool"');
  refused({ [name]: 1.5 }, name, ': "expected integer, got double"');
  refused({ [name]: -1 }, name, ": {value_negative,-1}");
}
for (const name of ["x-message-ttl", "x-expires"]) {
  refused({ [name]: 315_360_000_001 }, name, ": {value_too_large,315360000001}");
}
refused({ "x-expires": 0 }, "x-expires", ": {value_zero,0}");
refused({ "x-max-priority": 256 }, "x-max-priority", ": {max_value_exceeded,256}");
refused({ "x-overflow": "zzz" }, "x-overflow", ": invalid_overflow");
refused({ "x-overflow": 1 }, "x-overflow", ": {unacceptable_type,long}");
refused({ "x-single-active-consumer": "yes" }, "x-single-active-consumer", ": {unacceptable_type,longstr}");
refused({ "x-dead-letter-routing-key": "k" }, "x-dead-letter-routing-key", ": routing_key_but_no_dlx_defined");
refused({ "x-queue-leader-locator": "zzz" }, "x-queue-leader-locator", ": invalid_queue_locator_arg");
refused({ "x-queue-version": 3 }, "x-queue-version", ": \"unsupported queue version '3'\"");

const CLASSIC = " of queue type rabbit_classic_queue";
for (const [name, value] of [
  ["x-dead-letter-strategy", "at-most-once"],
  ["x-delivery-limit", 5],
  ["x-consumer-timeout", 5],
  ["x-consumer-disconnected-timeout", 5],
  ["x-quorum-initial-group-size", 3],
  ["x-initial-cluster-size", 3],
  ["x-max-in-memory-length", 3],
  ["x-max-age", "1D"],
  ["x-stream-max-segment-size-bytes", 100],
  ["x-stream-filter-size-bytes", 20],
] as const) {
  refused({ [name]: value }, name, CLASSIC);
}

const STREAM = " of queue type rabbit_stream_queue";
for (const [name, value] of [
  ["x-message-ttl", 5],
  ["x-expires", 5],
  ["x-max-length", 5],
  ["x-max-priority", 5],
  ["x-overflow", "drop-head"],
  ["x-dead-letter-exchange", "x"],
  ["x-single-active-consumer", true],
  ["x-delivery-limit", 5],
  ["x-queue-mode", "lazy"],
] as const) {
  refused({ "x-queue-type": "stream", [name]: value }, name, STREAM);
}
refused({ "x-queue-type": "stream", "x-max-age": "1x" }, "x-max-age", ": invalid_max_age");
refused({ "x-queue-type": "stream", "x-max-age": 5 }, "x-max-age", ": {unacceptable_type,long}");

methodTest("[queue.declare/x-dead-letter-exchange] that is no text is 406 invalid type", async (broker) => {
  const client = await broker.channel();
  const queue = broker.name("queue");
  client.send(1, "queue.declare", { queue, arguments: tableFrom({ "x-dead-letter-exchange": 5 }) });
  const text = `PRECONDITION_FAILED - invalid type 'long' for arg 'x-dead-letter-exchange' in queue '${queue}' in vhost '/'`;
  await client.expectChannelClose(1, 406, text, 50, 10);
});

for (const [title, queueArguments, text] of [
  [
    "x-stream-max-segment-size-bytes",
    { "x-stream-max-segment-size-bytes": 3_000_000_001 },
    "Exceeded max value for x-stream-max-segment-size-bytes",
  ],
  ["x-stream-filter-size-bytes", { "x-stream-filter-size-bytes": 15 }, "Invalid value for x-stream-filter-size-bytes"],
  ["x-stream-filter-size-bytes", { "x-stream-filter-size-bytes": 256 }, "Invalid value for x-stream-filter-size-bytes"],
] as const) {
  methodTest(`[queue.declare/${title}] ${JSON.stringify(queueArguments)} is 406 ${text}`, async (broker) => {
    const client = await broker.channel();
    const queue = broker.name("queue");
    const table = tableFrom({ "x-queue-type": "stream", ...queueArguments });
    client.send(1, "queue.declare", { queue, durable: true, arguments: table });
    await client.expectChannelClose(1, 406, `PRECONDITION_FAILED - ${text}`, 50, 10);
  });
}

for (const queueArguments of [
  { "x-message-ttl": 0 },
  { "x-message-ttl": 315_360_000_000 },
  { "x-expires": 315_360_000_000 },
  { "x-max-length": 0, "x-max-length-bytes": 0 },
  { "x-max-priority": 0 },
  { "x-max-priority": 255 },
  { "x-overflow": "reject-publish-dlx" },
  { "x-queue-mode": "anything" },
  { "x-queue-version": 2 },
  { "x-queue-leader-locator": "balanced" },
  { "x-queue-leader-locator": "client-local" },
  { "x-queue-leader-locator": "random" },
  { "x-queue-leader-locator": "least-leaders" },
  { "x-queue-leader-locator": "min-masters" },
  { "x-queue-type": "classic", "x-nobody-knows-it": "x" },
] as const) {
  methodTest(`[queue.declare] ${JSON.stringify(queueArguments)} is taken`, async (broker) => {
    await declareQueue(broker, await broker.channel(), { arguments: tableFrom(queueArguments) });
  });
}

for (const [type, names] of [
  ["classic", ["x-stream-filter-size-bytes", "x-delivery-limit", "x-max-age", "x-dead-letter-strategy"]],
  ["quorum", ["x-queue-version", "x-max-age", "x-max-priority"]],
  ["stream", ["x-overflow", "x-dead-letter-routing-key", "x-dead-letter-exchange", "x-expires"]],
] as const) {
  methodTest(
    `[queue.declare] of several arguments that a ${type} queue does not know the first is told`,
    async (broker) => {
      const client = await broker.channel();
      const queue = broker.name("queue");
      const values: Record<string, PlainFieldValue> = { "x-max-age": "1D", "x-overflow": "drop-head" };
      for (const order of [names, [...names].reverse()]) {
        const entries = order.map((name) => [name, values[name] ?? (name.startsWith("x-dead") ? "at-most-once" : 2)]);
        entries.unshift(["x-queue-type", type]);
        client.send(1, "queue.declare", { queue, durable: true, arguments: tableFrom(Object.fromEntries(entries)) });
        const text =
          `PRECONDITION_FAILED - invalid arg '${order[0]}' for queue '${queue}' in vhost '/' ` +
          `of queue type rabbit_${type}_queue`;
        await client.expectChannelClose(1, 406, text, 50, 10);
        await client.call(1, "channel.open");
      }
    },
  );
}

methodTest("[queue.declare] wrong values are told before arguments that the type does not know", async (broker) => {
  const client = await broker.channel();
  const queue = broker.name("queue");
  const table = tableFrom({ "x-max-age": "1D", "x-max-length": "5" });
  client.send(1, "queue.declare", { queue, arguments: table });
  const text = `PRECONDITION_FAILED - invalid arg 'x-max-length' for queue '${queue}' in vhost '/': "expected integer, got longstr"`;
  await client.expectChannelClose(1, 406, text, 50, 10);
});
