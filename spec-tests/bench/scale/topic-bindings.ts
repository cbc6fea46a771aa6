import type { ChurnResult } from "../../../src/perf/churn.ts";
import { startPerfProcess } from "../perf-process.ts";
import type { Dimension, Effort } from "./dimension.ts";
import { ScaledBroker } from "./scaled-broker.ts";
import { inParallel } from "./set-up.ts";

const EXCHANGE = "amq.topic";

/** Routing keys that messages are published with, each bound to a queue of its own. */
const HOT_KEYS = 100;

/** A binding and an unbinding per operation: 100 changes a second. */
const CHURN_OPERATIONS_PER_SECOND = 50;

/**
 * Bindings that share their first words or their form with the hot keys but match none of them: a matcher has to look
 * at some of them, and no message goes there.
 */
const PATTERNS: readonly ((index: number) => string)[] = [
  (index) => `sensor.x${index}.temperature`,
  (index) => `sensor.*.humidity.${index}`,
  (index) => `*.x${index}.temperature`,
  (index) => `sensor.#.battery${index}`,
];

/** Bindings of one topic exchange. */
export const TOPIC_BINDINGS: Dimension = {
  key: "bindings",
  title: `Topic bindings; 16 B transient messages with ${HOT_KEYS} routing keys in turn, each for one queue`,
  sizeName: "bindings",
  sizes: {
    quick: [100, 1000],
    normal: [100, 1000, 10_000, 100_000],
    full: [100, 1000, 10_000, 100_000],
  },
  columns: [
    { title: "bind", unit: "/s", isRate: false },
    { title: "RssAnon each", unit: "KB", isRate: false },
    { title: "publish and consume", unit: "messages/s", isRate: true },
    { title: "with 100 binding changes a second", unit: "messages/s", isRate: true },
  ],
  measure: measureBindings,
};

function measureBindings(size: number, effort: Effort): Promise<readonly number[]> {
  return ScaledBroker.use(effort, async (broker) => {
    const queue = "cold";
    await inParallel(broker.uri, 1, (channel) => channel.call("queue.declare", { queue }));
    const bytesBefore = broker.anonymousBytes;
    const startedAt = performance.now();
    await inParallel(broker.uri, size, (channel, index) => {
      const pattern = PATTERNS[index % PATTERNS.length] as (typeof PATTERNS)[number];
      return channel.call("queue.bind", { queue, exchange: EXCHANGE, routingKey: pattern(index) });
    });
    const bindRate = size / ((performance.now() - startedAt) / 1000);
    const bytes = broker.anonymousBytes - bytesBefore;
    const keys = ["--queue-pattern", "sensor.%d.temperature", "--queue-pattern-to", HOT_KEYS];
    const route = (): Promise<number> => broker.consumeRate(effort, "--exchange", EXCHANGE, "--no-durable", ...keys);
    const quietRate = await route();
    const churn = startChurn(broker.uri);
    const churnedRate = await route();
    churn.interrupt();
    await churn.result;
    return [bindRate, bytes / size / 1e3, quietRate, churnedRate];
  });
}

function startChurn(uri: string) {
  const options = ["--uri", uri, "--exchange", EXCHANGE, "--no-durable", "--rate", String(CHURN_OPERATIONS_PER_SECOND)];
  return startPerfProcess<ChurnResult>(["binding-churn", ...options]);
}
