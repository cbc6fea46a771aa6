/** What is read off a run: messages per second, the median latency, or the 99th percentile of round trips. */
export type Measure = "publishRate" | "confirmRate" | "consumeRate" | "latency" | "roundTrip";

/** One way to load a broker. The queue is durable, and new for each run. */
export interface Scenario {
  readonly key: string;
  readonly title: string;
  /** Options of `leveret perf`. */
  readonly options: readonly string[];
  readonly measure: Measure;
  /** With a backlog, which is there before: messages for each second that the scenario is to take. */
  readonly backlogPerSecond?: number;
  /** Further runs of `leveret perf` at the same time, each a process of its own, all on another queue. */
  readonly beside?: readonly (readonly string[])[];
}

const PERSISTENT_1KB = ["--size", "1024", "--persistent"];

/** What the messages of a backlog are like. */
export const FILL_SHAPE: readonly string[] = ["--consumers", "0", ...PERSISTENT_1KB];

/** How a backlog gets into its queue. */
export const FILL_OPTIONS: readonly string[] = [...FILL_SHAPE, "--confirms", "1000"];

export const SCENARIOS: readonly Scenario[] = [
  {
    key: "A",
    title: "16 B transient, 1 publisher, 1 consumer, automatic ack",
    options: ["--size", "16"],
    measure: "consumeRate",
  },
  {
    key: "B",
    title: "1 KB transient, 1 publisher, 1 consumer, automatic ack",
    options: ["--size", "1024"],
    measure: "consumeRate",
  },
  {
    key: "C",
    title: "16 B persistent, 100 unconfirmed, ack each, prefetch 200",
    options: ["--size", "16", "--persistent", "--confirms", "100", "--ack", "1", "--prefetch", "200"],
    measure: "consumeRate",
  },
  {
    key: "D",
    title: "1 KB persistent, 100 unconfirmed, ack every 10, prefetch 200",
    options: [...PERSISTENT_1KB, "--confirms", "100", "--ack", "10", "--prefetch", "200"],
    measure: "consumeRate",
  },
  {
    key: "E",
    title: "publish only, 16 B transient",
    options: ["--consumers", "0", "--size", "16"],
    measure: "publishRate",
  },
  {
    key: "E2",
    title: "publish only, 1 KB transient",
    options: ["--consumers", "0", "--size", "1024"],
    measure: "publishRate",
  },
  {
    key: "F",
    title: "1 KB persistent, 1 unconfirmed, ack each",
    options: [...PERSISTENT_1KB, "--confirms", "1", "--ack", "1"],
    measure: "consumeRate",
  },
  {
    key: "F2",
    title: "publish only, 1 KB persistent, 1 unconfirmed: each waits for the disk",
    options: ["--consumers", "0", ...PERSISTENT_1KB, "--confirms", "1"],
    measure: "confirmRate",
  },
  {
    key: "G",
    title: "10 publishers, 10 consumers, 1 KB persistent, 50 unconfirmed, automatic ack",
    options: ["--publishers", "10", "--consumers", "10", ...PERSISTENT_1KB, "--confirms", "50"],
    measure: "consumeRate",
  },
  {
    key: "H",
    title: "2,000/s, 1 KB persistent, 100 unconfirmed, ack each, prefetch 200: latency",
    options: [...PERSISTENT_1KB, "--rate", "2000", "--confirms", "100", "--ack", "1", "--prefetch", "200", "--latency"],
    measure: "latency",
  },
  {
    key: "I",
    title: "fill, 1 KB persistent, 1,000 unconfirmed",
    options: FILL_OPTIONS,
    measure: "confirmRate",
  },
  {
    key: "J",
    title: "drain a backlog of 1 KB persistent, automatic ack",
    options: ["--publishers", "0"],
    measure: "consumeRate",
    backlogPerSecond: 112_500,
  },
  {
    key: "K",
    title: "100 clients, 10 requests/s each, beside one publisher of 16 B transient at full speed: round trip",
    options: ["rpc", "--clients", "100", "--rate", "10"],
    measure: "roundTrip",
    beside: [
      ["--publishers", "0"],
      ["--consumers", "0"],
    ],
  },
];
