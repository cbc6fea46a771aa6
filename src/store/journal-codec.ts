/** The octets of a change set in the journal. docs/on-disk-format.md is their description: change both together. */

import { ChangeSet } from "./change-set.ts";
import { StoreFormatError } from "./errors.ts";
import {
  chunkKey,
  noteKey,
  queueKey,
  readChunkKey,
  readDefinitionKind,
  readNoteKey,
  readQueueId,
  readSettlementFirst,
  readSettlementValue,
  settlementKey,
  settlementValue,
  wholeDefinitionKey,
} from "./key-layout.ts";
import type { QueueChanges } from "./queue-changes.ts";

/** What an entry is about. */
const DROPPED = 1;
const CHUNK = 2;
const SETTLEMENT = 3;
const NOTE = 4;
const DEFINITION = 5;

/** Kind, u32 length of the key, u32 length of the value. */
const ENTRY_HEAD_BYTES = 9;
/** Instead of the length of a value: the entry deletes what has the key. */
const DELETED = 0xffff_ffff;

/** Takes the entries of a change set, one after another. */
type EntryVisitor = (kind: number, key: Uint8Array, value: Uint8Array | undefined) => void;

/** The change set as the payload of a record, `head` octets into a new buffer. */
export function encodeChanges(changes: ChangeSet, headBytes: number): Buffer {
  let length = headBytes;
  const entries: [kind: number, key: Uint8Array, value: Uint8Array | undefined][] = [];
  visitEntries(changes, (kind, key, value) => {
    entries.push([kind, key, value]);
    length += ENTRY_HEAD_BYTES + key.length + (value?.length ?? 0);
  });
  const target = Buffer.allocUnsafe(length);
  let offset = headBytes;
  for (const [kind, key, value] of entries) {
    target[offset] = kind;
    target.writeUInt32BE(key.length, offset + 1);
    target.writeUInt32BE(value?.length ?? DELETED, offset + 5);
    target.set(key, offset + ENTRY_HEAD_BYTES);
    offset += ENTRY_HEAD_BYTES + key.length;
    if (value === undefined) continue;
    target.set(value, offset);
    offset += value.length;
  }
  return target;
}

/** The change set that a payload holds; shares its octets. Throws {@link StoreFormatError}. */
export function decodeChanges(payload: Buffer): ChangeSet {
  const changes = new ChangeSet();
  let offset = 0;
  while (offset < payload.length) {
    if (offset + ENTRY_HEAD_BYTES > payload.length) throw truncated();
    const kind = payload[offset] as number;
    const keyEnd = offset + ENTRY_HEAD_BYTES + payload.readUInt32BE(offset + 1);
    const valueBytes = payload.readUInt32BE(offset + 5);
    const end = valueBytes === DELETED ? keyEnd : keyEnd + valueBytes;
    if (end > payload.length) throw truncated();
    const key = payload.subarray(offset + ENTRY_HEAD_BYTES, keyEnd);
    applyEntry(changes, kind, key, valueBytes === DELETED ? undefined : payload.subarray(keyEnd, end));
    offset = end;
  }
  return changes;
}

function visitEntries(changes: ChangeSet, visit: EntryVisitor): void {
  for (const [queueId, queue] of changes.queues) visitQueue(queueId, queue, visit);
  for (const { kind, id, json } of changes.definitions.values()) {
    visit(DEFINITION, wholeDefinitionKey(kind, id), json === undefined ? undefined : Buffer.from(json));
  }
}

/** What makes an owner new comes first, and removing a chunk, which takes the settlement with it, before settlements. */
function visitQueue(queueId: number, queue: QueueChanges, visit: EntryVisitor): void {
  if (queue.isDropped) visit(DROPPED, queueKey(queueId), undefined);
  for (const head of queue.chunks.values()) {
    for (let change: typeof head | undefined = head; change !== undefined; change = change.next) {
      const key = chunkKey(queueId, change.chunk);
      // One that replaces what was stored under its key removes that first.
      if (change.mayBeStored) visit(CHUNK, key, undefined);
      if (change.buffer !== undefined) visit(CHUNK, key, change.buffer.subarray(change.start, change.end));
    }
  }
  for (const [first, settlement] of queue.settlements) {
    visit(
      SETTLEMENT,
      settlementKey(queueId, first),
      settlement === undefined ? undefined : settlementValue(settlement),
    );
  }
  for (const [key, value] of queue.notes?.byKey ?? []) visit(NOTE, noteKey(queueId, key), value);
}

function applyEntry(changes: ChangeSet, kind: number, key: Buffer, value: Buffer | undefined): void {
  switch (kind) {
    case DROPPED:
      changes.dropQueue(readQueueId(key));
      return;
    case CHUNK:
      if (value === undefined) changes.remove(readQueueId(key), readChunkKey(key));
      else changes.append(readQueueId(key), readChunkKey(key), value, 0, value.length);
      return;
    case SETTLEMENT:
      changes.replaceSettlement(
        readQueueId(key),
        readSettlementFirst(key),
        value === undefined ? undefined : readSettlementValue(value),
      );
      return;
    case NOTE:
      if (value === undefined) changes.deleteNote(readQueueId(key), readNoteKey(key));
      else changes.putNote(readQueueId(key), readNoteKey(key), value);
      return;
    case DEFINITION:
      changes.replaceDefinition(readDefinitionKind(key), key.toString("utf8", 1), value?.toString());
      return;
    default:
      throw new StoreFormatError(`unknown entry ${kind} in the journal`);
  }
}

function truncated(): StoreFormatError {
  return new StoreFormatError("an entry of the journal goes beyond its record");
}
