import type { ThroughputResult } from "../../../src/perf/run-report.ts";
import type { Dimension, Effort } from "./dimension.ts";
import { ScaledBroker } from "./scaled-broker.ts";

const MEGABYTE = 1e6;
const BROKER_OPTIONS = ["--message-bytes-max", "536870912"];

/** Octets that each run moves. */
const MOVED_BYTES: Readonly<Record<Effort, number>> = { quick: 4e6, normal: 1e9, full: 4e9 };

/** Messages that a publisher may have unconfirmed where they are written to disk. */
const UNCONFIRMED = 4;

/** Messages that are large. */
export const LARGE_MESSAGES: Dimension = {
  key: "large-messages",
  title: `Large messages: transient through a queue; persistent into a queue, ${UNCONFIRMED} unconfirmed, and out again`,
  sizeName: "octets of a message",
  sizes: {
    quick: [100_000, 1_000_000],
    normal: [100_000, 1_000_000, 10_000_000, 100_000_000],
    full: [100_000, 1_000_000, 10_000_000, 100_000_000],
  },
  columns: [
    { title: "publish and consume", unit: "MB/s", isRate: true },
    { title: "peak RssAnon", unit: "MB", isRate: false },
    { title: "fill, persistent", unit: "MB/s", isRate: true },
    { title: "peak RssAnon", unit: "MB", isRate: false },
    { title: "drain", unit: "MB/s", isRate: true },
    { title: "peak RssAnon", unit: "MB", isRate: false },
  ],
  measure: measureMessages,
};

async function measureMessages(size: number, effort: Effort): Promise<readonly number[]> {
  const moved = ["--messages", Math.ceil(MOVED_BYTES[effort] / size)];
  const shape = ["--size", size];
  const persistent = [...shape, "--persistent", "--confirms", UNCONFIRMED, "--consumers", 0];
  return [
    ...(await measureRuns(size, effort, [[...shape, ...moved]])),
    ...(await measureRuns(size, effort, [
      [...persistent, ...moved],
      ["--publishers", 0, ...moved],
    ])),
  ];
}

/** Megabytes per second, and the peak of anonymous memory in megabytes, of each run. */
function measureRuns(size: number, effort: Effort, runs: readonly (readonly (string | number)[])[]): Promise<number[]> {
  return ScaledBroker.use(
    effort,
    async (broker) => {
      const figures: number[] = [];
      for (const options of runs) {
        const { result, peakBytes } = await broker.peakDuring(() => broker.perf<ThroughputResult>(...options));
        const messages = Math.max(result.consumed, result.confirmed);
        figures.push((messages * size) / result.seconds / MEGABYTE, peakBytes / MEGABYTE);
      }
      return figures;
    },
    BROKER_OPTIONS,
  );
}
