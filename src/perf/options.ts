import { EMPTY_TABLE, type FieldTable, type PlainFieldValue, tableFrom } from "../wire/field-table.ts";
import { parseBrokerUri } from "./broker-uri.ts";
import { STAMP_BYTES } from "./frame-scanner.ts";
import { OptionError } from "./perf-error.ts";
import type { ThroughputOptions } from "./throughput-options.ts";

/** Everything a command line can ask for. */
export interface PerfOptions {
  readonly mode: string;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly throughput: ThroughputOptions;
}

type Parsed = Readonly<Record<string, unknown>>;

/** Checks options that are given under their command-line names. @throws OptionError for a value that is not allowed */
export function parseOptions(parsed: Parsed): PerfOptions {
  const text = (name: string): string => parsed[name] as string;
  const flag = (name: string): boolean => parsed[name] as boolean;
  const throughput: ThroughputOptions = {
    address: parseBrokerUri(text("uri")),
    publishers: whole(parsed, "publishers", 10_000),
    consumers: whole(parsed, "consumers", 10_000),
    size: whole(parsed, "size", 512 * 1024 * 1024),
    persistent: flag("persistent"),
    confirms: whole(parsed, "confirms", 10_000_000),
    ack: whole(parsed, "ack", 1_000_000),
    prefetch: whole(parsed, "prefetch", 65_535),
    rate: quantity(parsed, "rate"),
    duration: quantity(parsed, "duration"),
    warmup: quantity(parsed, "warmup"),
    messages: whole(parsed, "messages", Number.MAX_SAFE_INTEGER),
    polling: flag("polling"),
    latency: flag("latency"),
    queue: text("queue"),
    queueFrom: whole(parsed, "queue-from", 1_000_000_000),
    queueTo: whole(parsed, "queue-to", 1_000_000_000),
    exchange: text("exchange"),
    routingKey: parsed["routing-key"] as string | undefined,
    queueArguments: tableOf(text("queue-args")),
    durable: flag("durable"),
    autoDelete: flag("auto-delete"),
    exclusive: flag("exclusive"),
    delete: flag("delete"),
  };
  checkTogether(throughput);
  return { mode: text("mode"), json: flag("json"), quiet: flag("quiet"), throughput };
}

function checkTogether({ publishers, consumers, ...options }: ThroughputOptions): void {
  const refuse = (condition: boolean, text: string): void => {
    if (condition) throw new OptionError(text);
  };
  refuse(publishers + consumers === 0, "--publishers and --consumers are both 0: there is nothing to do");
  refuse(options.latency && options.size < STAMP_BYTES, `--latency needs a --size of at least ${STAMP_BYTES}`);
  refuse(
    options.prefetch > 0 && options.ack > options.prefetch,
    "--ack is more than --prefetch: no message would ever be acknowledged",
  );
  refuse(options.queueTo < options.queueFrom, "--queue-to is less than --queue-from");
  refuse(
    options.queue === "" && options.exchange === "",
    "--queue is empty: without --exchange no message would reach its queue",
  );
  refuse(options.queue === "" && consumers === 0, "--queue is empty: without consumers no queue would be declared");
}

function whole(parsed: Parsed, name: string, max: number): number {
  const value = parsed[name] as number;
  if (Number.isSafeInteger(value) && value >= 0 && value <= max) return value;
  throw new OptionError(`--${name} is ${value}, but must be an integer from 0 to ${max}`);
}

function quantity(parsed: Parsed, name: string): number {
  const value = parsed[name] as number;
  if (Number.isFinite(value) && value >= 0) return value;
  throw new OptionError(`--${name} is ${value}, but must be a number that is not negative`);
}

function tableOf(json: string): FieldTable {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new OptionError(`--queue-args is not JSON: ${(error as Error).message}`, { cause: error });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new OptionError("--queue-args is not a JSON object");
  }
  return Object.keys(value).length === 0 ? EMPTY_TABLE : tableFrom(value as Record<string, PlainFieldValue>);
}
