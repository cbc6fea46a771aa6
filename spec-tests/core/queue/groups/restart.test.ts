import assert from "node:assert/strict";
import { test } from "node:test";
import { GroupBench, type GroupBenchOptions } from "./group-bench.ts";

async function filled(
  queueArguments: Record<string, string | number>,
  options: GroupBenchOptions,
): Promise<GroupBench> {
  const bench = new GroupBench(queueArguments, { durable: true, ...options });
  for (const body of ["a1", "a2", "b1", "a3", "b2", "a4"]) bench.pushWith(body, body[0], { persistent: true });
  return bench;
}

for (const type of ["classic", "quorum"] as const) {
  test(`[groups/restart] ${type}: order is durable, ownership is not`, async () => {
    const bench = await filled({}, { type });
    const [one, two] = [bench.consume(2), bench.consume(1)];
    await bench.settle();
    assert.deepEqual([one.take(), two.take()], [["a1", "a2"], ["b1"]]);
    one.ack("a2");
    const again = await bench.restart({}, { type });
    assert.equal(again.queue.readyCount, 5);
    const workers = [again.consume(), again.consume()];
    await again.settle();
    const groups = workers.map((worker) => worker.take().join(" "));
    assert.deepEqual(groups.sort(), ["a1 a3 a4", "b1 b2"]);
    assert.equal(workers[0]?.unacked[0]?.redelivered, true);
  });

  test(`[groups/restart] ${type}: a message that waits for its retry keeps its group back after a restart`, async () => {
    const retry = { "x-delayed-retry-type": "all", "x-delayed-retry-min": 60_000 };
    const bench = await filled(retry, { type });
    const one = bench.consume(1);
    await bench.settle();
    one.requeue("a1");
    const again = await bench.restart(retry, { type });
    const worker = again.consume();
    await again.settle();
    assert.deepEqual(worker.take(), ["b1", "b2"]);
    assert.deepEqual([again.queue.readyCount, again.queue.delayedCount], [3, 1]);
    again.bench.clock.advance(60_000);
    await again.settle();
    assert.deepEqual(worker.take(), ["a1", "a2", "a3", "a4"]);
  });
}

test("[groups/restart] what was passed over and not delivered may come with the redelivered flag", async () => {
  const bench = await filled({}, {});
  bench.consume(1);
  bench.consume(1);
  await bench.settle();
  const again = await bench.restart();
  assert.deepEqual(again.drain(), ["a1", "a2", "b1", "a3", "b2", "a4"]);
});
