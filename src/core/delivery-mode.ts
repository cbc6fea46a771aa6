import { contentPropertiesEnd, contentPropertiesStart } from "../wire/content.ts";
import { findProperty, PROPERTY_FLAGS } from "../wire/properties.ts";
import type { Message } from "./message.ts";

const PERSISTENT = 2;

/**
 * True when the publisher has asked for the message to be persistent. A message that comes out of a log says that of
 * itself only if the log is durable.
 */
export function isPublishedPersistent({ buffer, contentStart }: Message): boolean {
  const end = contentPropertiesEnd(buffer, contentStart);
  const offset = findProperty(buffer, contentPropertiesStart(contentStart), end, PROPERTY_FLAGS.deliveryMode);
  return offset >= 0 && buffer[offset] === PERSISTENT;
}
