import assert from "node:assert/strict";
import { test } from "node:test";
import { PerfError } from "../../src/perf/perf-error.ts";
import { withClient } from "../bench/broker-process.ts";
import { brokerUri, throughput, waiting } from "./perf-run.ts";

const EXACT_RUNS: readonly (readonly [title: string, options: Readonly<Record<string, unknown>>])[] = [
  ["without confirms and acknowledgements", {}],
  ["with one unconfirmed message and each acknowledged", { confirms: 1, ack: 1, persistent: true }],
  ["with 100 unconfirmed messages and ten per acknowledgement", { confirms: 100, ack: 10, prefetch: 200 }],
  ["with an acknowledgement that does not divide the count", { ack: 7, prefetch: 20 }],
  ["with several publishers and consumers", { publishers: 3, consumers: 4, confirms: 5, ack: 2 }],
  ["with more publishers than messages for some", { publishers: 7, messages: 5, confirms: 1 }],
  ["with bodies in several frames", { size: 300_000, messages: 20, confirms: 2, ack: 1, prefetch: 2 }],
  ["with bodies that are empty", { size: 0, confirms: 10 }],
  ["with basic.get", { polling: true }],
  ["with basic.get and acknowledgements", { polling: true, ack: 3, consumers: 2 }],
  ["through an exchange", { exchange: "amq.topic", "routing-key": "perf.test" }],
  ["over many queues", { "queue-pattern": "many-%d", "queue-pattern-to": 7, publishers: 2, consumers: 3, ack: 1 }],
  ["over fewer queues than clients", { "queue-pattern": "few-%d", "queue-pattern-to": 2, publishers: 3, consumers: 5 }],
  [
    "on exclusive queues that the broker names",
    { queue: "", exchange: "amq.direct", "routing-key": "x", exclusive: true },
  ],
];

for (const [title, options] of EXACT_RUNS) {
  test(`[perf/messages] ${title}, exactly as many are published and consumed as asked for`, async (context) => {
    const uri = await brokerUri(context);
    const messages = 1000;
    const queue = "queue-pattern" in options ? {} : { queue: "exact" };
    const result = await throughput({ uri, messages, ...queue, ...options });
    const expected = options["messages"] ?? messages;
    assert.equal(result.published, expected);
    assert.equal(result.consumed, expected);
    assert.equal(result.confirmed, options["confirms"] === undefined ? 0 : expected);
    assert.equal(result.refused, 0);
    if (options["queue"] === undefined && options["queue-pattern"] === undefined) {
      assert.equal(await waiting(uri, "exact"), 0, "everything is acknowledged");
    }
  });
}

test("[perf/consumers] 0 of them: what is published waits in the queue", async (context) => {
  const uri = await brokerUri(context);
  const result = await throughput({ uri, consumers: 0, messages: 1234, queue: "filled" });
  assert.deepEqual([result.published, result.consumed], [1234, 0]);
  assert.equal(await waiting(uri, "filled"), 1234);
});

test("[perf/publishers] 0 of them: exactly as many are taken as asked for, and the others stay", async (context) => {
  const uri = await brokerUri(context);
  await throughput({ uri, consumers: 0, messages: 1000, queue: "drained" });
  const result = await throughput({ uri, publishers: 0, messages: 600, ack: 7, prefetch: 50, queue: "drained" });
  assert.deepEqual([result.published, result.consumed], [0, 600]);
  assert.equal(await waiting(uri, "drained"), 400);
});

test("[perf/consumer-args] are the consumers' arguments: a stream is read from its beginning, by each of them", async (context) => {
  const uri = await brokerUri(context);
  const stream = { queue: "replayed", "queue-args": '{"x-queue-type":"stream"}' };
  await throughput({ uri, consumers: 0, messages: 500, confirms: 100, ...stream });
  const replay = { "consumer-args": '{"x-stream-offset":"first"}', ack: 10, prefetch: 100 };
  const result = await throughput({ uri, publishers: 0, consumers: 2, messages: 1000, ...stream, ...replay });
  assert.equal(result.consumed, 1000);
});

test("[perf/size] messages have the body and the delivery mode that are asked for", async (context) => {
  const uri = await brokerUri(context);
  await throughput({ uri, consumers: 0, messages: 2, size: 100, persistent: true, queue: "shape" });
  await throughput({ uri, consumers: 0, messages: 1, size: 5, queue: "shape" });
  await withClient(uri, async (client) => {
    const channel = await client.openChannel();
    const messages = [];
    for (let index = 0; index < 3; index++) messages.push(await channel.get({ queue: "shape", noAck: true }));
    assert.deepEqual(
      messages.map((message) => message?.body.length),
      [100, 100, 5],
    );
    assert.deepEqual(
      messages.map((message) => message?.properties.deliveryMode),
      [2, 2, undefined],
    );
    assert.equal(messages[2]?.body.toString(), "@ABCD");
  });
});

