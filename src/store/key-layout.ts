/** The byte layout of keys and of small values. docs/on-disk-format.md is its description: change both together. */

import { createHash } from "node:crypto";
import { type ChunkDescriptor, type ChunkSettlement, type DefinitionKind, NOTE_KEY_BYTES_MAX } from "../core/ports.ts";
import { StoreFormatError } from "./errors.ts";

const CHUNK_KEY_BYTES = 32;
const SETTLEMENT_KEY_BYTES = 12;
const QUEUE_KEY_BYTES = 4;
/** What precedes the bitmap in the value of a settlement. */
const SETTLEMENT_HEADER_BYTES = 12;
/** A longer definition id is kept as its hash in the key. LMDB takes keys of up to 1,978 octets. */
const DEFINITION_ID_BYTES_MAX = 512;
const UINT32_RANGE = 2 ** 32;

/** The position is the kind's octet in the key: new kinds come last. */
const DEFINITION_KINDS: readonly DefinitionKind[] = [
  "vhost",
  "user",
  "permission",
  "topic-permission",
  "exchange",
  "queue",
  "binding",
  "policy",
  "operator-policy",
  "vhost-limits",
  "user-limits",
];

/** Writes an unsigned 64-bit number; `value` must be a safe integer. */
function writeUint64(target: Buffer, value: number, offset: number): void {
  target.writeUInt32BE(Math.floor(value / UINT32_RANGE), offset);
  target.writeUInt32BE(value % UINT32_RANGE, offset + 4);
}

/** Reads an unsigned 64-bit number; throws {@link StoreFormatError} when it is not a safe integer. */
function readUint64(source: Buffer, offset: number): number {
  const value = source.readUInt32BE(offset) * UINT32_RANGE + source.readUInt32BE(offset + 4);
  if (!Number.isSafeInteger(value)) throw new StoreFormatError(`number out of range: 0x${source.toString("hex")}`);
  return value;
}

/** The key under which a queue's own entries are kept, and the beginning of the keys of all that belongs to an owner. */
export function queueKey(queueId: number): Buffer {
  const key = Buffer.allocUnsafe(QUEUE_KEY_BYTES);
  key.writeUInt32BE(queueId, 0);
  return key;
}

/** The queue, or other owner, that a key beginning with {@link queueKey} belongs to. Throws {@link StoreFormatError}. */
export function readQueueId(key: Buffer): number {
  if (key.length < QUEUE_KEY_BYTES) throw malformed("queue key", key);
  return key.readUInt32BE(0);
}

/** The key of a chunk holds all of its descriptor. */
export function chunkKey(queueId: number, chunk: ChunkDescriptor): Buffer {
  const key = Buffer.allocUnsafe(CHUNK_KEY_BYTES);
  key.writeUInt32BE(queueId, 0);
  writeUint64(key, chunk.first, 4);
  key.writeUInt32BE(chunk.count, 12);
  key.writeUInt32BE(chunk.persistentCount, 16);
  writeUint64(key, chunk.persistentBodyBytes, 20);
  key.writeUInt32BE(chunk.recordBytes, 28);
  return key;
}

/** The descriptor a chunk's key holds; its queue is in {@link readQueueId}. Throws {@link StoreFormatError}. */
export function readChunkKey(key: Buffer): ChunkDescriptor {
  if (key.length !== CHUNK_KEY_BYTES) throw malformed("chunk key", key);
  const chunk: ChunkDescriptor = {
    first: readUint64(key, 4),
    count: key.readUInt32BE(12),
    persistentCount: key.readUInt32BE(16),
    persistentBodyBytes: readUint64(key, 20),
    recordBytes: key.readUInt32BE(28),
  };
  if (chunk.count === 0 || chunk.recordBytes === 0) throw malformed("chunk key", key);
  if (chunk.persistentCount > chunk.count) throw malformed("chunk key", key);
  return chunk;
}

