import {
  type ChunkDescriptor,
  type ChunkSettlement,
  type DefinitionKind,
  NOTE_KEY_BYTES_MAX,
  NOTE_VALUE_BYTES_MAX,
} from "../core/ports.ts";
import { assert } from "../lib/assert.ts";
import { QueueChanges } from "./queue-changes.ts";

const UINT32_MAX = 0xffff_ffff;

/** The last word on one definition: its JSON text, or undefined when it is deleted. */
export interface DefinitionChange {
  readonly kind: DefinitionKind;
  readonly id: string;
  readonly json: string | undefined;
}

/**
 * What a commit will write, reduced to the last word on every key. So changes may be written in any order (only
 * dropping a queue comes before the queue's other changes), repeating them is harmless, and what is held while
 * commits fail grows with the number of keys, not with the number of calls.
 */
export class ChangeSet {
  /** By the id of the queue, or of the exchange whose notes are kept. */
  readonly queues = new Map<number, QueueChanges>();
  readonly definitions = new Map<string, DefinitionChange>();

  get isEmpty(): boolean {
    return this.queues.size === 0 && this.definitions.size === 0;
  }

  append(queueId: number, chunk: ChunkDescriptor, buffer: Uint8Array, start: number, end: number): void {
    assertChunk(chunk);
    assert(end - start === chunk.recordBytes, "a chunk's value must have the length its descriptor states");
    this.#queue(queueId).append(chunk, buffer, start, end);
  }

  settle(queueId: number, chunk: ChunkDescriptor, settlement: ChunkSettlement): void {
    assertChunk(chunk);
    assert(settlement.bitmap.length === Math.ceil(chunk.count / 8), "a settlement has one bit for each message");
    assertCounts(settlement.persistentCount, settlement.persistentBodyBytes, chunk.count);
    this.#queue(queueId).settlements.set(chunk.first, settlement);
  }

  /** {@link settle}, or with undefined its opposite, when only the chunk's beginning is known. */
  replaceSettlement(queueId: number, first: number, settlement: ChunkSettlement | undefined): void {
    this.#queue(queueId).settlements.set(first, settlement);
  }

  remove(queueId: number, chunk: ChunkDescriptor): void {
    assertChunk(chunk);
    const queue = this.#queue(queueId);
    queue.remove(chunk);
    if (queue.isEmpty) this.queues.delete(queueId);
  }

  putNote(ownerId: number, key: Uint8Array, value: Uint8Array): void {
    assertNoteKey(key);
    assert(value.length <= NOTE_VALUE_BYTES_MAX, "a note is small");
    this.#queue(ownerId).putNote(octetString(key), Buffer.from(value));
  }

  deleteNote(ownerId: number, key: Uint8Array): void {
    assertNoteKey(key);
    this.#queue(ownerId).deleteNote(octetString(key));
  }

  dropQueue(queueId: number): void {
    this.queues.delete(queueId);
    this.#queue(queueId).isDropped = true;
  }

  putDefinition(kind: DefinitionKind, id: string, value: unknown): void {
    this.replaceDefinition(kind, id, JSON.stringify({ id, value }));
  }

  deleteDefinition(kind: DefinitionKind, id: string): void {
    this.replaceDefinition(kind, id, undefined);
  }

  /** @param json what {@link putDefinition} makes, or undefined to delete. */
  replaceDefinition(kind: DefinitionKind, id: string, json: string | undefined): void {
    this.definitions.set(`${kind}\0${id}`, { kind, id, json });
  }

  /** Whether a note is put. Its key has one code unit for each octet. */
  hasNote(ownerId: number, key: string): boolean {
    return this.queues.get(ownerId)?.notes?.byKey.get(key) !== undefined;
  }

  /** Notes that an attempt to write all this failed, and may nevertheless have reached the disk. */
  markAttempted(): void {
    for (const queue of this.queues.values()) queue.markAttempted();
  }

  /** See {@link NoteChanges.forgetShortLived}. */
  forgetShortLivedNotes(isStored: (ownerId: number, key: string) => boolean): void {
    for (const [ownerId, owner] of this.queues) {
      if (owner.notes === undefined) continue;
      owner.notes.forgetShortLived((key) => isStored(ownerId, key));
      if (owner.isEmpty) this.queues.delete(ownerId);
    }
  }

  /** Adds what was called after everything in this set. */
  absorb(later: ChangeSet): void {
    for (const [key, change] of later.definitions) this.definitions.set(key, change);
    for (const [queueId, changes] of later.queues) {
      const queue = this.queues.get(queueId);
      if (queue === undefined || changes.isDropped) this.queues.set(queueId, changes);
      else {
        queue.absorb(changes);
        if (queue.isEmpty) this.queues.delete(queueId);
      }
    }
  }

  #queue(queueId: number): QueueChanges {
    let queue = this.queues.get(queueId);
    if (queue === undefined) {
      assert(Number.isInteger(queueId) && queueId >= 0 && queueId <= UINT32_MAX, "a queue id has 32 bits");
      queue = new QueueChanges();
      this.queues.set(queueId, queue);
    }
    return queue;
  }
}

function octetString(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString("latin1");
}

function assertNoteKey(key: Uint8Array): void {
  assert(key.length > 0 && key.length <= NOTE_KEY_BYTES_MAX, "a note has a short key");
}

/** A number that does not fit its field must be found here: a transaction that throws half-way would be committed. */
function assertChunk(chunk: ChunkDescriptor): void {
  assert(Number.isSafeInteger(chunk.first) && chunk.first >= 0, "a sequence number is a safe integer");
  assert(Number.isInteger(chunk.count) && chunk.count > 0 && chunk.count <= UINT32_MAX, "a chunk holds messages");
  assert(chunk.recordBytes > 0 && chunk.recordBytes <= UINT32_MAX, "a chunk's value has octets");
  assertCounts(chunk.persistentCount, chunk.persistentBodyBytes, chunk.count);
}

function assertCounts(persistentCount: number, persistentBodyBytes: number, count: number): void {
  assert(Number.isInteger(persistentCount) && persistentCount >= 0, "a count is a whole number");
  assert(persistentCount <= count, "persistent messages are some of all");
  assert(Number.isSafeInteger(persistentBodyBytes) && persistentBodyBytes >= 0, "a size is a safe integer");
}
