import type { Message } from "../../core/message.ts";
import { contentPropertiesEnd, contentPropertiesStart } from "../../wire/content.ts";
import { EMPTY_TABLE, type FieldValue, type TableLimits } from "../../wire/field-table.ts";
import { decodeProperties, type Properties } from "../../wire/properties.ts";
import { subjectOf } from "../conversion/outgoing-message.ts";
import type { SelectorValue } from "./expressions.ts";
import { parseSelector } from "./parser.ts";

/** What is queued was within the broker's limits when it came. */
const NO_TABLE_LIMITS: TableLimits = { bytesMax: Number.POSITIVE_INFINITY, depthMax: Number.POSITIVE_INFINITY };

const PERSISTENT = 2;
const DEFAULT_PRIORITY = 4;
const APPLICATION_PREFIX = /^(?:a|application_properties)\./;

type Read = (properties: Properties) => SelectorValue;

const ids: Readonly<Record<string, Read>> = {
  "header.priority": ({ priority }) => priority ?? DEFAULT_PRIORITY,
  "properties.message_id": ({ messageId }) => messageId,
  "properties.correlation_id": ({ correlationId }) => correlationId,
  "properties.user_id": ({ userId }) => userId,
  "properties.reply_to": ({ replyTo }) => replyTo,
  "properties.content_type": ({ contentType }) => contentType,
  "properties.content_encoding": ({ contentEncoding }) => contentEncoding,
  "properties.group_id": ({ appId }) => appId,
  "properties.creation_time": ({ timestamp }) => (timestamp === undefined ? undefined : Number(timestamp) * 1000),
  "properties.subject": subjectOf,
};

/** Identifiers that are no application properties: those of JMS, and RabbitMQ 4's names of sections and fields. */
const IDENTIFIERS: ReadonlyMap<string, Read> = new Map<string, Read>([
  ...Object.entries(ids),
  ...Object.entries(ids).map(([name, read]): [string, Read] => [name.replace(/^(.)\w+/, "$1"), read]),
  ["JMSPriority", ids["header.priority"] as Read],
  ["JMSMessageID", ids["properties.message_id"] as Read],
  ["JMSCorrelationID", ids["properties.correlation_id"] as Read],
  ["JMSTimestamp", ids["properties.creation_time"] as Read],
  ["JMSType", subjectOf],
  ["JMSXGroupID", ids["properties.group_id"] as Read],
  ["JMSXUserID", ids["properties.user_id"] as Read],
  ["JMSDeliveryMode", ({ deliveryMode }) => (deliveryMode === PERSISTENT ? "PERSISTENT" : "NON_PERSISTENT")],
]);

/**
 * A JMS selector as a test of messages.
 *
 * @throws Amqp10Error amqp:invalid-field for what is none
 */
export function compileSelector(selector: string): (message: Message) => boolean {
  const expression = parseSelector(selector);
  return ({ buffer, contentStart }) => {
    const start = contentPropertiesStart(contentStart);
    const end = contentPropertiesEnd(buffer, contentStart);
    const properties = decodeProperties(buffer, start, end, NO_TABLE_LIMITS);
    const headers = properties.headers ?? EMPTY_TABLE;
    const lookup = (identifier: string): SelectorValue => {
      const read = IDENTIFIERS.get(identifier);
      if (read !== undefined) return read(properties);
      return plain(headers.get(identifier.replace(APPLICATION_PREFIX, "")));
    };
    return expression(lookup) === true;
  };
}

function plain(field: FieldValue | undefined): SelectorValue {
  const value = field?.value;
  if (typeof value === "bigint") return Number(value);
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value : undefined;
}
