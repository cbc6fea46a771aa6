/** RabbitMQ 4's address format v2: /queues/:queue, /exchanges/:exchange/:key, /exchanges/:exchange, percent-encoded. */

import { DEFAULT_EXCHANGE_NAME } from "../core/names.ts";
import { octetsFromString, stringFromOctets } from "../wire/octet-string.ts";

const QUEUES = "/queues/";
const EXCHANGES = "/exchanges/";
const DEFAULT_EXCHANGE_ALIAS = "amq.default";

/** Where a message is published to. */
export interface PublishAddress {
  readonly exchangeName: string;
  readonly routingKey: string;
  /** The queue it is for, if it names one. */
  readonly queueName: string | undefined;
  /** It is a topic's: that nobody subscribes to it is no failure. */
  readonly isTopic: boolean;
}

/** The exchange whose routing keys are the topics of clients that know topics only. */
export const TOPIC_EXCHANGE = "amq.topic";

export function queuePublishAddress(queueName: string): PublishAddress {
  return { exchangeName: DEFAULT_EXCHANGE_NAME, routingKey: queueName, queueName, isTopic: false };
}

export function topicAddress(topic: string): PublishAddress {
  return { exchangeName: TOPIC_EXCHANGE, routingKey: topic, queueName: undefined, isTopic: true };
}

/** Undefined for what is no target address. */
export function parseTargetAddress(address: string): PublishAddress | undefined {
  const queueName = parseQueueAddress(address);
  if (queueName !== undefined) return queuePublishAddress(queueName);
  if (!address.startsWith(EXCHANGES)) return undefined;
  const segments = address.slice(EXCHANGES.length).split("/");
  const names = segments.map(percentDecoded);
  const [exchangeName, routingKey = ""] = names;
  if (segments.length > 2 || names.includes(undefined)) return undefined;
  if (exchangeName === undefined || exchangeName === "" || segments[0] === DEFAULT_EXCHANGE_ALIAS) return undefined;
  return { exchangeName, routingKey, queueName: undefined, isTopic: false };
}

/** The queue that /queues/:queue names; undefined for any other address. */
export function parseQueueAddress(address: string): string | undefined {
  if (!address.startsWith(QUEUES) || address === QUEUES) return undefined;
  return percentDecoded(address.slice(QUEUES.length));
}

export function queueAddress(queueName: string): string {
  return QUEUES + percentEncoded(queueName);
}

const ESCAPE = /%(?:[0-9A-Fa-f]{2})?/g;
const PERCENT_BYTES = 3;

/** Undefined when a percent sign is not followed by two hexadecimal digits. */
export function percentDecoded(text: string): string | undefined {
  if (!text.includes("%")) return text;
  if (text.match(ESCAPE)?.some((sequence) => sequence.length < PERCENT_BYTES)) return undefined;
  const octets: Buffer[] = [];
  let at = 0;
  for (const { 0: sequence, index } of text.matchAll(ESCAPE)) {
    octets.push(octetsFromString(text.slice(at, index)), Buffer.from(sequence.slice(1), "hex"));
    at = index + sequence.length;
  }
  octets.push(octetsFromString(text.slice(at)));
  const all = Buffer.concat(octets);
  return stringFromOctets(all, 0, all.length);
}

const UNRESERVED = /[A-Za-z0-9\-._~]/;

/** Everything but the unreserved characters of RFC 3986 encoded. */
export function percentEncoded(text: string): string {
  let encoded = "";
  for (const octet of octetsFromString(text)) {
    const character = String.fromCharCode(octet);
    encoded += UNRESERVED.test(character) ? character : `%${octet.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}
