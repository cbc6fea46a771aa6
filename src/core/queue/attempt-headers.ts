import { contentPropertiesEnd, contentPropertiesStart, withProperties } from "../../wire/content.ts";
import { EMPTY_TABLE, type FieldTable, long, type TableLimits } from "../../wire/field-table.ts";
import { decodeProperties, encodeProperties } from "../../wire/properties.ts";
import type { Message } from "../message.ts";
import type { Attempt } from "./attempts.ts";

/** What is queued was within the broker's limits when it came. */
const NO_TABLE_LIMITS: TableLimits = { bytesMax: Number.POSITIVE_INFINITY, depthMax: Number.POSITIVE_INFINITY };

/**
 * Tells the receiver how often a message has come back: x-acquired-count, and x-delivery-count for the failures among
 * them; each is absent while it would be 0. RabbitMQ: "Quorum Queues", poison message handling.
 */
export function addAttemptHeaders(message: Message, { acquiredCount, failedCount, headers }: Attempt): void {
  if (acquiredCount === 0) return;
  const added = new Map([...headers, ["x-acquired-count", long(acquiredCount)]]);
  if (failedCount > 0) added.set("x-delivery-count", long(failedCount));
  addHeaders(message, added);
}

/** Lays `added` over the headers of a message, whose bytes are copied. */
export function addHeaders(message: Message, added: FieldTable): void {
  const { buffer, addressStart, addressEnd, contentStart, contentEnd } = message;
  const start = contentPropertiesStart(contentStart);
  const properties = decodeProperties(buffer, start, contentPropertiesEnd(buffer, contentStart), NO_TABLE_LIMITS);
  const headers = new Map([...(properties.headers ?? EMPTY_TABLE), ...added]);
  const content = withProperties(buffer, contentStart, contentEnd, encodeProperties({ ...properties, headers }));
  message.buffer = Buffer.concat([buffer.subarray(addressStart, addressEnd), content]);
  message.addressStart = 0;
  message.addressEnd = addressEnd - addressStart;
  message.contentStart = message.addressEnd;
  message.contentEnd = message.buffer.length;
}
