import type { FieldTable } from "../../wire/field-table.ts";
import {
  CACHE_PERSISTENCE,
  CACHE_PERSISTENCES,
  CACHE_SIZE,
  CACHE_TTL,
  DEDUPLICATION_HEADER,
  DEDUPLICATION_PROPERTY,
  MESSAGE_DEDUPLICATION,
  MESSAGE_ID_PROPERTY,
} from "../deduplication/deduplication-options.ts";
import { BrokerError } from "../errors.ts";
import { QUEUE_TYPES, type QueueType } from "../queue-type.ts";
import {
  DEAD_LETTER_EXCHANGE,
  DEAD_LETTER_ROUTING_KEY,
  GROUP_HEADER,
  GROUP_PROPERTY,
  MAX_AGE,
  MAX_PRIORITY,
  QUEUE_TYPE,
} from "./argument-names.ts";
import {
  type ArgumentRule,
  anyValue,
  cacheSize,
  count,
  deadLetterRoutingKey,
  deduplicationHeader,
  flag,
  groupHeader,
  groupProperty,
  lease,
  maxAge,
  oneOf,
  positiveCount,
  priority,
  queueVersion,
  text,
  timeToLive,
} from "./argument-rules.ts";

interface QueueArgument {
  readonly name: string;
  readonly rule: ArgumentRule;
  /** The queue types that know it. */
  readonly types: readonly QueueType[];
}

const CLASSIC: readonly QueueType[] = ["classic"];
const QUORUM: readonly QueueType[] = ["quorum"];
const STREAM: readonly QueueType[] = ["stream"];
const CLASSIC_QUORUM: readonly QueueType[] = ["classic", "quorum"];
const ALL = QUEUE_TYPES;

const queueType = oneOf(QUEUE_TYPES, (word) => `"unsupported queue type '${word}'"`);
const overflow = oneOf(["drop-head", "reject-publish", "reject-publish-dlx"], () => "invalid_overflow");
/** RabbitMQ still takes what earlier releases had for "balanced". */
const LEADER_LOCATORS = ["client-local", "balanced", "random", "least-leaders", "min-masters"];

const leaderLocator = oneOf(LEADER_LOCATORS, () => "invalid_queue_locator_arg");
const deadLetterStrategy = oneOf(["at-most-once", "at-least-once"], () => "invalid_dlx_strategy");
const cachePersistence = oneOf(CACHE_PERSISTENCES, () => "invalid_cache_persistence");
const deduplicationProperty = oneOf([MESSAGE_ID_PROPERTY], (word) => `"unsupported property '${word}'"`);

/**
 * The arguments of queues, in the order RabbitMQ checks them. x-queue-mode, x-queue-version, the locators
 * and the group sizes have no effect in RabbitMQ either, or none on a single node; messages that a quorum queue keeps
 * in memory have no limit of their own any more. x-delivery-limit and the arguments of delayed retry may be anything, and
 * mean nothing then. Delayed retry is for classic queues here too, which RabbitMQ refuses.
 */
