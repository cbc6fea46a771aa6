import { contentPropertiesEnd, contentPropertiesStart, withProperties } from "../../../wire/content.ts";
import { EMPTY_TABLE, type FieldTable, type TableLimits } from "../../../wire/field-table.ts";
import { octetsFromString } from "../../../wire/octet-string.ts";
import { decodeProperties, encodeProperties } from "../../../wire/properties.ts";
import { Message } from "../../message.ts";
import { bccKeys, ccKeys } from "../../routing-keys.ts";
import { type DeathReason, headersAfterDeath } from "./death.ts";

/** What is queued was within the broker's limits when it came. */
const NO_TABLE_LIMITS: TableLimits = { bytesMax: Number.POSITIVE_INFINITY, depthMax: Number.POSITIVE_INFINITY };

const NO_OCTETS = Buffer.alloc(0);

/** The delivery mode of a persistent message. */
const PERSISTENT = 2;

/** Where and why a message has died, and where it goes. */
export interface DeadLetterRequest {
  readonly queueName: string;
  readonly reason: DeathReason;
  /** The dead letter exchange. */
  readonly exchangeName: string;
  /** Undefined: the message keeps its own keys. */
  readonly routingKey: string | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
}

/** A dead message on its way to a dead letter exchange. */
export interface DeadLetter {
  /** With bytes of its own. */
  readonly message: Message;
  readonly routingKeys: readonly string[];
  readonly headers: FieldTable;
}

/**
 * What becomes of `message` when it dies: the death is in its headers, its expiration is not, and it is addressed to
 * the dead letter exchange. CC and BCC keys route it too, unless the queue names a routing key.
 */
export function deadLetterOf(message: Message, request: DeadLetterRequest): DeadLetter {
  const { buffer, contentStart, contentEnd, exchangeName, routingKey } = message;
  const start = contentPropertiesStart(contentStart);
  const properties = decodeProperties(buffer, start, contentPropertiesEnd(buffer, contentStart), NO_TABLE_LIMITS);
  const before = properties.headers ?? EMPTY_TABLE;
  const visibleKeys = [routingKey, ...ccKeys(before)];
  const headers = headersAfterDeath(before, message.deadLettered, {
    queue: request.queueName,
    reason: request.reason,
    timeSeconds: Math.floor(request.now / 1000),
    exchange: exchangeName,
    routingKeys: visibleKeys,
    originalExpiration: properties.expiration,
  });
  const { expiration: _, ...lasting } = properties;
  const content = withProperties(buffer, contentStart, contentEnd, encodeProperties({ ...lasting, headers }));
  const letter = addressed(message, request.exchangeName, request.routingKey ?? routingKey, content);
  // A quorum queue keeps every message as if it were persistent; whoever gets it next goes by what it says itself.
  letter.persistent = properties.deliveryMode === PERSISTENT;
  letter.publishedAt = request.now;
  letter.expiresAt = 0;
  letter.deadLettered = true;
  if (request.routingKey === undefined) {
    return { message: letter, routingKeys: [...visibleKeys, ...bccKeys(message)], headers };
  }
  letter.bcc = NO_OCTETS;
  return { message: letter, routingKeys: [request.routingKey], headers };
}

function addressed(original: Message, exchangeName: string, routingKey: string, content: Buffer): Message {
  const address = Buffer.concat([shortstr(exchangeName), shortstr(routingKey)]);
  const message = new Message();
  message.copyFrom(original);
  message.buffer = Buffer.concat([address, content]);
  message.addressStart = 0;
  message.addressEnd = address.length;
  message.contentStart = address.length;
  message.contentEnd = message.buffer.length;
  return message;
}

function shortstr(value: string): Buffer {
  const octets = octetsFromString(value);
  return Buffer.concat([Buffer.of(octets.length), octets]);
}
