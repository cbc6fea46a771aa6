import type { FieldTable } from "../../wire/field-table.ts";
import { BrokerError } from "../errors.ts";
import { DEAD_LETTER_EXCHANGE, DEAD_LETTER_ROUTING_KEY, QUEUE_TYPE } from "./argument-names.ts";
import {
  type ArgumentRule,
  anyValue,
  count,
  deadLetterRoutingKey,
  flag,
  lease,
  oneOf,
  priority,
  queueVersion,
  text,
  timeToLive,
} from "./argument-rules.ts";

interface QueueArgument {
  readonly name: string;
  readonly rule: ArgumentRule;
  /** True when the broker takes the argument and does not act on it yet. */
  readonly pending: boolean;
}

const queueType = oneOf(["classic"], (word) => `"unsupported queue type '${word}'"`);
const overflow = oneOf(["drop-head", "reject-publish", "reject-publish-dlx"], () => "invalid_overflow");
const leaderLocator = oneOf(["client-local", "balanced"], () => "invalid_queue_locator_arg");

/**
 * The arguments of a classic queue, in the order RabbitMQ checks and compares them. x-queue-mode, x-queue-version and
 * x-queue-leader-locator have no effect in RabbitMQ either, or none on a single node.
 */
const CLASSIC_QUEUE_ARGUMENTS: readonly QueueArgument[] = [
  { name: "x-expires", rule: lease, pending: true },
  { name: "x-message-ttl", rule: timeToLive, pending: false },
  { name: DEAD_LETTER_EXCHANGE, rule: text, pending: true },
  { name: DEAD_LETTER_ROUTING_KEY, rule: deadLetterRoutingKey, pending: true },
  { name: "x-max-length", rule: count, pending: false },
  { name: "x-max-length-bytes", rule: count, pending: false },
  { name: "x-max-priority", rule: priority, pending: true },
  { name: "x-overflow", rule: overflow, pending: false },
  { name: "x-queue-mode", rule: anyValue, pending: false },
  { name: "x-queue-version", rule: queueVersion, pending: false },
  { name: "x-single-active-consumer", rule: flag, pending: true },
  { name: QUEUE_TYPE, rule: queueType, pending: false },
  { name: "x-queue-leader-locator", rule: leaderLocator, pending: false },
];

/** Arguments that quorum queues or streams know and classic queues do not. */
const OTHER_TYPES_ARGUMENTS: ReadonlySet<string> = new Set([
  "x-dead-letter-strategy",
  "x-max-in-memory-length",
  "x-max-in-memory-bytes",
  "x-quorum-initial-group-size",
  "x-delivery-limit",
  "x-consumer-disconnected-timeout",
  "x-consumer-timeout",
  "x-delayed-retry-type",
  "x-delayed-retry-min",
  "x-delayed-retry-max",
  "x-max-age",
  "x-stream-max-segment-size-bytes",
  "x-stream-filter-size-bytes",
  "x-initial-cluster-size",
]);

/** RabbitMQ 4 refuses this one as a feature that is gone. */
const MASTER_LOCATOR = "x-queue-master-locator";

/** The arguments that must be the same when a queue is declared again. */
export const COMPARED_QUEUE_ARGUMENTS: readonly string[] = [
  ...CLASSIC_QUEUE_ARGUMENTS.map(({ name }) => name),
  MASTER_LOCATOR,
];

/** Arguments that are checked, stored and compared, but do not have their effect yet. */
export const PENDING_QUEUE_ARGUMENTS: readonly string[] = CLASSIC_QUEUE_ARGUMENTS.filter(({ pending }) => pending).map(
  ({ name }) => name,
);

/**
 * Checks the arguments of a new queue. Arguments nobody knows are fine.
 * @param queue the queue as error texts name it
 * @throws BrokerError 406 for a value that is refused or an argument of another queue type; 541 for
 *   x-queue-master-locator
 */
export function checkQueueArguments(queue: string, table: FieldTable): void {
  checkValue(queue, QUEUE_TYPE, queueType, table);
  for (const { name, rule } of CLASSIC_QUEUE_ARGUMENTS) checkValue(queue, name, rule, table);
  for (const name of table.keys()) {
    if (OTHER_TYPES_ARGUMENTS.has(name)) {
      throw new BrokerError(
        "PRECONDITION_FAILED",
        `invalid arg '${name}' for ${queue} of queue type rabbit_classic_queue`,
      );
    }
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
