import { CHURNS } from "./churn-options.ts";

/** What `leveret perf` can do; the first unless told. */
export const MODES: readonly string[] = ["throughput", "rpc", ...CHURNS.map((churn) => `${churn}-churn`)];

/** An option of `leveret perf` as its users see it. */
export interface CommandLineOption {
  /** undefined: none. Its type is that of the option. */
  readonly defaultValue: string | number | boolean | undefined;
  readonly meaning: string;
  /** One letter. */
  readonly alias?: string;
}

/** Every option by its name on the command line. */
export const COMMAND_LINE_OPTIONS: Readonly<Record<string, CommandLineOption>> = {
  uri: { defaultValue: "amqp://guest:guest@127.0.0.1:5672", meaning: "The broker; amqps:// for TLS" },
  duration: { alias: "z", defaultValue: 0, meaning: "Seconds to measure; 0: no limit" },
  warmup: { defaultValue: 0, meaning: "Seconds before, in which nothing is measured" },
  json: { defaultValue: false, meaning: "Print the result as one line of JSON" },
  quiet: { defaultValue: false, meaning: "Print no line per second on a terminal" },

  publishers: { alias: "x", defaultValue: 1, meaning: "Publishers; 0: only consume" },
  consumers: { alias: "y", defaultValue: 1, meaning: "Consumers; 0: only publish" },
  size: { alias: "s", defaultValue: 16, meaning: "Octets of a message's body" },
  persistent: { alias: "p", defaultValue: false, meaning: "Publish persistent messages" },
  confirms: { alias: "c", defaultValue: 0, meaning: "Messages a publisher may have unconfirmed; 0: no confirms" },
  ack: { alias: "a", defaultValue: 0, meaning: "Messages that one acknowledgement covers; 0: automatic ones" },
  prefetch: { alias: "P", defaultValue: 0, meaning: "Messages a consumer may have unacknowledged; 0: no limit" },
  rate: {
    alias: "r",
    defaultValue: 0,
    meaning: "Messages (requests, operations) per second and client; 0: as fast as it goes",
  },
  messages: { defaultValue: 0, meaning: "Messages to publish, and to consume, in all; 0: no limit" },
  polling: { defaultValue: false, meaning: "Consume with basic.get" },
  latency: { defaultValue: false, meaning: "Measure latency; bodies then start with the time" },

  queue: { alias: "u", defaultValue: "perf-test", meaning: "Queue; empty: the broker names one per consumer" },
  "queue-pattern": { defaultValue: undefined, meaning: "Many queues: %d in their name stands for a number" },
  "queue-pattern-from": { defaultValue: 1, meaning: "First number" },
  "queue-pattern-to": { defaultValue: 1, meaning: "Last number" },
  exchange: { defaultValue: "", meaning: "Exchange to publish to, and to bind the queues to" },
  "routing-key": { defaultValue: undefined, meaning: "Routing key; the queue's name unless told" },
  "queue-args": { defaultValue: "{}", meaning: "Arguments of the queues as JSON" },
  "consumer-args": {
    defaultValue: "{}",
    meaning: 'Arguments of the consumers as JSON, e.g. {"x-stream-offset":"first"}',
  },
  durable: { defaultValue: true, meaning: "Declare durable queues" },
  "auto-delete": { defaultValue: false, meaning: "Declare queues that go with their last consumer" },
  exclusive: { defaultValue: false, meaning: "Declare queues that only their own connection may use" },
  delete: { defaultValue: false, meaning: "Delete the queues at the end" },

  clients: { defaultValue: 1, meaning: "RPC: clients that ask; 0: only answer" },
  responders: { defaultValue: 1, meaning: "RPC: responders; 0: only ask" },
  "reply-queues": { defaultValue: false, meaning: "RPC: an exclusive reply queue per client, no direct reply-to" },

  workers: { defaultValue: 1, meaning: "Churn: connections that work at the same time" },
  operations: { defaultValue: 0, meaning: "Churn, RPC: operations or requests in all; 0: no limit" },
};
