/**
 * Every key a policy's definition can have. Source: `rabbit_policies` and `rabbit_quorum_queue` of RabbitMQ 4.3 and
 * `rabbit_federation_parameters`, for the rules, the texts, the order of the checks and how two values are merged.
 */

import type { PolicyValue } from "../policy-values.ts";
import type { QueueType } from "../queue-type.ts";

/** What comes out when both a policy and an operator policy have a value. */
export type PolicyMerge = (user: PolicyValue, operator: PolicyValue) => PolicyValue;

/** The members of a definition, in the order of their names. */
export type PolicyMembers = readonly (readonly [key: string, value: unknown])[];

/** Keys that are checked together. */
export interface PolicyKeyGroup {
  readonly keys: readonly PolicyKey[];
  /** What is wrong with a definition's members of the group together, before each of them is looked at. */
  readonly before?: (members: PolicyMembers) => string | undefined;
  /** The same, when nothing is wrong with any of them. */
  readonly after?: (members: PolicyMembers) => string | undefined;
}

export interface PolicyKey {
  readonly name: string;
  readonly accepts: (value: unknown) => boolean;
  /** What RabbitMQ says of a value that is refused, behind that value. */
  readonly refusal: string;
  /** Undefined: an operator policy cannot have the key. */
  readonly merge: PolicyMerge | undefined;
}

const SEGMENT_BYTES_MAX = 3_000_000_000;
const OVERFLOWS = ["drop-head", "reject-publish", "reject-publish-dlx"];
const LEADER_LOCATORS = ["client-local", "balanced", "random", "least-leaders"];
const MAX_AGE = /^0*[1-9][0-9]*[YMDhms]$/;

const RETRY_REFUSAL = "is not a valid delayed retry";

const text = (value: unknown): boolean => typeof value === "string";
const flag = (value: unknown): boolean => typeof value === "boolean";
const maxAge = (value: unknown): boolean => typeof value === "string" && MAX_AGE.test(value);

function integer(minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY): (value: unknown) => boolean {
  return (value) => Number.isInteger(value) && (value as number) >= minimum && (value as number) <= maximum;
}

function oneOf(...choices: readonly unknown[]): (value: unknown) => boolean {
  return (value) => choices.includes(value);
}

const operators: PolicyMerge = (_user, operator) => operator;
const lower: PolicyMerge = (user, operator) => Math.min(user as number, operator as number);
const higher: PolicyMerge = (user, operator) => Math.max(user as number, operator as number);

/** The lower limit; but a negative one is none, and then the other counts. */
const lowerLimit: PolicyMerge = (user, operator) =>
  (user as number) < 0 || (operator as number) < 0 ? higher(user, operator) : lower(user, operator);

function key(
  name: string,
  accepts: (value: unknown) => boolean,
  refusal: string,
  merge: PolicyMerge | undefined = undefined,
): PolicyKey {
  return { name, accepts, refusal, merge };
}

const BUILT_IN: PolicyKeyGroup = {
  keys: [
    key("alternate-exchange", text, "is not a valid alternate exchange name"),
    key("consumer-disconnected-timeout", integer(0), "is not a valid consumer disconnected timeout"),
    key("consumer-timeout", integer(0), "is not a valid consumer timeout"),
    key("dead-letter-exchange", text, "is not a valid dead letter exchange name"),
    key("dead-letter-routing-key", text, "is not a valid dead letter routing key"),
    key("dead-letter-strategy", oneOf("at-most-once", "at-least-once"), "is not a valid dead letter strategy"),
    key("delivery-limit", integer(), "is not a valid delivery limit", lowerLimit),
    key("expires", integer(1), "is not a valid queue expiry", lower),
    key("initial-cluster-size", integer(0), "is not a valid cluster size"),
    key("max-age", maxAge, "is not a valid max age"),
    key("max-in-memory-bytes", integer(0), "is not a valid maximum memory in bytes", lower),
    key("max-in-memory-length", integer(0), "is not a valid maximum memory in bytes", lower),
    key("max-length", integer(0), "is not a valid maximum length", lower),
    key("max-length-bytes", integer(0), "is not a valid maximum length in bytes", lower),
    key("message-ttl", integer(0), "is not a valid message TTL", lower),
    key("overflow", oneOf(...OVERFLOWS), "is not a valid overflow value", operators),
    key("queue-leader-locator", oneOf(...LEADER_LOCATORS), "is not a valid queue leader locator value"),
    key("queue-mode", oneOf("default", "lazy"), "is not a valid queue-mode value"),
    key("queue-version", oneOf(1, 2), "is not a valid queue-version value", operators),
    key("stream-filter-size-bytes", integer(16, 255), "is not a valid filter size. Valid range is 16-255"),
    key("stream-max-segment-size-bytes", integer(0, SEGMENT_BYTES_MAX), "is not a valid segment size"),
  ],
};