const QUEUE_ARGUMENTS: readonly QueueArgument[] = [
  { name: "x-expires", rule: lease, types: CLASSIC_QUORUM },
  { name: "x-message-ttl", rule: timeToLive, types: CLASSIC_QUORUM },
  { name: DEAD_LETTER_EXCHANGE, rule: text, types: CLASSIC_QUORUM },
  { name: DEAD_LETTER_ROUTING_KEY, rule: deadLetterRoutingKey, types: CLASSIC_QUORUM },
  { name: "x-dead-letter-strategy", rule: deadLetterStrategy, types: QUORUM },
  { name: "x-max-length", rule: count, types: CLASSIC_QUORUM },
  { name: "x-max-length-bytes", rule: count, types: ALL },
  { name: "x-max-in-memory-length", rule: count, types: QUORUM },
  { name: "x-max-in-memory-bytes", rule: count, types: QUORUM },
  { name: MAX_PRIORITY, rule: priority, types: CLASSIC },
  { name: "x-overflow", rule: overflow, types: CLASSIC_QUORUM },
  { name: "x-queue-mode", rule: anyValue, types: CLASSIC },
  { name: "x-queue-version", rule: queueVersion, types: CLASSIC },
  { name: "x-single-active-consumer", rule: flag, types: CLASSIC_QUORUM },
  { name: QUEUE_TYPE, rule: queueType, types: ALL },
  { name: "x-delivery-limit", rule: anyValue, types: QUORUM },
  { name: "x-consumer-timeout", rule: count, types: QUORUM },
  { name: "x-consumer-disconnected-timeout", rule: count, types: QUORUM },
  { name: "x-quorum-initial-group-size", rule: positiveCount, types: QUORUM },
  { name: "x-delayed-retry-type", rule: anyValue, types: CLASSIC_QUORUM },
  { name: "x-delayed-retry-min", rule: anyValue, types: CLASSIC_QUORUM },
  { name: "x-delayed-retry-max", rule: anyValue, types: CLASSIC_QUORUM },
  { name: "x-delayed-message", rule: flag, types: CLASSIC_QUORUM },
  { name: MESSAGE_DEDUPLICATION, rule: flag, types: CLASSIC_QUORUM },
  { name: CACHE_SIZE, rule: cacheSize, types: CLASSIC_QUORUM },
  { name: CACHE_TTL, rule: lease, types: CLASSIC_QUORUM },
  { name: CACHE_PERSISTENCE, rule: cachePersistence, types: CLASSIC_QUORUM },
  { name: DEDUPLICATION_HEADER, rule: deduplicationHeader, types: CLASSIC_QUORUM },
  { name: DEDUPLICATION_PROPERTY, rule: deduplicationProperty, types: CLASSIC_QUORUM },
  { name: GROUP_HEADER, rule: groupHeader, types: CLASSIC_QUORUM },
  { name: GROUP_PROPERTY, rule: groupProperty, types: CLASSIC_QUORUM },
  { name: MAX_AGE, rule: maxAge, types: STREAM },
  { name: "x-stream-max-segment-size-bytes", rule: count, types: STREAM },
  { name: "x-stream-filter-size-bytes", rule: count, types: STREAM },
  { name: "x-initial-cluster-size", rule: positiveCount, types: STREAM },
  { name: "x-queue-leader-locator", rule: leaderLocator, types: ALL },
];

/** RabbitMQ 4 refuses this one as a feature that is gone. */
const MASTER_LOCATOR = "x-queue-master-locator";

/** Octets; RabbitMQ's limits. */
const SEGMENT_BYTES_MAX = 3_000_000_000;
const FILTER_BYTES_MIN = 16;
const FILTER_BYTES_MAX = 255;

/** The order in which RabbitMQ compares the arguments of a quorum queue; for the other types it is that of the checks. */
const COMPARED_FOR_QUORUM: readonly string[] = [
  DEAD_LETTER_EXCHANGE,
  DEAD_LETTER_ROUTING_KEY,
  "x-dead-letter-strategy",
  "x-expires",
  "x-max-length",
  "x-max-length-bytes",
  "x-max-in-memory-length",
  "x-max-in-memory-bytes",
  "x-overflow",
  "x-single-active-consumer",
  QUEUE_TYPE,
  "x-quorum-initial-group-size",
  "x-delivery-limit",
  "x-message-ttl",
  "x-queue-leader-locator",
  "x-consumer-disconnected-timeout",
  "x-consumer-timeout",
];

const COMPARED_ARGUMENTS: Readonly<Record<QueueType, readonly string[]>> = {
  classic: [...argumentsOf("classic"), MASTER_LOCATOR],
  quorum: [...new Set([...COMPARED_FOR_QUORUM, ...argumentsOf("quorum")]), MASTER_LOCATOR],
  stream: [...argumentsOf("stream"), MASTER_LOCATOR],
};

