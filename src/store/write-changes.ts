import type { ChangeSet } from "./change-set.ts";
import {
  chunkKey,
  definitionKey,
  noteKey,
  queueKey,
  readChunkKey,
  settlementKey,
  settlementValue,
} from "./key-layout.ts";
import { type BinaryDatabase, type Footprint, INLINE_BYTES_MAX, type LmdbEnvironment } from "./lmdb-environment.ts";
import type { NoteChanges } from "./note-changes.ts";
import type { ChunkChange, QueueChanges } from "./queue-changes.ts";
import type { SweepPlan } from "./queue-sweeper.ts";

/** The durable databases whose layout depends on the format version that `meta` holds; `delivered` is empty since format 3. */
export const MIGRATED_DATABASES = ["definitions", "chunks", "settlements", "delivered", "dropped", "notes"] as const;
export const DURABLE_DATABASES = [...MIGRATED_DATABASES, "meta"] as const;
export type DurableEnvironment = LmdbEnvironment<(typeof DURABLE_DATABASES)[number]>;

const NOTHING: Footprint = { operations: 0, putBytes: 0, inlineBytes: 0, longValues: 0, removedBytes: 0 };

type MutableFootprint = { -readonly [Key in keyof Footprint]: Footprint[Key] };

/** A settlement does not count as growth, so its bitmap counts as operations. */
const SETTLEMENT_BYTES_PER_OPERATION = 4096;
/** The value that marks a queue as dropped; only its key matters. */
const DROPPED = Buffer.of(1);

/** Writes the changes, as part of a transaction. */
export function writeChanges(environment: DurableEnvironment, changes: ChangeSet, plan: SweepPlan): void {
  const chunks = environment.database("chunks");
  const settlements = environment.database("settlements");
  const notes = environment.database("notes");
  const dropped = environment.database("dropped");
  for (const key of plan.chunkKeys) chunks.remove(key);
  for (const key of plan.settlementKeys) settlements.remove(key);
  for (const key of plan.noteKeys) notes.remove(key);
  for (const queueId of plan.finished) dropped.remove(queueKey(queueId));
  for (const queueId of plan.postponed) dropped.put(queueKey(queueId), DROPPED);
  for (const [queueId, queue] of changes.queues) {
    for (const change of queue.chunks.values()) writeChunk(chunks, queueId, change);
    writeSettlements(settlements, queueId, queue);
    if (queue.notes !== undefined) writeNotes(notes, queueId, queue.notes);
  }
  const definitions = environment.database("definitions");
  for (const { kind, id, json } of changes.definitions.values()) {
    if (json === undefined) definitions.remove(definitionKey(kind, id));
    else definitions.put(definitionKey(kind, id), Buffer.from(json));
  }
}

/** What writing the changes takes. */
export function footprintOf(changes: ChangeSet, plan: SweepPlan): Footprint {
  const footprint: MutableFootprint = { ...NOTHING };
  footprint.operations += plan.chunkKeys.length + plan.settlementKeys.length + plan.noteKeys.length;
  footprint.operations += plan.finished.length + plan.postponed.length;
  for (const key of plan.chunkKeys) footprint.removedBytes += readChunkKey(key).recordBytes;
  for (const queue of changes.queues.values()) {
    footprint.operations += 1;
    for (const change of queue.chunks.values()) addChunk(footprint, change);
    for (const settlement of queue.settlements.values()) {
      footprint.operations += 1 + Math.ceil((settlement?.bitmap.length ?? 0) / SETTLEMENT_BYTES_PER_OPERATION);
    }
    if (queue.notes !== undefined) addNotes(footprint, queue.notes);
  }
  for (const { json } of changes.definitions.values()) {
    footprint.operations += 1;
    if (json !== undefined) addValue(footprint, Buffer.byteLength(json));
  }
  return footprint;
}

export function sumOf(a: Footprint, b: Footprint): Footprint {
  return {
    operations: a.operations + b.operations,
    putBytes: a.putBytes + b.putBytes,
    inlineBytes: a.inlineBytes + b.inlineBytes,
    longValues: a.longValues + b.longValues,
    removedBytes: a.removedBytes + b.removedBytes,
  };
}

function addValue(footprint: MutableFootprint, bytes: number): void {
  footprint.putBytes += bytes;
  if (bytes > INLINE_BYTES_MAX) footprint.longValues += 1;
  else footprint.inlineBytes += bytes;
}

function addChunk(footprint: MutableFootprint, head: ChunkChange): void {
  for (let change: ChunkChange | undefined = head; change !== undefined; change = change.next) {
    footprint.operations += 1;
    if (change.buffer === undefined) footprint.removedBytes += change.chunk.recordBytes;
    else addValue(footprint, change.chunk.recordBytes);
  }
}

function addNotes(footprint: MutableFootprint, notes: NoteChanges): void {
  footprint.operations += notes.byKey.size;
  for (const [key, value] of notes.byKey) {
    if (value !== undefined) addValue(footprint, key.length + value.length);
  }
}

function writeChunk(chunks: BinaryDatabase, queueId: number, head: ChunkChange): void {
  for (let change: ChunkChange | undefined = head; change !== undefined; change = change.next) {
    const key = chunkKey(queueId, change.chunk);
    if (change.buffer === undefined) chunks.remove(key);
    else chunks.put(key, change.buffer.subarray(change.start, change.end) as Buffer);
  }
}

function writeSettlements(settlements: BinaryDatabase, queueId: number, queue: QueueChanges): void {
  for (const [first, settlement] of queue.settlements) {
    const key = settlementKey(queueId, first);
    if (settlement === undefined) settlements.remove(key);
    else settlements.put(key, settlementValue(settlement));
  }
}

function writeNotes(database: BinaryDatabase, ownerId: number, notes: NoteChanges): void {
  for (const [key, value] of notes.byKey) {
    if (value === undefined) database.remove(noteKey(ownerId, key));
    else database.put(noteKey(ownerId, key), value);
  }
}