const QUORUM: PolicyKeyGroup = {
  keys: [
    key("delayed-retry-max", integer(1), `${RETRY_REFUSAL} maximum delay. Must be a positive integer`, lower),
    key("delayed-retry-min", integer(1), `${RETRY_REFUSAL} minimum delay. Must be a positive integer`, higher),
    key(
      "delayed-retry-type",
      oneOf("all", "failed", "returned", "disabled"),
      `${RETRY_REFUSAL} type. Must be one of: all, failed, returned, disabled`,
      operators,
    ),
    key("target-group-size", integer(1), "is not a valid qq target count value", higher),
  ],
  after(members) {
    const values = new Map(members);
    const type = values.get("delayed-retry-type");
    const [minimum, maximum] = [values.get("delayed-retry-min"), values.get("delayed-retry-max")];
    if (type !== undefined && type !== "disabled" && minimum === undefined) {
      return `delayed-retry-min is required when delayed-retry-type is ${String(type)}`;
    }
    if (typeof minimum === "number" && typeof maximum === "number" && maximum < minimum) {
      return `delayed-retry-max (${maximum}) must not be smaller than delayed-retry-min (${minimum})`;
    }
    return undefined;
  },
};

/** Taken and kept for the sake of definitions that come from RabbitMQ: there is no federation here. */
const FEDERATION: PolicyKeyGroup = {
  keys: [
    key("federation-upstream", text, "is not a valid federation upstream name"),
    key("federation-upstream-pattern", text, "is not a valid federation upstream pattern name"),
    key("federation-upstream-set", text, "is not a valid federation upstream set name"),
  ],
  before: (members) =>
    members.length < 2
      ? undefined
      : "cannot specify federation-upstream, federation-upstream-set or federation-upstream-pattern together",
};

/** Not RabbitMQ's: as in LavinMQ. */
const ADDED: PolicyKeyGroup = { keys: [key("delayed-message", flag, "is not a valid delayed-message value")] };

/** In the order in which they are checked; within a group the order is that of the names. */
export const POLICY_KEY_GROUPS: readonly PolicyKeyGroup[] = [BUILT_IN, QUORUM, FEDERATION, ADDED];

export const POLICY_KEYS: ReadonlyMap<string, PolicyKey> = new Map(
  POLICY_KEY_GROUPS.flatMap(({ keys }) => keys).map((each) => [each.name, each]),
);

/**
 * The keys that make a policy not apply to queues of a type at all: `unsupported_policies` of the queue types in
 * RabbitMQ 4.3.
 */
export const UNSUPPORTED_POLICY_KEYS: Readonly<Record<QueueType, ReadonlySet<string>>> = {
  classic: new Set([
    "max-age",
    "stream-max-segment-size-bytes",
    "initial-cluster-size",
    "delivery-limit",
    "dead-letter-strategy",
    "max-in-memory-length",
    "max-in-memory-bytes",
    "target-group-size",
  ]),
  quorum: new Set(["queue-mode", "max-age", "stream-max-segment-size-bytes", "initial-cluster-size"]),
  stream: new Set([
    "expires",
    "message-ttl",
    "dead-letter-exchange",
    "dead-letter-routing-key",
    "max-length",
    "max-in-memory-length",
    "max-in-memory-bytes",
    "overflow",
    "queue-mode",
    "delivery-limit",
    "dead-letter-strategy",
    "target-group-size",
  ]),
};
