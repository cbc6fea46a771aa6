import { EMPTY_TABLE } from "../wire/field-table.ts";
import { parseBrokerUri } from "./broker-uri.ts";
import { CHURNS, type Churn, type ChurnOptions } from "./churn-options.ts";
import { COMMAND_LINE_OPTIONS, MODES, type Mode } from "./command-line.ts";
import { STAMP_BYTES } from "./frame-scanner.ts";
import { flag, type OptionValues, optionalText, quantity, table, text, whole } from "./option-values.ts";
import { OptionError } from "./perf-error.ts";
import type { RpcOptions } from "./rpc-options.ts";
import type { MessageOptions, RunOptions } from "./run-options.ts";
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
/** Eleven days; a timer takes 24. */
const SECONDS_MAX = 1_000_000;
const QUEUE_NUMBER_MAX = 1_000_000_000;

const NEVER_ACKNOWLEDGED = "--ack is more than --prefetch: no message would ever be acknowledged";

const DEFAULTS: OptionValues = Object.fromEntries(
  Object.entries(COMMAND_LINE_OPTIONS).map(([name, { defaultValue }]) => [name, defaultValue]),
);

/**
 * Checks the options that are given, under their command-line names, and takes the rest from the defaults.
 *
 * @throws OptionError for a value that is not allowed, and for an option that means nothing in this mode
 */
export function parseOptions(mode: Mode, given: OptionValues): PerfOptions {
  refuseIdle(mode, given);
  const values = { ...DEFAULTS, ...given };
  const throughput = throughputOptions(values);
  const churn = CHURNS.find((kind) => mode === `${kind}-churn`);
  if (mode === "throughput") checkTogether(throughput);
  return {
    json: flag(values, "json"),
    quiet: flag(values, "quiet"),
    throughput,
    churn: churn === undefined ? undefined : churnOptions(values, churn),
    rpc: mode === "rpc" ? rpcOptions(values) : undefined,
  };
}

function refuseIdle(mode: Mode, given: OptionValues): void {
  for (const name of Object.keys(given)) {
    const modes = COMMAND_LINE_OPTIONS[name]?.modes ?? MODES;
    if (!modes.includes(mode)) throw new OptionError(`--${name} means nothing in ${mode}, only in ${modes.join(", ")}`);
  }
  const patternGiven = "queue-pattern" in given;
  const rangeGiven = "queue-pattern-from" in given || "queue-pattern-to" in given;
  refuse([
    [rangeGiven && !patternGiven, "--queue-pattern-from and --queue-pattern-to need --queue-pattern"],
    [patternGiven && "queue" in given, "--queue means nothing with --queue-pattern"],
  ]);
}

function runOptions(values: OptionValues): RunOptions {
  return {
    address: parseBrokerUri(text(values, "uri")),
    rate: quantity(values, "rate"),
    duration: quantity(values, "duration", SECONDS_MAX),
    warmup: quantity(values, "warmup", SECONDS_MAX),
  };
}

function messageOptions(values: OptionValues): MessageOptions {
  return {
    ...runOptions(values),
    size: whole(values, "size", SIZE_MAX),
    persistent: flag(values, "persistent"),
    ack: whole(values, "ack", PREFETCH_MAX),
    prefetch: whole(values, "prefetch", PREFETCH_MAX),
    ...topologyOptions(values),
    delete: flag(values, "delete"),
  };
}

function throughputOptions(values: OptionValues): ThroughputOptions {
  return {
    ...messageOptions(values),
    publishers: whole(values, "publishers", CLIENTS_MAX),
    consumers: whole(values, "consumers", CLIENTS_MAX),
    confirms: whole(values, "confirms", CONFIRMS_MAX),
    messages: whole(values, "messages"),
    polling: flag(values, "polling"),
    consumerArguments: table(values, "consumer-args"),
    latency: flag(values, "latency"),
  };
}

function topologyOptions(values: OptionValues): TopologyOptions {
  return {
    queue: text(values, "queue"),
    queuePattern: queuePattern(values),
    exchange: text(values, "exchange"),
    routingKey: optionalText(values, "routing-key"),
    queueArguments: table(values, "queue-args"),
    durable: flag(values, "durable"),
    autoDelete: flag(values, "auto-delete"),
    exclusive: flag(values, "exclusive"),
  };
}

function rpcOptions(values: OptionValues): RpcOptions {
  const options: RpcOptions = {
    ...messageOptions(values),
    clients: whole(values, "clients", CLIENTS_MAX),
    responders: whole(values, "responders", CLIENTS_MAX),
    replyQueues: flag(values, "reply-queues"),
    rate: quantity(values, "rate"),
    requests: whole(values, "operations"),
    duration: quantity(values, "duration", SECONDS_MAX),
    warmup: quantity(values, "warmup", SECONDS_MAX),
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

function churnOptions(values: OptionValues, churn: Churn): ChurnOptions {
  const options: ChurnOptions = {
    ...runOptions(values),
    churn,
    workers: whole(values, "workers", CLIENTS_MAX),
    operations: whole(values, "operations"),
    durable: flag(values, "durable"),
    exchange: text(values, "exchange"),
  };
  refuse([[options.workers === 0, "--workers is 0: there is nothing to do"]]);
  return options;
}

function queuePattern(values: OptionValues): QueuePattern | undefined {
  const name = optionalText(values, "queue-pattern");
  if (name === undefined) return undefined;
  const from = whole(values, "queue-pattern-from", QUEUE_NUMBER_MAX);
  const to = whole(values, "queue-pattern-to", QUEUE_NUMBER_MAX);
  if (!name.includes("%d")) throw new OptionError(`--queue-pattern is "${name}", but must contain %d`);
  if (to < from) throw new OptionError("--queue-pattern-to is less than --queue-pattern-from");
  return { name, from, to };
}

function checkTogether(options: ThroughputOptions): void {
  const { publishers, consumers, size, latency, ack, prefetch, queue, queuePattern, exchange, exclusive } = options;
  const { polling, consumerArguments } = options;
  const serverNamed = queue === "" && queuePattern === undefined;
  refuse([
    [publishers + consumers === 0, "--publishers and --consumers are both 0: there is nothing to do"],
    [latency && size < STAMP_BYTES, `--latency needs a --size of at least ${STAMP_BYTES}`],
    [prefetch > 0 && ack > prefetch, NEVER_ACKNOWLEDGED],
    [polling && prefetch > 0, "--prefetch means nothing with --polling: basic.get has no limit"],
    [polling && consumerArguments !== EMPTY_TABLE, "--consumer-args means nothing with --polling"],
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
