import { contentPropertiesEnd, contentPropertiesStart } from "../../wire/content.ts";
import type { FieldTable, TableLimits } from "../../wire/field-table.ts";
import { findField } from "../../wire/find-field.ts";
import { decodeProperties, findProperty, PROPERTY_FLAGS } from "../../wire/properties.ts";
import type { Message } from "../message.ts";
import { bccKeys, ccKeys } from "../routing-keys.ts";
import type { RoutingInput } from "./exchange.ts";

/** Headers that are kept were within the broker's limits when they came. */
const NO_TABLE_LIMITS: TableLimits = { bytesMax: Number.POSITIVE_INFINITY, depthMax: Number.POSITIVE_INFINITY };

const CC = Buffer.from("CC");

/** Whether a message that the broker has kept may have further keys than its own: CC and BCC. */
export function hasFurtherKeys({ buffer, contentStart, bcc }: Message): boolean {
  if (bcc.length > 0) return true;
  const end = contentPropertiesEnd(buffer, contentStart);
  const headersAt = findProperty(buffer, contentPropertiesStart(contentStart), end, PROPERTY_FLAGS.headers);
  return headersAt >= 0 && findField(buffer, headersAt, end, CC) >= 0;
}

/** What routes a message that the broker has kept since it was published: the same keys as then, CC and BCC included. */
export function heldInput(message: Message): RoutingInput {
  const { buffer, contentStart } = message;
  const end = contentPropertiesEnd(buffer, contentStart);
  const { headers } = decodeProperties(buffer, contentPropertiesStart(contentStart), end, NO_TABLE_LIMITS);
  const routingKeys = [message.routingKey, ...ccKeys(headers), ...bccKeys(message)];
  return { message, routingKeys, headers: (): FieldTable | undefined => headers };
}
