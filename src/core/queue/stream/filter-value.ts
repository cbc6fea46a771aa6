import { contentPropertiesEnd, contentPropertiesStart } from "../../../wire/content.ts";
import { findField } from "../../../wire/find-field.ts";
import { findProperty, PROPERTY_FLAGS } from "../../../wire/properties.ts";
import type { Message } from "../../message.ts";

const HEADER = Buffer.from("x-stream-filter-value");
const LONGSTR_CODE = "S".charCodeAt(0);
const LENGTH_BYTES = 4;

/** Where the x-stream-filter-value of a message is; used again for every message. */
export class FilterValue {
  start = 0;
  end = 0;

  /** Looks it up in `message`; false when that has none, or none that is a string. RabbitMQ: "Stream Filtering". */
  find({ buffer, contentStart }: Message): boolean {
    const end = contentPropertiesEnd(buffer, contentStart);
    const table = findProperty(buffer, contentPropertiesStart(contentStart), end, PROPERTY_FLAGS.headers);
    if (table < 0) return false;
    const typeAt = findField(buffer, table, end, HEADER);
    if (typeAt < 0 || buffer[typeAt] !== LONGSTR_CODE) return false;
    this.start = typeAt + 1 + LENGTH_BYTES;
    this.end = this.start + buffer.readUInt32BE(typeAt + 1);
    return true;
  }
}
