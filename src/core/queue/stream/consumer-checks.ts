import { BrokerError } from "../../errors.ts";
import type { ConsumerOptions } from "../consumer.ts";

/** What the tags begin with that the broker makes up; such a consumer has no name to be known by later. */
const MADE_UP_TAG_PREFIX = "amq.ctag-";

/**
 * Checks what a stream asks of its consumers. RabbitMQ: "Streams", consuming.
 *
 * @param resource the stream as error texts name it
 * @throws BrokerError PRECONDITION_FAILED without a prefetch count; NOT_IMPLEMENTED without acknowledgements
 */
export function checkStreamConsumer({ prefetchCount, noAck }: ConsumerOptions, resource: string): void {
  if (prefetchCount === 0) {
    throw new BrokerError("PRECONDITION_FAILED", `consumer prefetch count is not set for stream ${resource}`);
  }
  if (noAck) throw new BrokerError("NOT_IMPLEMENTED", `automatic acknowledgement not supported by stream ${resource}`);
}

/**
 * Whether the broker keeps the consumer's offset: when it has a tag of its own and names no offset, unless
 * x-stream-automatic-offset-tracking says otherwise. LavinMQ: "Streams", server-side offset tracking.
 */
export function tracksOffset({ tag, arguments: consumerArguments }: ConsumerOptions): boolean {
  if (!hasName(tag)) return false;
  const asked = consumerArguments.get("x-stream-automatic-offset-tracking");
  if (asked?.type === "bool") return asked.value;
  if (asked?.type === "longstr") return asked.value === "true";
  return !consumerArguments.has("x-stream-offset");
}

/**
 * The name of the group of which one consumer at a time is active; undefined for a consumer that is in none. In
 * RabbitMQ's stream protocol too the name of the consumers makes the group.
 */
export function groupName({ tag, arguments: consumerArguments }: ConsumerOptions): string | undefined {
  if (consumerArguments.get("x-single-active-consumer")?.value !== true) return undefined;
  return hasName(tag) ? tag : "";
}

function hasName(tag: string): boolean {
  return !tag.startsWith(MADE_UP_TAG_PREFIX);
}
