// Hot file: hash runs for every message that is routed by it and whose route is not cached.
import { contentPropertiesEnd, contentPropertiesStart } from "../../wire/content.ts";
import { octetsFromString } from "../../wire/octet-string.ts";
import { findProperty, PROPERTY_FLAGS } from "../../wire/properties.ts";
import { fieldValueText } from "../arguments/field-value-text.ts";
import { BrokerError } from "../errors.ts";
import type { Message } from "../message.ts";
import type { RoutingInput } from "./exchange.ts";
import type { ExchangeSpec } from "./exchange-spec.ts";
import { murmurHash } from "./murmur-hash.ts";

/** What of a message is hashed. */
export interface HashSource {
  readonly isRoutingKey: boolean;
  /** An unsigned 32-bit integer. Messages that lack what is to be hashed all have the same. */
  hash(input: RoutingInput): number;
}

const HASH_HEADER = "hash-header";
const HASH_PROPERTY = "hash-property";

const PROPERTIES: ReadonlyMap<string, number> = new Map([
  ["correlation_id", PROPERTY_FLAGS.correlationId],
  ["message_id", PROPERTY_FLAGS.messageId],
  ["timestamp", PROPERTY_FLAGS.timestamp],
]);

const TIMESTAMP_BYTES = 8;

/** What the property or header is taken for where there is none. */
const NOTHING = murmurHash(new Uint8Array(0), 0, 0, 0);

/**
 * The source that the arguments of exchange.declare name; without any, the routing key.
 * RabbitMQ: consistent hash exchange, "Routing on a header" and "Routing on a message property".
 *
 * @throws BrokerError PRECONDITION_FAILED for two sources, a property that is none of message_id, correlation_id and
 *   timestamp, or an argument that is not a longstr (for which RabbitMQ has no text: it fails with 541)
 */
export function hashSourceOf(spec: ExchangeSpec): HashSource {
  const header = longstrArgument(spec, HASH_HEADER);
  const property = longstrArgument(spec, HASH_PROPERTY);
  if (header !== undefined) {
    if (property === undefined) return new HeaderSource(header);
    throw new BrokerError("PRECONDITION_FAILED", "hash-header and hash-property are mutually exclusive");
  }
  if (property === undefined) return ROUTING_KEY_SOURCE;
  const flag = PROPERTIES.get(property);
  if (flag === undefined) throw new BrokerError("PRECONDITION_FAILED", `Unsupported property: ${property}`);
  return new PropertySource(flag);
}

/** Hashes the publish's own routing key; CC and BCC play no part. */
const ROUTING_KEY_SOURCE: HashSource = {
  isRoutingKey: true,
  hash: (input) => hashOfText(input.routingKeys[0]!),
};

class HeaderSource implements HashSource {
  readonly isRoutingKey = false;
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  hash(input: RoutingInput): number {
    const header = input.headers()?.get(this.#name);
    return header === undefined ? NOTHING : hashOfText(fieldValueText(header));
  }
}

class PropertySource implements HashSource {
  readonly isRoutingKey = false;
  readonly #flag: number;

  constructor(flag: number) {
    this.#flag = flag;
  }

  hash({ message }: RoutingInput): number {
    return message === undefined ? NOTHING : hashOfProperty(message, this.#flag);
  }
}

function hashOfText(text: string): number {
  const octets = octetsFromString(text);
  return murmurHash(octets, 0, octets.length, 0);
}

function hashOfProperty({ buffer, contentStart }: Message, flag: number): number {
  const propertiesEnd = contentPropertiesEnd(buffer, contentStart);
  const offset = findProperty(buffer, contentPropertiesStart(contentStart), propertiesEnd, flag);
  if (offset < 0) return NOTHING;
  if (flag === PROPERTY_FLAGS.timestamp) return murmurHash(buffer, offset, offset + TIMESTAMP_BYTES, 0);
  const start = offset + 1;
  return murmurHash(buffer, start, start + (buffer[offset] as number), 0);
}

function longstrArgument(spec: ExchangeSpec, name: string): string | undefined {
  const argument = spec.arguments.get(name);
  if (argument === undefined) return undefined;
  if (argument.type === "longstr") return argument.value;
  throw new BrokerError(
    "PRECONDITION_FAILED",
    `invalid type '${argument.type}' for arg '${name}' in exchange '${spec.name}' in vhost '${spec.vhost}'`,
  );
}