/** The key of the settlement of the chunk that begins with `first`. */
export function settlementKey(queueId: number, first: number): Buffer {
  const key = Buffer.allocUnsafe(SETTLEMENT_KEY_BYTES);
  key.writeUInt32BE(queueId, 0);
  writeUint64(key, first, 4);
  return key;
}

/** The sequence number in the key of a settlement. Throws {@link StoreFormatError}. */
export function readSettlementFirst(key: Buffer): number {
  if (key.length !== SETTLEMENT_KEY_BYTES) throw malformed("settlement key", key);
  return readUint64(key, 4);
}

export function settlementValue(settlement: ChunkSettlement): Buffer {
  const value = Buffer.allocUnsafe(SETTLEMENT_HEADER_BYTES + settlement.bitmap.length);
  value.writeUInt32BE(settlement.persistentCount, 0);
  writeUint64(value, settlement.persistentBodyBytes, 4);
  value.set(settlement.bitmap, SETTLEMENT_HEADER_BYTES);
  return value;
}

/** Throws {@link StoreFormatError} when `value` does not fit the chunk. */
export function readSettlement(value: Buffer, chunk: ChunkDescriptor): ChunkSettlement {
  if (value.length !== SETTLEMENT_HEADER_BYTES + Math.ceil(chunk.count / 8)) throw malformed("settlement", value);
  return readSettlementValue(value);
}

/** A settlement whose chunk is not known here; shares the octets. Throws {@link StoreFormatError}. */
export function readSettlementValue(value: Buffer): ChunkSettlement {
  if (value.length < SETTLEMENT_HEADER_BYTES) throw malformed("settlement", value);
  return {
    bitmap: value.subarray(SETTLEMENT_HEADER_BYTES),
    persistentCount: value.readUInt32BE(0),
    persistentBodyBytes: readUint64(value, 4),
  };
}

/** The key of an owner's note, whose own key is a string with one code unit for each octet. */
export function noteKey(ownerId: number, key: string): Buffer {
  const stored = Buffer.allocUnsafe(QUEUE_KEY_BYTES + key.length);
  stored.writeUInt32BE(ownerId, 0);
  stored.write(key, QUEUE_KEY_BYTES, "latin1");
  return stored;
}

/** The note's own key; its owner is in {@link readQueueId}. Throws {@link StoreFormatError}. */
export function readNoteKey(stored: Buffer): Buffer {
  const length = stored.length - QUEUE_KEY_BYTES;
  if (length < 1 || length > NOTE_KEY_BYTES_MAX) throw malformed("note key", stored);
  return stored.subarray(QUEUE_KEY_BYTES);
}

/** The key of a definition: octet of the kind, then 0 and the id, or 1 and the SHA-256 of a long id. */
export function definitionKey(kind: DefinitionKind, id: string): Buffer {
  const idBytes = Buffer.from(id);
  const isLong = idBytes.length > DEFINITION_ID_BYTES_MAX;
  const tail = isLong ? createHash("sha256").update(idBytes).digest() : idBytes;
  return Buffer.concat([Buffer.of(DEFINITION_KINDS.indexOf(kind) + 1, isLong ? 1 : 0), tail]);
}

/** As {@link definitionKey}, but with the id itself however long it is, so that it can be told from the key. */
export function wholeDefinitionKey(kind: DefinitionKind, id: string): Buffer {
  return Buffer.concat([Buffer.of(DEFINITION_KINDS.indexOf(kind) + 1), Buffer.from(id)]);
}

/** Throws {@link StoreFormatError} for a kind this version does not know. */
export function readDefinitionKind(key: Buffer): DefinitionKind {
  const kind = DEFINITION_KINDS[(key[0] as number) - 1];
  if (kind === undefined) throw malformed("definition key", key);
  return kind;
}

function malformed(what: string, bytes: Buffer): StoreFormatError {
  return new StoreFormatError(`malformed ${what} in the store: 0x${bytes.subarray(0, 64).toString("hex")}`);
}
