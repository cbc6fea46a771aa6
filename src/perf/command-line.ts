import { CHURNS } from "./churn-options.ts";

const CHURN_MODES = CHURNS.map((churn) => `${churn}-churn` as const);

/** What `leveret perf` can do; the first unless told. */
export const MODES = ["throughput", "rpc", ...CHURN_MODES] as const;

export type Mode = (typeof MODES)[number];

/** An option of `leveret perf` as its users see it. */
export interface CommandLineOption {
  /** undefined: none, and it is text. Its type is that of the option. */
  readonly defaultValue: string | number | boolean | undefined;
  readonly meaning: string;
  /** One letter. */
  readonly alias?: string;
  /** Where it means something; everywhere unless told. */
  readonly modes?: readonly Mode[];
}

type Options = Readonly<Record<string, CommandLineOption>>;

/** Options of every mode. */
const RUN_OPTIONS: Options = {
  uri: { defaultValue: "amqp://guest:guest@127.0.0.1:5672", meaning: "The broker; amqps:// for TLS" },
  duration: { alias: "z", defaultValue: 0, meaning: "Seconds to measure; 0: no limit" },
  warmup: { defaultValue: 0, meaning: "Seconds before, in which nothing is measured" },
  json: { defaultValue: false, meaning: "Print the result as one line of JSON" },
  quiet: { defaultValue: false, meaning: "Print no line per second on a terminal" },
  rate: {
    alias: "r",
    defaultValue: 0,
    meaning: "Messages (requests, operations) per second and client; 0: as fast as it goes",
  },
};

/** Options of the modes in which messages pass through queues. */
const MESSAGE_OPTIONS: Options = {
  size: { alias: "s", defaultValue: 16, meaning: "Octets of a message's body" },
  persistent: { alias: "p", defaultValue: false, meaning: "Publish persistent messages" },
  ack: { alias: "a", defaultValue: 0, meaning: "Messages that one acknowledgement covers; 0: automatic ones" },
  prefetch: { alias: "P", defaultValue: 0, meaning: "Messages a consumer may have unacknowledged; 0: no limit" },
  queue: { alias: "u", defaultValue: "perf-test", meaning: "Queue; empty: the broker names one per consumer" },
  "queue-pattern": { defaultValue: undefined, meaning: "Many queues: %d in their name stands for a number" },
  "queue-pattern-from": { defaultValue: 1, meaning: "First number" },
  "queue-pattern-to": { defaultValue: 1, meaning: "Last number" },
  "routing-key": { defaultValue: undefined, meaning: "Routing key; the queue's name unless told" },
  "queue-args": { defaultValue: "{}", meaning: "Arguments of the queues as JSON" },
  "auto-delete": { defaultValue: false, meaning: "Declare queues that go with their last consumer" },
  exclusive: { defaultValue: false, meaning: "Declare queues that only their own connection may use" },
  delete: { defaultValue: false, meaning: "Delete the queues at the end" },
};

const THROUGHPUT_OPTIONS: Options = {
  publishers: { alias: "x", defaultValue: 1, meaning: "Publishers; 0: only consume" },
  consumers: { alias: "y", defaultValue: 1, meaning: "Consumers; 0: only publish" },
  confirms: { alias: "c", defaultValue: 0, meaning: "Messages a publisher may have unconfirmed; 0: no confirms" },
  messages: { defaultValue: 0, meaning: "Messages to publish, and to consume, in all; 0: no limit" },
  polling: { defaultValue: false, meaning: "Consume with basic.get" },
  latency: { defaultValue: false, meaning: "Measure latency; bodies then start with the time" },
  "consumer-args": {
    defaultValue: "{}",
    meaning: 'Arguments of the consumers as JSON, e.g. {"x-stream-offset":"first"}',
  },
};

const RPC_OPTIONS: Options = {
  clients: { defaultValue: 1, meaning: "Clients that ask; 0: only answer" },
  responders: { defaultValue: 1, meaning: "Responders; 0: only ask" },
  "reply-queues": { defaultValue: false, meaning: "An exclusive reply queue per client, no direct reply-to" },
};

/** Every option by its name on the command line. */
export const COMMAND_LINE_OPTIONS: Options = {
  ...RUN_OPTIONS,
  ...inModes(["throughput", "rpc"], MESSAGE_OPTIONS),
  ...inModes(["throughput"], THROUGHPUT_OPTIONS),
  exchange: {
    defaultValue: "",
    meaning: "Exchange to publish and to bind the queues to; the default one, in binding-churn amq.direct, unless told",
    modes: ["throughput", "rpc", "binding-churn"],
  },
  durable: {
    defaultValue: true,
    meaning: "Declare durable queues",
    modes: ["throughput", "rpc", "queue-churn", "binding-churn", "consumer-churn"],
  },
  ...inModes(["rpc"], RPC_OPTIONS),
  workers: { defaultValue: 1, meaning: "Connections that work at the same time", modes: CHURN_MODES },
  operations: {
    defaultValue: 0,
    meaning: "Operations or requests in all; 0: no limit",
    modes: ["rpc", ...CHURN_MODES],
  },
};

function inModes(modes: readonly Mode[], options: Options): Options {
  return Object.fromEntries(Object.entries(options).map(([name, option]) => [name, { ...option, modes }]));
}
