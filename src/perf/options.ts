import { EMPTY_TABLE, type FieldTable, type PlainFieldValue, tableFrom } from "../wire/field-table.ts";
import { parseBrokerUri } from "./broker-uri.ts";
import { CHURNS, type Churn, type ChurnOptions } from "./churn-options.ts";
import { STAMP_BYTES } from "./frame-scanner.ts";
import { OptionError } from "./perf-error.ts";
import type { RpcOptions } from "./rpc-options.ts";
import type { ThroughputOptions } from "./throughput-options.ts";
import type { QueuePattern, TopologyOptions } from "./topology.ts";

/** Everything a command line can ask for. */
export interface PerfOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly throughput: ThroughputOptions;
  /** Present when that is what to do instead. */
  readonly churn: ChurnOptions | undefined;
  /** Present when that is what to do instead. */
  readonly rpc: RpcOptions | undefined;
}

/** Octets of a body; also what the broker's limit may at most be. */
const SIZE_MAX = 512 * 1024 * 1024;
const CLIENTS_MAX = 10_000;
const CONFIRMS_MAX = 10_000_000;
const PREFETCH_MAX = 65_535;
const QUEUE_NUMBER_MAX = 1_000_000_000;

const NEVER_ACKNOWLEDGED = "--ack is more than --prefetch: no message would ever be acknowledged";

type Parsed = Readonly<Record<string, unknown>>;

/** Checks options that are given under their command-line names. @throws OptionError for a value that is not allowed */
export function parseOptions(parsed: Parsed): PerfOptions {
  const throughput = throughputOptions(parsed);
  const churn = CHURNS.find((kind) => parsed["mode"] === `${kind}-churn`);
  const rpc = parsed["mode"] === "rpc" ? rpcOptions(parsed) : undefined;
  if (churn === undefined && rpc === undefined) checkTogether(throughput);
  return {
    json: flag(parsed, "json"),
    quiet: flag(parsed, "quiet"),
    throughput,
    churn: churn === undefined ? undefined : churnOptions(parsed, churn),
    rpc,
  };
}

function throughputOptions(parsed: Parsed): ThroughputOptions {
  return {
    address: parseBrokerUri(text(parsed, "uri")),
    publishers: whole(parsed, "publishers", CLIENTS_MAX),
    consumers: whole(parsed, "consumers", CLIENTS_MAX),
    size: whole(parsed, "size", SIZE_MAX),
    persistent: flag(parsed, "persistent"),
    confirms: whole(parsed, "confirms", CONFIRMS_MAX),
    ack: whole(parsed, "ack", PREFETCH_MAX),
    prefetch: whole(parsed, "prefetch", PREFETCH_MAX),
    rate: quantity(parsed, "rate"),
    duration: quantity(parsed, "duration"),
    warmup: quantity(parsed, "warmup"),
    messages: whole(parsed, "messages"),
    polling: flag(parsed, "polling"),
    consumerArguments: tableOf(parsed, "consumer-args"),
    latency: flag(parsed, "latency"),
    ...topologyOptions(parsed),
    delete: flag(parsed, "delete"),
  };
}

function topologyOptions(parsed: Parsed): TopologyOptions {
  return {
    queue: text(parsed, "queue"),
    queuePattern: queuePattern(parsed),
    exchange: text(parsed, "exchange"),
    routingKey: parsed["routing-key"] as string | undefined,
    queueArguments: tableOf(parsed, "queue-args"),
    durable: flag(parsed, "durable"),
    autoDelete: flag(parsed, "auto-delete"),
    exclusive: flag(parsed, "exclusive"),
  };
}

