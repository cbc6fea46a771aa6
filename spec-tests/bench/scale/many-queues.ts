import type { ThroughputResult } from "../../../src/perf/run-report.ts";
import type { Dimension, Effort } from "./dimension.ts";
import { ScaledBroker } from "./scaled-broker.ts";
import { inParallel } from "./set-up.ts";

const EXCHANGE = "amq.direct";

/** Messages that are only published, few enough to stay in memory. */
const PUBLISHED: Readonly<Record<Effort, number>> = { quick: 1000, normal: 300_000, full: 300_000 };

/** Queues that one publisher publishes to in turn. */
export const MANY_QUEUES: Dimension = {
  key: "queues",
  title: "Durable queues bound to a direct exchange, published to in turn with 16 B transient messages",
  sizeName: "queues",
  sizes: { quick: [10, 100], normal: [10, 100, 1000, 10_000], full: [10, 100, 1000, 10_000] },
  columns: [
    { title: "start after kill -9", unit: "s", isRate: false },
    { title: "RssAnon then", unit: "MB", isRate: false },
    { title: "publish, 1,000 unconfirmed", unit: "messages/s", isRate: true },
    { title: "publish and consume", unit: "messages/s", isRate: true },
  ],
  measure: measureQueues,
};

function measureQueues(size: number, effort: Effort): Promise<readonly number[]> {
  return ScaledBroker.use(effort, async (broker) => {
    await inParallel(broker.uri, size, async (channel, index) => {
      const queue = `queue-${index + 1}`;
      await channel.call("queue.declare", { queue, durable: true });
      await channel.call("queue.bind", { queue, exchange: EXCHANGE, routingKey: queue });
    });
    const startSeconds = await broker.restart();
    const startedBytes = broker.anonymousBytes;
    const target = ["--exchange", EXCHANGE, "--queue-pattern", "queue-%d", "--queue-pattern-to", size];
    const publish = ["--consumers", 0, "--confirms", 1000, "--messages", PUBLISHED[effort]];
    const published = await broker.perf<ThroughputResult>(...target, ...publish);
    const bothRate = await broker.consumeRate(effort, ...target);
    return [startSeconds, startedBytes / 1e6, published.confirmRate, bothRate];
  });
}
