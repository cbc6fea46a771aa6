import type { FieldTable } from "../../wire/field-table.ts";
import { ageSeconds } from "../arguments/age.ts";
import type { PolicyValues } from "../policy-values.ts";
import type { QueueType } from "../queue-type.ts";

/** What happens to a message that a full queue cannot keep. RabbitMQ: "Queue Length Limit". */
export type Overflow = "drop-head" | "reject-publish" | "reject-publish-dlx";

/** Which returned messages wait before they are delivered again. RabbitMQ: "Quorum Queues", delayed retry. */
export type DelayedRetryType = (typeof DELAYED_RETRY_TYPES)[number];

const DELAYED_RETRY_TYPES = ["disabled", "all", "failed", "returned"] as const;

/** What a queue's arguments and the policies for it come to; undefined: not limited, not set. */
export interface QueueSettings {
  /** x-message-ttl: milliseconds from the publish after which a message expires. */
  readonly messageTtlMilliseconds: number | undefined;
  /** x-expires: milliseconds without use after which the queue is deleted. */
  readonly expiresMilliseconds: number | undefined;
  /** x-max-length: ready messages. */
  readonly lengthMax: number | undefined;
  /** x-max-length-bytes: octets of the bodies of ready messages; of all messages of a stream. */
  readonly lengthBytesMax: number | undefined;
  /** x-overflow. */
  readonly overflow: Overflow;
  /** x-dead-letter-exchange; "" is the default exchange. */
  readonly deadLetterExchange: string | undefined;
  /** x-dead-letter-routing-key; undefined: a message keeps its own keys. */
  readonly deadLetterRoutingKey: string | undefined;
  /** x-dead-letter-strategy at-least-once, which needs x-overflow reject-publish: a dead message stays until a queue has it. */
  readonly deadLetterAtLeastOnce: boolean;
  /** x-delivery-limit: failed deliveries after which a message is dead; undefined: no limit. */
  readonly deliveryLimit: number | undefined;
  /** x-consumer-timeout: milliseconds a consumer of a quorum queue may take to acknowledge; undefined: the broker's default. */
  readonly consumerTimeoutMilliseconds: number | undefined;
  /** x-delayed-retry-type; "disabled" without an x-delayed-retry-min. */
  readonly delayedRetry: DelayedRetryType;
  /** x-delayed-retry-min: milliseconds to wait after the first failure; so much more after each further one. */
  readonly delayedRetryMinMilliseconds: number;
  /** x-delayed-retry-max: the longest wait; the shortest one unless told. */
  readonly delayedRetryMaxMilliseconds: number;
  /** x-max-age of a stream, in seconds. */
  readonly maxAgeSeconds: number | undefined;
  /** x-stream-max-segment-size-bytes. */
  readonly segmentBytesMax: number | undefined;
  /** x-stream-filter-size-bytes. */
  readonly filterBytes: number | undefined;
  /** Messages with an x-delay header wait here before they are ready. */
  readonly delaysMessages: boolean;
}

/** A quorum queue drops a message that fails once more than so often, unless told otherwise. RabbitMQ 4: delivery-limit. */
const QUORUM_DELIVERY_LIMIT_DEFAULT = 20;

/**
 * The settings of a queue. Its own arguments, which have been checked, come before a policy; of two numeric limits the
 * lower counts; a stream's policy, a quorum queue's for overflow, and one for delayed retry come before the arguments.
 * RabbitMQ: "Policies".
 */
export function queueSettings(type: QueueType, queueArguments: FieldTable, policy: PolicyValues): QueueSettings {
  const source = new SettingSource(type, queueArguments, policy);
  const overflow = overflowOf(source, type);
  return {
    messageTtlMilliseconds: source.lower("message-ttl"),
    expiresMilliseconds: source.lower("expires"),
    lengthMax: source.lower("max-length"),
    lengthBytesMax: source.lower("max-length-bytes"),
    overflow,
    deadLetterExchange: source.text("dead-letter-exchange"),
    deadLetterRoutingKey: source.text("dead-letter-routing-key"),
    deadLetterAtLeastOnce: overflow === "reject-publish" && isAtLeastOnce(source, type),
    deliveryLimit: deliveryLimitOf(source, type),
    consumerTimeoutMilliseconds: source.lower("consumer-timeout"),
    ...delayedRetryOf(source),
    maxAgeSeconds: ageSeconds(source.text("max-age")),
    segmentBytesMax: source.integer("stream-max-segment-size-bytes"),
    filterBytes: source.integer("stream-filter-size-bytes"),
    delaysMessages: source.flag("delayed-message") ?? false,
  };
}

