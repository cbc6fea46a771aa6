import type { Argv, CommandModule } from "yargs";
import { EXIT_CODES } from "../server/exit-codes.ts";

type ParsedArguments = Readonly<Record<string, unknown>>;

const MODES = [
  "throughput",
  "connection-churn",
  "channel-churn",
  "queue-churn",
  "binding-churn",
  "consumer-churn",
] as const;

const NUMBER = { type: "number", requiresArg: true } as const;
const TEXT = { type: "string", requiresArg: true } as const;
const SWITCH = { type: "boolean", default: false } as const;

/** `leveret perf`: puts load on any AMQP 0-9-1 broker and measures what it does. */
export const perfCommand: CommandModule<object, ParsedArguments> = {
  command: "perf [mode]",
  describe: "Put load on a broker and measure it",
  builder: (parser) => addOptions(parser),
  handler: (parsed) => perf(parsed),
};

function addOptions(parser: Argv<object>): Argv<ParsedArguments> {
  return parser
    .usage("$0 perf [mode] [options]\n\nPuts load on any AMQP 0-9-1 broker and measures throughput and latency.")
    .positional("mode", { choices: MODES, default: "throughput", describe: "What to do" })
    .option("uri", { ...TEXT, default: "amqp://guest:guest@127.0.0.1:5672", describe: "The broker" })
    .option("duration", { ...NUMBER, alias: "z", default: 0, describe: "Seconds to measure; 0: no limit" })
    .option("warmup", { ...NUMBER, default: 0, describe: "Seconds before, in which nothing is measured" })
    .option("json", { ...SWITCH, describe: "Print the result as JSON" })
    .option("quiet", { ...SWITCH, describe: "Print no line per second" })
    .options({
      publishers: { ...NUMBER, alias: "x", default: 1, describe: "Publishers; 0: only consume" },
      consumers: { ...NUMBER, alias: "y", default: 1, describe: "Consumers; 0: only publish" },
      size: { ...NUMBER, alias: "s", default: 16, describe: "Octets of a message's body" },
      persistent: { ...SWITCH, alias: "p", describe: "Publish persistent messages" },
      confirms: {
        ...NUMBER,
        alias: "c",
        default: 0,
        describe: "Messages a publisher may have unconfirmed; 0: no confirms",
      },
      ack: {
        ...NUMBER,
        alias: "a",
        default: 0,
        describe: "Messages that one acknowledgement covers; 0: automatic ones",
      },
      prefetch: {
        ...NUMBER,
        alias: "P",
        default: 0,
        describe: "Messages a consumer may have unacknowledged; 0: no limit",
      },
      rate: { ...NUMBER, alias: "r", default: 0, describe: "Messages per second and publisher; 0: as fast as it goes" },
      messages: { ...NUMBER, default: 0, describe: "Messages to publish, and to consume, in all; 0: no limit" },
      polling: { ...SWITCH, describe: "Consume with basic.get" },
      latency: { ...SWITCH, describe: "Measure latency; the body then starts with the time" },
    })
    .options({
      queue: { ...TEXT, alias: "u", default: "perf-test", describe: "Queue; empty: the broker names one per consumer" },
      "queue-pattern": { ...TEXT, describe: "Many queues: %d in their name stands for a number" },
      "queue-pattern-from": { ...NUMBER, default: 1, describe: "First number" },
      "queue-pattern-to": { ...NUMBER, default: 1, describe: "Last number" },
      exchange: { ...TEXT, default: "", describe: "Exchange to publish to and to bind the queues to" },
      "routing-key": { ...TEXT, defaultDescription: "the queue's name", describe: "Routing key" },
      "queue-args": { ...TEXT, default: "{}", describe: "Arguments of the queues as JSON" },
      durable: { type: "boolean", default: true, describe: "Declare durable queues" },
      "auto-delete": { ...SWITCH, describe: "Declare queues that go with their last consumer" },
      exclusive: { ...SWITCH, describe: "Declare queues that only their own connection may use" },
      delete: { ...SWITCH, describe: "Delete the queues at the end" },
    })
    .options({
      workers: { ...NUMBER, default: 1, describe: "Churn: connections that work at the same time" },
      operations: { ...NUMBER, default: 0, describe: "Churn: operations in all; 0: no limit" },
    })
    .strictOptions();
}

async function perf(parsed: ParsedArguments): Promise<void> {
  const { runPerf, OptionError, PerfError } = await import("../perf/perf.ts");
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  process.once("SIGTERM", () => stop.abort());
  try {
    await runPerf(parsed, { signal: stop.signal, stdout: process.stdout, stderr: process.stderr });
  } catch (error) {
    if (!(error instanceof PerfError)) throw error;
    process.stderr.write(`leveret: ${error.message}\n`);
    process.exitCode = error instanceof OptionError ? EXIT_CODES.usage : EXIT_CODES.unavailable;
  }
}