function rpcOptions(parsed: Parsed): RpcOptions {
  const options: RpcOptions = {
    address: parseBrokerUri(text(parsed, "uri")),
    clients: whole(parsed, "clients", CLIENTS_MAX),
    responders: whole(parsed, "responders", CLIENTS_MAX),
    size: whole(parsed, "size", SIZE_MAX),
    persistent: flag(parsed, "persistent"),
    replyQueues: flag(parsed, "reply-queues"),
    ack: whole(parsed, "ack", PREFETCH_MAX),
    prefetch: whole(parsed, "prefetch", PREFETCH_MAX),
    rate: quantity(parsed, "rate"),
    requests: whole(parsed, "operations"),
    duration: quantity(parsed, "duration"),
    warmup: quantity(parsed, "warmup"),
    ...topologyOptions(parsed),
    delete: flag(parsed, "delete"),
  };
  const { clients, responders, size, ack, prefetch, queue, queuePattern } = options;
  refuse([
    [clients + responders === 0, "--clients and --responders are both 0: there is nothing to do"],
    [size < STAMP_BYTES, `rpc needs a --size of at least ${STAMP_BYTES}`],
    [prefetch > 0 && ack > prefetch, NEVER_ACKNOWLEDGED],
    [queue === "" && queuePattern === undefined, "--queue is empty: clients would not know where to ask"],
  ]);
  return options;
}

function churnOptions(parsed: Parsed, churn: Churn): ChurnOptions {
  return {
    address: parseBrokerUri(text(parsed, "uri")),
    churn,
    workers: whole(parsed, "workers", CLIENTS_MAX),
    operations: whole(parsed, "operations"),
    rate: quantity(parsed, "rate"),
    duration: quantity(parsed, "duration"),
    warmup: quantity(parsed, "warmup"),
    durable: flag(parsed, "durable"),
    exchange: text(parsed, "exchange"),
  };
}

function queuePattern(parsed: Parsed): QueuePattern | undefined {
  const name = parsed["queue-pattern"] as string | undefined;
  if (name === undefined) return undefined;
  const from = whole(parsed, "queue-pattern-from", QUEUE_NUMBER_MAX);
  const to = whole(parsed, "queue-pattern-to", QUEUE_NUMBER_MAX);
  if (!name.includes("%d")) throw new OptionError(`--queue-pattern is "${name}", but must contain %d`);
  if (to < from) throw new OptionError("--queue-pattern-to is less than --queue-pattern-from");
  return { name, from, to };
}

function checkTogether(options: ThroughputOptions): void {
  const { publishers, consumers, size, latency, ack, prefetch, queue, queuePattern, exchange, exclusive } = options;
  const serverNamed = queue === "" && queuePattern === undefined;
  refuse([
    [publishers + consumers === 0, "--publishers and --consumers are both 0: there is nothing to do"],
    [latency && size < STAMP_BYTES, `--latency needs a --size of at least ${STAMP_BYTES}`],
    [prefetch > 0 && ack > prefetch, NEVER_ACKNOWLEDGED],
    [serverNamed && exchange === "", "--queue is empty: without --exchange no message would get to a queue"],
    [serverNamed && consumers === 0, "--queue is empty: without consumers there would be no queue"],
    [exclusive && consumers === 0, "--exclusive without consumers: messages would be gone with their publishers"],
    [exclusive && consumers > 1 && queuePattern === undefined && !serverNamed, "--exclusive allows one consumer"],
  ]);
}

/** @throws OptionError with the text of the first condition that is true */
function refuse(refusals: readonly (readonly [condition: boolean, text: string])[]): void {
  const refused = refusals.find(([condition]) => condition);
  if (refused !== undefined) throw new OptionError(refused[1]);
}

function text(parsed: Parsed, name: string): string {
  return parsed[name] as string;
}

function flag(parsed: Parsed, name: string): boolean {
  return parsed[name] as boolean;
}

function whole(parsed: Parsed, name: string, max = Number.MAX_SAFE_INTEGER): number {
  const value = parsed[name] as number;
  if (Number.isSafeInteger(value) && value >= 0 && value <= max) return value;
  throw new OptionError(`--${name} is ${value}, but must be an integer from 0 to ${max}`);
}

function quantity(parsed: Parsed, name: string): number {
  const value = parsed[name] as number;
  if (Number.isFinite(value) && value >= 0) return value;
  throw new OptionError(`--${name} is ${value}, but must be a number that is not negative`);
}

function tableOf(parsed: Parsed, name: string): FieldTable {
  let value: unknown;
  try {
    value = JSON.parse(text(parsed, name));
  } catch (error) {
    throw new OptionError(`--${name} is not JSON: ${(error as Error).message}`, { cause: error });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new OptionError(`--${name} is not a JSON object`);
  }
  return Object.keys(value).length === 0 ? EMPTY_TABLE : tableFrom(value as Record<string, PlainFieldValue>);
}