/** Whether a queue acts alike by both. */
export function sameSettings(a: QueueSettings, b: QueueSettings): boolean {
  return (Object.keys(a) as (keyof QueueSettings)[]).every((key) => a[key] === b[key]);
}

/** Looks a setting up in the arguments (with its x-) and the policy (without). */
class SettingSource {
  readonly #type: QueueType;
  readonly #arguments: FieldTable;
  readonly #policy: PolicyValues;

  constructor(type: QueueType, queueArguments: FieldTable, policy: PolicyValues) {
    this.#type = type;
    this.#arguments = queueArguments;
    this.#policy = policy;
  }

  /** The lower of the two, where the policy does not come first. */
  lower(key: string): number | undefined {
    const argument = this.#argumentInteger(key);
    const policy = this.#policyInteger(key);
    if (argument === undefined || policy === undefined) return argument ?? policy;
    return this.#policyFirst(key) ? policy : Math.min(argument, policy);
  }

  /** The lower of the two, unless one is negative. */
  lowerLimit(key: string): number | undefined {
    const argument = this.#argumentInteger(key);
    const policy = this.#policyInteger(key);
    if (argument === undefined || policy === undefined) return argument ?? policy;
    return argument < 0 || policy < 0 ? Math.max(argument, policy) : Math.min(argument, policy);
  }

  integer(key: string): number | undefined {
    const [argument, policy] = [this.#argumentInteger(key), this.#policyInteger(key)];
    return this.#policyFirst(key) ? (policy ?? argument) : (argument ?? policy);
  }

  text(key: string): string | undefined {
    const field = this.#arguments.get(`x-${key}`);
    const argument = field?.type === "longstr" ? field.value : undefined;
    const value = this.#policy.get(key);
    const policy = typeof value === "string" ? value : undefined;
    return this.#policyFirst(key) ? (policy ?? argument) : (argument ?? policy);
  }

  flag(key: string): boolean | undefined {
    const field = this.#arguments.get(`x-${key}`);
    if (field?.type === "bool") return field.value;
    const value = this.#policy.get(key);
    return typeof value === "boolean" ? value : undefined;
  }

  #policyFirst(key: string): boolean {
    return this.#type === "stream" || (this.#type === "quorum" && key === "overflow") || key === "delayed-retry-type";
  }

  #argumentInteger(key: string): number | undefined {
    const value = this.#arguments.get(`x-${key}`)?.value;
    return typeof value === "number" || typeof value === "bigint" ? Number(value) : undefined;
  }

  #policyInteger(key: string): number | undefined {
    const value = this.#policy.get(key);
    return typeof value === "number" ? value : undefined;
  }
}

/** A quorum queue has no reject-publish-dlx. */
function overflowOf(source: SettingSource, type: QueueType): Overflow {
  const value = source.text("overflow");
  if (value === "reject-publish") return value;
  return value === "reject-publish-dlx" && type === "classic" ? value : "drop-head";
}

function isAtLeastOnce(source: SettingSource, type: QueueType): boolean {
  return type === "quorum" && source.text("dead-letter-strategy") === "at-least-once";
}

/** Negative: no limit, which loses to one that is set. */
function deliveryLimitOf(source: SettingSource, type: QueueType): number | undefined {
  const limit = source.lowerLimit("delivery-limit") ?? (type === "quorum" ? QUORUM_DELIVERY_LIMIT_DEFAULT : undefined);
  return limit === undefined || limit < 0 ? undefined : limit;
}

function delayedRetryOf(
  source: SettingSource,
): Pick<QueueSettings, "delayedRetry" | "delayedRetryMinMilliseconds" | "delayedRetryMaxMilliseconds"> {
  const type = DELAYED_RETRY_TYPES.find((word) => word === source.text("delayed-retry-type")) ?? "disabled";
  const min = source.lower("delayed-retry-min") ?? 0;
  const max = source.lower("delayed-retry-max") ?? 0;
  return {
    delayedRetry: min > 0 ? type : "disabled",
    delayedRetryMinMilliseconds: min,
    delayedRetryMaxMilliseconds: max > 0 ? max : min,
  };
}
