import assert from "node:assert/strict";
import { test } from "node:test";
import { startBroker } from "../../src/index.ts";
import { withClient } from "../bench/broker-process.ts";
import { brokerUri, rpc, throughput, waiting } from "./perf-run.ts";

const EXACT_RUNS: readonly (readonly [title: string, options: Readonly<Record<string, unknown>>])[] = [
  ["by direct reply-to", {}],
  ["by reply queues", { "reply-queues": true }],
  ["with several clients and responders", { clients: 7, responders: 3 }],
  ["with requests that are acknowledged", { ack: 3, prefetch: 10, clients: 20, persistent: true }],
  ["with bodies in several frames", { size: 300_000, operations: 20, clients: 3 }],
  ["at a rate", { rate: 500, clients: 5 }],
  ["through an exchange", { exchange: "amq.topic", "routing-key": "rpc.test" }],
  ["over many queues", { "queue-pattern": "rpc-%d", "queue-pattern-to": 4, clients: 8, responders: 2 }],
];

for (const [title, options] of EXACT_RUNS) {
  test(`[perf/rpc] ${title}, exactly as many requests are sent and answered as asked for`, async (context) => {
    const uri = await brokerUri(context);
    const queue = "queue-pattern" in options ? {} : { queue: "requests" };
    const result = await rpc({ uri, operations: 200, ...queue, ...options });
    const expected = options["operations"] ?? 200;
    const { requests, replies, answered, unanswered, latency } = result;
    assert.deepEqual([requests, replies, answered, unanswered], [expected, expected, expected, 0]);
    assert.equal(latency.count, expected);
    assert(0 < latency.min && latency.min <= latency.median && latency.median <= latency.max);
    assert(latency.max / 1000 <= result.seconds, "no reply took longer than the run");
    if (options["queue-pattern"] === undefined) assert.equal(await waiting(uri, "requests"), 0);
  });
}

test("[perf/rpc] clients and responders may be two runs, the responders acknowledging what a batch leaves over", async (context) => {
  const uri = await brokerUri(context);
  const answering = rpc({ uri, clients: 0, ack: 30, prefetch: 100, duration: 1.5 });
  const asking = await rpc({ uri, responders: 0, clients: 5, operations: 100 });
  assert.deepEqual([asking.requests, asking.replies, asking.answered], [100, 100, 0]);
  const { requests, answered } = await answering;
  assert.deepEqual([requests, answered], [0, 100]);
  assert.equal(await waiting(uri, "perf-test"), 0);
});

test("[perf/rpc] a message that asks for no reply gets none", async (context) => {
  const uri = await brokerUri(context);
  await throughput({ uri, consumers: 0, messages: 10, queue: "requests" });
  const result = await rpc({ uri, operations: 5, queue: "requests" });
  assert.deepEqual([result.replies, result.answered], [5, 5]);
});

test("[perf/rate] clients ask as often as the rate says, spread evenly, and tell how late", async (context) => {
  const uri = await brokerUri(context);
  const { requests, seconds, lateness } = await rpc({ uri, clients: 10, rate: 20, duration: 0.5 });
  assert(requests > 0);
  assert(requests <= 10 * 20 * seconds + 1, `${requests} in ${seconds} s`);
  assert.equal(lateness?.count, requests);
});

test("[perf/rpc] a run ends after its time, once all is answered", async (context) => {
  const uri = await brokerUri(context);
  const { seconds, latency, unanswered, replyRate, replies } = await rpc({
    uri,
    clients: 10,
    duration: 0.2,
    warmup: 0.1,
  });
  assert(seconds >= 0.19, `${seconds} s`);
  assert.equal(unanswered, 0);
  assert(latency.count >= replies, "replies that come after the time is up count for latency");
  assert.equal(replyRate, replies / seconds);
});

test("[perf/delete] the queue of the requests is deleted when that is asked for", async (context) => {
  const uri = await brokerUri(context);
  await rpc({ uri, operations: 1, queue: "gone", delete: true });
  await assert.rejects(waiting(uri, "gone"), /404/);
});

test("[perf/failure] a run ends with the reason when the broker goes, or its queue", async (context) => {
  const uri = await brokerUri(context);
  const unanswered = rpc({ uri, queue: "victim", rate: 10 });
  setTimeout(() => {
    void withClient(uri, async (client) => (await client.openChannel()).call("queue.delete", { queue: "victim" }));
  }, 100);
  await assert.rejects(unanswered, { name: "PerfError", message: /its queue is gone/ });
  const broker = await startBroker();
  const run = rpc({ uri: broker.url, clients: 3 });
  setTimeout(() => void broker.close(), 100);
  await assert.rejects(run, { name: "PerfError", message: /320 CONNECTION_FORCED/ });
});
