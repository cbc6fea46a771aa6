import * as v from "valibot";
import { type BrokerLimits, DEFAULT_LIMITS } from "../core/limits.ts";
import { listenerEntries } from "./listener-options.ts";
import {
  flag,
  fraction,
  GIBIBYTE,
  integer,
  KIBIBYTE,
  MEBIBYTE,
  NOTHING,
  oneOf,
  text,
  zeroOrInteger,
} from "./option-types.ts";
import { tlsEntries } from "./tls-options.ts";

/** Every log level, from the most to the least talkative. */
export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;

/** `auto`: pretty on a terminal, json otherwise. */
export const LOG_FORMATS = ["auto", "pretty", "json"] as const;

/** What each limit of the core may be set to; its default is the core's. */
const limitEntries = {
  connectionsMax: limit("connectionsMax", 1, 1_000_000, "Connections at one time"),
  channelsMax: limit("channelsMax", 0, 65_535, "Open channels per connection, offered as channel-max; 0: no limit"),
  sessionsMax: limit(
    "sessionsMax",
    1,
    65_535,
    "AMQP 1.0 sessions per connection, RabbitMQ's session_max_per_connection",
  ),
  linksMax: limit("linksMax", 1, 65_535, "AMQP 1.0 links per session, RabbitMQ's link_max_per_session"),
  frameBytesMax: limit("frameBytesMax", 4 * KIBIBYTE, 16 * MEBIBYTE, "Octets of a frame, offered as frame-max"),
  heartbeatSeconds: limit("heartbeatSeconds", 0, 65_535, "Heartbeat interval offered to clients; 0: none"),
  messageBytesMax: limit("messageBytesMax", 1, 512 * MEBIBYTE, "Octets of a message's body"),
  unfinishedBytesMax: limit(
    "unfinishedBytesMax",
    MEBIBYTE,
    GIBIBYTE,
    "Octets of bodies that one connection has begun to send and not finished; one message always fits",
  ),
  outboxBytesMax: limit(
    "outboxBytesMax",
    64 * KIBIBYTE,
    GIBIBYTE,
    "Octets waiting for one client, beyond which it gets no deliveries and is not read from",
  ),
  unwrittenBytesMax: limit(
    "unwrittenBytesMax",
    MEBIBYTE,
    GIBIBYTE,
    "Octets taken from publishers and not yet written to disk, beyond which publishers are not read from",
  ),
  queueMemoryBytesMax: limit(
    "queueMemoryBytesMax",
    MEBIBYTE,
    1024 * GIBIBYTE,
    "Octets of messages in memory, beyond which queues leave theirs to the disk",
  ),
  transactionBytesMax: limit(
    "transactionBytesMax",
    KIBIBYTE,
    GIBIBYTE,
    "Octets of publishes and acknowledgements one transaction may hold",
  ),
  tableBytesMax: limit("tableBytesMax", KIBIBYTE, 16 * MEBIBYTE, "Octets of a field table"),
  tableDepthMax: limit("tableDepthMax", 1, 128, "Tables and arrays inside each other"),
  handshakeTimeoutMilliseconds: limit(
    "handshakeTimeoutMilliseconds",
    100,
    600_000,
    "Time a client has from connecting to connection.open",
  ),
  consumerTimeoutMilliseconds: limit(
    "consumerTimeoutMilliseconds",
    1000,
    315_360_000_000,
    "Time a consumer of a quorum queue may take to acknowledge, unless the queue or the consumer says otherwise",
  ),
  loginRefusedDelayMilliseconds: limit(
    "loginRefusedDelayMilliseconds",
    0,
    60_000,
    "Time a refused login is kept waiting before it is told, against guessing",
  ),
} satisfies { [Key in keyof BrokerLimits]: unknown };

/** When publishers are blocked because a resource runs low; defaults are RabbitMQ's. */
const alarmEntries = {
  memoryHighWatermarkFraction: fraction(
    0.6,
    "Share of the memory the process may use above which publishers are blocked; 0: always",
  ),
  memoryHighWatermarkBytes: zeroOrInteger(
    16 * MEBIBYTE,
    1024 * 1024 * GIBIBYTE,
    0,
    "Octets of memory in use above which publishers are blocked; 0: memoryHighWatermarkFraction decides",
  ),
  diskFreeBytesMin: integer(
    0,
    1024 * 1024 * GIBIBYTE,
    50_000_000,
    "Octets free on the data directory's file system below which publishers are blocked; 0: never",
  ),
  resourceCheckMilliseconds: integer(100, 600_000, 1000, "Time between two looks at memory in use and disk space"),
};

const optionEntries = {
  dataDir: text("leveret-data", "Directory that holds the broker's state; created when missing"),
  memory: flag(false, "Keep everything in memory and nothing on disk; dataDir is then not used"),
  ...listenerEntries,
  logLevel: oneOf(LOG_LEVELS, "info", "Least severe log lines to write"),
  logFormat: oneOf(LOG_FORMATS, "auto", "Form of log lines; auto: pretty on a terminal, json otherwise"),
  definitions: text(
    "none",
    "JSON file of virtual hosts, users, policies, queues and the like in RabbitMQ's format, imported at every start; " +
      "none: no file",
  ),
  product: text("Leveret", "Product name in server-properties, for clients that branch on it"),
  ...limitEntries,
  ...alarmEntries,
  ...tlsEntries,
};

/** The one description of what can be configured; everything else about options is derived from it. */
export const configSchema = v.strictObject(optionEntries);

/** A complete, valid configuration. */
export type ServerConfig = v.InferOutput<typeof configSchema>;

export type OptionKey = keyof ServerConfig;

/** One option as its users see it. */
export interface OptionDescription {
  readonly key: OptionKey;
  /** Without the leading dashes. */
  readonly commandLineName: string;
  readonly environmentName: string;
  readonly kind: "string" | "number" | "boolean" | "picklist" | "union" | "array";
  readonly defaultValue: string | number | boolean | readonly unknown[];
  /** The default as it is written on a command line. */
  readonly defaultText: string;
  /** What a value may be, to be read after "must be". */
  readonly allowed: string;
  readonly meaning: string;
}

/** Every option, in the order in which they are documented. */
export const OPTIONS: readonly OptionDescription[] = (Object.keys(optionEntries) as OptionKey[]).map(describeOption);

/** The limits of a configuration, as the core takes them. */
export function limitsOf(config: ServerConfig): BrokerLimits {
  const keys = Object.keys(limitEntries) as (keyof BrokerLimits)[];
  return Object.fromEntries(keys.map((key) => [key, config[key]])) as unknown as BrokerLimits;
}

function describeOption(key: OptionKey): OptionDescription {
  const { wrapped, default: defaultValue } = optionEntries[key];
  const words = key.replace(/[A-Z]/g, (letter) => `_${letter}`);
  return {
    key,
    commandLineName: words.replaceAll("_", "-").toLowerCase(),
    environmentName: `LEVERET_${words.toUpperCase()}`,
    kind: wrapped.type,
    defaultValue,
    defaultText: Array.isArray(defaultValue) && defaultValue.length === 0 ? NOTHING : String(defaultValue),
    allowed: v.getTitle(wrapped) ?? "",
    meaning: v.getDescription(wrapped) ?? "",
  };
}

function limit(key: keyof BrokerLimits, minimum: number, maximum: number, meaning: string) {
  return integer(minimum, maximum, DEFAULT_LIMITS[key], meaning);
}
