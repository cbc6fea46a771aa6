// Hot file: inspect runs for every publish.

import { contentPropertiesEnd, contentPropertiesStart, withProperties } from "../../wire/content.ts";
import { decodeTable, type FieldTable, type TableLimits } from "../../wire/field-table.ts";
import { stringFromOctets } from "../../wire/octet-string.ts";
import { decodeProperties, encodeProperties, findProperty, PROPERTY_FLAGS } from "../../wire/properties.ts";
import { BrokerError } from "../errors.ts";
import { type Message, NO_PRIORITY } from "../message.ts";
import { readExpiration } from "./expiration.ts";

/** Properties that take more than a glance. */
const RARE_FLAGS = PROPERTY_FLAGS.headers | PROPERTY_FLAGS.replyTo | PROPERTY_FLAGS.expiration | PROPERTY_FLAGS.userId;

const PERSISTENT = 2;

const NO_OCTETS = Buffer.alloc(0);

/** Who publishes, as far as properties are checked against it. */
export interface Publisher {
  readonly userName: string;
  readonly mayImpersonate: boolean;
}

/** Fills in what the properties say of persistence and priority; true when they hold anything {@link inspectRare} is for. */
export function inspectMessage(message: Message): boolean {
  const { buffer } = message;
  const start = contentPropertiesStart(message.contentStart);
  const flags = ((buffer[start] as number) << 8) | (buffer[start + 1] as number);
  message.persistent = false;
  message.priority = NO_PRIORITY;
  message.deadLettered = false;
  message.hasFailed = false;
  message.bcc = NO_OCTETS;
  message.expiresAt = 0;
  if (flags === 0) return false;
  const end = contentPropertiesEnd(buffer, message.contentStart);
  if ((flags & PROPERTY_FLAGS.deliveryMode) !== 0) {
    message.persistent = buffer[findProperty(buffer, start, end, PROPERTY_FLAGS.deliveryMode)] === PERSISTENT;
  }
  if ((flags & PROPERTY_FLAGS.priority) !== 0) {
    const priority = buffer[findProperty(buffer, start, end, PROPERTY_FLAGS.priority)] as number;
    message.priority = priority < NO_PRIORITY ? priority : NO_PRIORITY - 1;
  }
  return (flags & RARE_FLAGS) !== 0;
}

/**
 * Checks user-id and expiration.
 * @throws BrokerError PRECONDITION_FAILED
 */
export function checkRareProperties(message: Message, publisher: Publisher, now: number): void {
  const userId = shortstrProperty(message, PROPERTY_FLAGS.userId);
  if (userId !== undefined && userId !== publisher.userName && !publisher.mayImpersonate) {
    throw new BrokerError(
      "PRECONDITION_FAILED",
      `user_id property set to '${userId}' but authenticated user was '${publisher.userName}'`,
    );
  }
  const expiration = shortstrProperty(message, PROPERTY_FLAGS.expiration);
  if (expiration !== undefined) message.expiresAt = now + readExpiration(expiration);
}

/** The reply-to property; undefined when absent. */
export function replyTo(message: Message): string | undefined {
  return shortstrProperty(message, PROPERTY_FLAGS.replyTo);
}

/** Where the headers property begins, with its long length; -1 when absent. */
export function headersStart({ buffer, contentStart }: Message): number {
  const start = contentPropertiesStart(contentStart);
  return findProperty(buffer, start, contentPropertiesEnd(buffer, contentStart), PROPERTY_FLAGS.headers);
}

/**
 * The headers property, decoded; undefined when absent.
 *
 * @throws WireError for headers that are malformed or beyond `limits`
 */
export function messageHeaders(message: Message, limits: TableLimits): FieldTable | undefined {
  const { buffer, contentStart } = message;
  const start = headersStart(message);
  return start < 0 ? undefined : decodeTable(buffer, start, contentPropertiesEnd(buffer, contentStart), limits);
}

/**
 * Gives `message` other headers or another reply-to; its bytes are copied.
 *
 * @throws WireError for headers that are malformed or beyond `limits`
 */
export function changeProperties(
  message: Message,
  change: { headers?: FieldTable; replyTo?: string },
  limits: TableLimits,
): void {
  const start = contentPropertiesStart(message.contentStart);
  const end = contentPropertiesEnd(message.buffer, message.contentStart);
  const properties = { ...decodeProperties(message.buffer, start, end, limits), ...change };
  const content = withProperties(
    message.buffer,
    message.contentStart,
    message.contentEnd,
    encodeProperties(properties),
  );
  const address = message.buffer.subarray(message.addressStart, message.addressEnd);
  message.buffer = Buffer.concat([address, content]);
  message.addressStart = 0;
  message.addressEnd = address.length;
  message.contentStart = address.length;
  message.contentEnd = message.buffer.length;
}

function shortstrProperty(message: Message, flag: number): string | undefined {
  const start = contentPropertiesStart(message.contentStart);
  const end = contentPropertiesEnd(message.buffer, message.contentStart);
  const offset = findProperty(message.buffer, start, end, flag);
  if (offset < 0) return undefined;
  return stringFromOctets(message.buffer, offset + 1, offset + 1 + (message.buffer[offset] as number));
}
