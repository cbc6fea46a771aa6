import type { ThroughputResult } from "../../../src/perf/run-report.ts";
import { FILL_SHAPE } from "../scenarios.ts";
import type { Column, Dimension, Effort } from "./dimension.ts";
import { ScaledBroker } from "./scaled-broker.ts";

const QUEUE = ["--queue", "backlog"];
const MEGABYTE = 1e6;

/** Messages that are published beside the backlog: about a second's worth. */
const BESIDE_MESSAGES: Readonly<Record<Effort, number>> = { quick: 500, normal: 200_000, full: 200_000 };

const COLUMNS: readonly Column[] = [
  { title: "fill", unit: "messages/s", isRate: true },
  { title: "RssAnon with it", unit: "MB", isRate: false },
  { title: "start after kill -9", unit: "s", isRate: false },
  { title: "RssAnon then", unit: "MB", isRate: false },
  { title: "publish beside it", unit: "messages/s", isRate: true },
  { title: "drain", unit: "messages/s", isRate: true },
];

/** Messages waiting in one queue, written many to a commit. */
export const BACKLOG: Dimension = {
  key: "backlog",
  title: "Backlog of 1 KB persistent messages, 1,000 unconfirmed",
  sizeName: "messages waiting",
  sizes: {
    quick: [100, 1000],
    normal: [1000, 10_000, 100_000, 1_000_000],
    full: [1000, 10_000, 100_000, 1_000_000, 10_000_000],
  },
  columns: COLUMNS,
  measure: (size, effort) => measureBacklog(size, effort, 1000),
};

/** The same with a message to a commit. */
export const SMALL_COMMITS: Dimension = {
  key: "small-commits",
  title: "Backlog of 1 KB persistent messages, filled with 1 unconfirmed at a time",
  sizeName: "messages waiting",
  sizes: {
    quick: [10, 100],
    normal: [30, 300, 3000, 30_000],
    full: [30, 300, 3000, 30_000, 300_000],
  },
  columns: COLUMNS,
  measure: (size, effort) => measureBacklog(size, effort, 1),
};

function measureBacklog(size: number, effort: Effort, unconfirmed: number): Promise<readonly number[]> {
  return ScaledBroker.use(effort, async (broker) => {
    const fill = (messages: number, confirms: number): Promise<ThroughputResult> =>
      broker.perf(...QUEUE, ...FILL_SHAPE, "--messages", messages, "--confirms", confirms);
    const filled = await fill(size, unconfirmed);
    const filledBytes = broker.anonymousBytes;
    const startSeconds = await broker.restart();
    const startedBytes = broker.anonymousBytes;
    const besideMessages = BESIDE_MESSAGES[effort];
    const beside = await fill(besideMessages, 1000);
    const drain = ["--publishers", 0, "--messages", size + besideMessages];
    const drained = await broker.perf<ThroughputResult>(...QUEUE, ...drain);
    return [
      filled.confirmRate,
      filledBytes / MEGABYTE,
      startSeconds,
      startedBytes / MEGABYTE,
      beside.confirmRate,
      drained.consumeRate,
    ];
  });
}
