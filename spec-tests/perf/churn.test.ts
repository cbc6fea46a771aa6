import assert from "node:assert/strict";
import { test } from "node:test";
import { CHURNS } from "../../src/perf/churn-options.ts";
import { startBroker } from "../../src/index.ts";
import { brokerUri, churn } from "./perf-run.ts";

for (const kind of CHURNS) {
  test(`[perf/${kind}-churn] exactly as many operations are done as asked for, by all workers together`, async (context) => {
    const uri = await brokerUri(context);
    const result = await churn(`${kind}-churn`, { uri, operations: 50, workers: 3 });
    assert.equal(result.mode, `${kind}-churn`);
    assert.equal(result.operations, 50);
    assert.equal(result.latency.count, 50);
    assert.equal(result.operationRate, result.operations / result.seconds);
  });
}

test("[perf/churn] a run ends after its time", async (context) => {
  const uri = await brokerUri(context);
  const result = await churn("channel-churn", { uri, duration: 0.2, warmup: 0.1 });
  assert(result.operations > 0);
  assert(result.seconds >= 0.19, `${result.seconds} s`);
});

test("[perf/rate] each worker does as many operations as the rate says, and no more", async (context) => {
  const uri = await brokerUri(context);
  const result = await churn("channel-churn", { uri, duration: 0.5, rate: 20, workers: 2 });
  assert(result.operations > 0);
  // At both ends of the time there may be one, and timers may be a millisecond early.
  const each = Math.floor(20 * (result.seconds + 0.001)) + 1;
  assert(result.operations <= 2 * each, `${result.operations} in ${result.seconds} s`);
});

test("[perf/rate] a worker that is not due for long does not hold up the end of its run", async (context) => {
  const uri = await brokerUri(context);
  const result = await churn("channel-churn", { uri, duration: 0.2, rate: 0.01 });
  assert.equal(result.operations, 1);
  assert(result.seconds < 5, `${result.seconds} s`);
});

test("[perf/churn] a run ends with the reason when the broker is gone", async () => {
  await assert.rejects(churn("queue-churn", { uri: "amqp://127.0.0.1:1", operations: 1 }), {
    name: "PerfError",
    message: /ECONNREFUSED/,
  });
  const broker = await startBroker();
  const run = churn("binding-churn", { uri: broker.url, exchange: "amq.topic" });
  setTimeout(() => void broker.close(), 100);
  await assert.rejects(run, { name: "PerfError", message: /320 CONNECTION_FORCED/ });
});