test("[perf/queue-args] queues are declared as asked for, and deleted when that is asked for", async (context) => {
  const uri = await brokerUri(context);
  await throughput({ uri, consumers: 0, messages: 9, queue: "short", "queue-args": '{"x-max-length": 4}' });
  assert.equal(await waiting(uri, "short"), 4);
  await throughput({ uri, messages: 1, queue: "gone", delete: true });
  await assert.rejects(waiting(uri, "gone"), /404/);
});

test("[perf/confirms] messages that the broker refuses are counted as such", async (context) => {
  const uri = await brokerUri(context);
  const args = '{"x-max-length": 10, "x-overflow": "reject-publish"}';
  const result = await throughput({ uri, consumers: 0, messages: 50, confirms: 5, queue: "full", "queue-args": args });
  assert.deepEqual([result.published, result.confirmed, result.refused], [50, 10, 40]);
});

test("[perf/duration] a run ends after its time and counts all that time", async (context) => {
  const uri = await brokerUri(context);
  const result = await throughput({ uri, duration: 0.2, warmup: 0.1, confirms: 10 });
  assert(result.seconds >= 0.19, `${result.seconds} s`);
  assert(result.consumed > 0);
  assert.equal(result.publishRate, result.published / result.seconds);
});

test("[perf/rate] no more is published than the rate allows", async (context) => {
  const uri = await brokerUri(context);
  const result = await throughput({ uri, duration: 0.5, rate: 1000, publishers: 2 });
  assert(result.published > 0);
  assert(result.published <= 2 * 1000 * result.seconds, `${result.published} in ${result.seconds} s`);
});

test("[perf/latency] every delivery and every confirm is measured", async (context) => {
  const uri = await brokerUri(context);
  const result = await throughput({ uri, messages: 500, latency: true, confirms: 20 });
  assert.equal(result.latency?.count, 500);
  assert.equal(result.confirmLatency?.count, 500);
  const { median, p90, p99, p999, max } = result.latency;
  assert(0 < median && median <= p90 && p90 <= p99 && p99 <= p999 && p999 <= max);
  assert(max / 1000 <= result.seconds, "no message was on its way for longer than the run took");
});

test("[perf/latency] messages that do not say when they were sent are not measured", async (context) => {
  const uri = await brokerUri(context);
  await throughput({ uri, consumers: 0, messages: 10, queue: "untimed" });
  const result = await throughput({ uri, publishers: 0, messages: 10, latency: true, queue: "untimed" });
  assert.deepEqual([result.consumed, result.latency?.count], [10, 0]);
});

test("[perf/signal] an interrupted run gives what it has measured", async (context) => {
  const uri = await brokerUri(context);
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 100);
  const result = await throughput({ uri }, { signal: stop.signal, onProgress: () => {} });
  assert(result.consumed > 0);
});

const FAILURES: readonly (readonly [title: string, options: Readonly<Record<string, unknown>>, text: RegExp])[] = [
  ["nobody listens", { uri: "amqp://127.0.0.1:1" }, /connection to 127.0.0.1:1 failed: connect ECONNREFUSED/],
  ["the exchange is missing", { exchange: "missing" }, /the broker refused: 404 NOT_FOUND - no exchange 'missing'/],
];
for (const [title, options, text] of FAILURES) {
  test(`[perf/failure] a run ends with the reason when ${title}`, async (context) => {
    const uri = await brokerUri(context);
    await assert.rejects(throughput({ uri, messages: 1, ...options }), (error) => {
      assert(error instanceof PerfError);
      assert.match(error.message, text);
      return true;
    });
  });
}

test("[perf/failure] a run ends with the reason when its queue belongs to another connection", async (context) => {
  const uri = await brokerUri(context);
  await withClient(uri, async (client) => {
    await (await client.openChannel()).call("queue.declare", { queue: "theirs", exclusive: true });
    const run = throughput({ uri, queue: "theirs", messages: 1, durable: false });
    await assert.rejects(run, { name: "PerfError", message: /^the broker refused: 405 RESOURCE_LOCKED/ });
  });
});

test("[perf/failure] a run ends with the reason when its queue is deleted under it", async (context) => {
  const uri = await brokerUri(context);
  const run = throughput({ uri, queue: "victim", rate: 100 });
  setTimeout(() => {
    void withClient(uri, async (client) => (await client.openChannel()).call("queue.delete", { queue: "victim" }));
  }, 100);
  await assert.rejects(run, { name: "PerfError", message: "the broker cancelled a consumer: its queue is gone" });
});
