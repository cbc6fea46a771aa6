import { equalBytes } from "../../lib/bytes.ts";
import type { Message } from "../message.ts";
import { Arena } from "./arena.ts";
import { RECORD_HEAD_BYTES, writeRecordHead } from "./record.ts";

const head = new Uint8Array(RECORD_HEAD_BYTES);

/**
 * Makes a record of a message where its octets are, if that can be: in the free room in front of it, or because another
 * queue has made the same record of it there before.
 *
 * @returns the arena it is in, {@link RECORD_HEAD_BYTES} before the address; undefined when it has to be copied
 */
export function recordInPlace(message: Message, persistent: boolean, recordBytes: number): Arena | undefined {
  const { owner, buffer, addressStart, addressEnd, contentStart, bcc, splice } = message;
  const start = addressStart - RECORD_HEAD_BYTES;
  if (!(owner instanceof Arena) || owner.buffer !== buffer || start < 0) return undefined;
  if (contentStart !== addressEnd || bcc.length > 0 || splice !== undefined) return undefined;
  if (owner.headroomIsFree) {
    owner.headroomIsFree = false;
    writeRecordHead(message, persistent, recordBytes, buffer, start);
    return owner;
  }
  writeRecordHead(message, persistent, recordBytes, head, 0);
  return equalBytes(head, 0, RECORD_HEAD_BYTES, buffer, start) ? owner : undefined;
}