/** The arguments that other types know, and this one does not. */
const FOREIGN_ARGUMENTS: Readonly<Record<QueueType, ReadonlySet<string>>> = {
  classic: foreignArguments("classic"),
  quorum: foreignArguments("quorum"),
  stream: foreignArguments("stream"),
};

/** The arguments that must be the same when a queue of this type is declared again. */
export function comparedQueueArguments(type: QueueType): readonly string[] {
  return COMPARED_ARGUMENTS[type];
}

function foreignArguments(type: QueueType): ReadonlySet<string> {
  return new Set(QUEUE_ARGUMENTS.filter(({ types }) => !types.includes(type)).map(({ name }) => name));
}

function argumentsOf(type: QueueType): string[] {
  return QUEUE_ARGUMENTS.filter(({ types }) => types.includes(type)).map(({ name }) => name);
}

/** The type that checked arguments ask for; "classic" when they ask for none. */
export function queueTypeOf(table: FieldTable): QueueType {
  const value = table.get(QUEUE_TYPE)?.value;
  return QUEUE_TYPES.find((type) => type === value) ?? "classic";
}

/**
 * Checks the arguments of a new queue. Arguments nobody knows are fine.
 * @param queue the queue as error texts name it
 * @throws BrokerError 406 for a value that is refused or an argument of another queue type; 541 for
 *   x-queue-master-locator
 */
export function checkQueueArguments(queue: string, table: FieldTable): void {
  checkValue(queue, QUEUE_TYPE, queueType, table);
  const type = queueTypeOf(table);
  for (const { name, rule, types } of QUEUE_ARGUMENTS) if (types.includes(type)) checkValue(queue, name, rule, table);
  for (const name of table.keys()) {
    if (FOREIGN_ARGUMENTS[type].has(name)) throw ofAnotherType(queue, name, type);
  }
  if (table.has(MASTER_LOCATOR)) {
    throw new BrokerError(
      "INTERNAL_ERROR",
      "Feature `queue_master_locator` is deprecated.\nBy default, this feature is not permitted anymore.",
    );
  }
}

/**
 * The exchange that rejected and expired messages of a new queue go to; undefined when it asks for none.
 * @throws BrokerError 406 when the argument is not a string
 */
export function deadLetterExchangeOf(queue: string, table: FieldTable): string | undefined {
  const field = table.get(DEAD_LETTER_EXCHANGE);
  if (field === undefined || field.type === "longstr") return field?.value;
  throw new BrokerError(
    "PRECONDITION_FAILED",
    `invalid type '${field.type}' for arg '${DEAD_LETTER_EXCHANGE}' in ${queue}`,
  );
}

function checkValue(queue: string, name: string, rule: ArgumentRule, table: FieldTable): void {
  const field = table.get(name);
  const reason = field === undefined ? undefined : rule(field, table);
  if (reason !== undefined) {
    throw new BrokerError("PRECONDITION_FAILED", `invalid arg '${name}' for ${queue}: ${reason}`);
  }
}

function ofAnotherType(queue: string, name: string, type: QueueType): BrokerError {
  return new BrokerError(
    "PRECONDITION_FAILED",
    `invalid arg '${name}' for ${queue} of queue type rabbit_${type}_queue`,
  );
}

/**
 * Checks the sizes of a new stream, which RabbitMQ does last of all.
 * @throws BrokerError 406
 */
export function checkStreamSizes(table: FieldTable): void {
  const segmentBytes = Number(table.get("x-stream-max-segment-size-bytes")?.value ?? 0);
  if (segmentBytes > SEGMENT_BYTES_MAX) {
    throw new BrokerError("PRECONDITION_FAILED", "Exceeded max value for x-stream-max-segment-size-bytes");
  }
  const filterBytes = Number(table.get("x-stream-filter-size-bytes")?.value ?? FILTER_BYTES_MIN);
  if (filterBytes < FILTER_BYTES_MIN || filterBytes > FILTER_BYTES_MAX) {
    throw new BrokerError("PRECONDITION_FAILED", "Invalid value for x-stream-filter-size-bytes");
  }
}
