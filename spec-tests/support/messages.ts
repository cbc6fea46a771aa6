import { Message } from "../../src/core/message.ts";
import { encodeContent } from "../../src/wire/content.ts";
import type { FieldTable } from "../../src/wire/field-table.ts";
import { encodeProperties } from "../../src/wire/properties.ts";

/** A message to the default exchange as a session gets it from a channel, its properties not yet looked at. */
export function messageTo(routingKey: string, body: string, persistent = false, headers?: FieldTable): Message {
  const message = new Message();
  const address = Buffer.concat([Buffer.of(0, routingKey.length), Buffer.from(routingKey)]);
  const properties = encodeProperties({ deliveryMode: persistent ? 2 : 1, headers });
  const content = encodeContent(properties, Buffer.from(body), 131_072);
  message.buffer = Buffer.concat([address, content]);
  message.addressEnd = address.length;
  message.contentStart = address.length;
  message.contentEnd = message.buffer.length;
  message.bodyBytes = body.length;
  message.persistent = persistent;
  return message;
}
