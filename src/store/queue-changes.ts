import type { ChunkDescriptor, ChunkSettlement } from "../core/ports.ts";
import { NoteChanges } from "./note-changes.ts";

/** The last word on one chunk: its value, or its removal when `buffer` is undefined. */
export interface ChunkChange {
  readonly chunk: ChunkDescriptor;
  buffer: Uint8Array | undefined;
  start: number;
  end: number;
  /** A chunk of this key may be on disk (from before, or by a commit that failed): its removal must be written. */
  mayBeStored: boolean;
  /** Another chunk that begins at the same sequence number: one that replaces, or is replaced by, this one. */
  next: ChunkChange | undefined;
}

/** What a commit will write for one queue, or for an exchange: that has notes only. */
export class QueueChanges {
  /** Everything stored before the rest of these changes goes. */
  isDropped = false;
  /** By the chunk's first sequence number. */
  readonly chunks = new Map<number, ChunkChange>();
  /** By the chunk's first sequence number; undefined deletes. */
  readonly settlements = new Map<number, ChunkSettlement | undefined>();
  /** Few queues have any. */
  notes: NoteChanges | undefined = undefined;

  get isEmpty(): boolean {
    return !this.isDropped && !this.writesEntries;
  }

  /** Whether anything is written of which a queue has many. */
  get writesEntries(): boolean {
    return this.chunks.size > 0 || this.settlements.size > 0 || (this.notes !== undefined && this.notes.byKey.size > 0);
  }

  append(chunk: ChunkDescriptor, buffer: Uint8Array, start: number, end: number): void {
    const change = this.find(chunk);
    if (change === undefined) this.#add(chunk, buffer, start, end);
    else {
      change.buffer = buffer;
      change.start = start;
      change.end = end;
    }
  }

  /** Removing a chunk that cannot be on disk yet leaves nothing to write. */
  remove(chunk: ChunkDescriptor): void {
    const change = this.find(chunk);
    if (change?.buffer !== undefined && !change.mayBeStored) {
      this.#cancel(change);
      return;
    }
    this.settlements.set(chunk.first, undefined);
    if (change === undefined) this.#add(chunk, undefined, 0, 0);
    else change.buffer = undefined;
  }

  putNote(key: string, value: Buffer): void {
    this.#ownNotes().put(key, value);
  }

  deleteNote(key: string): void {
    this.#ownNotes().delete(key);
  }

  absorb(later: QueueChanges): void {
    for (const head of later.chunks.values()) {
      for (let change: ChunkChange | undefined = head; change !== undefined; change = change.next) {
        // One that replaces what was stored under its key removes that first.
        if (change.mayBeStored) this.remove(change.chunk);
        if (change.buffer !== undefined) this.append(change.chunk, change.buffer, change.start, change.end);
      }
    }
    for (const [first, settlement] of later.settlements) {
      if (settlement !== undefined || this.chunks.has(first)) this.settlements.set(first, settlement);
    }
    if (later.notes !== undefined) this.#ownNotes().absorb(later.notes);
  }

  markAttempted(): void {
    for (const head of this.chunks.values()) {
      for (let change: ChunkChange | undefined = head; change !== undefined; change = change.next) {
        change.mayBeStored = true;
      }
    }
  }

  #ownNotes(): NoteChanges {
    this.notes ??= new NoteChanges();
    return this.notes;
  }

  /** What is to become of a chunk; undefined when it stays as it is. */
  find(chunk: ChunkDescriptor): ChunkChange | undefined {
    let change = this.chunks.get(chunk.first);
    while (change !== undefined && !isSameChunk(change.chunk, chunk)) change = change.next;
    return change;
  }

  #add(chunk: ChunkDescriptor, buffer: Uint8Array | undefined, start: number, end: number): void {
    const next = this.chunks.get(chunk.first);
    this.chunks.set(chunk.first, { chunk, buffer, start, end, mayBeStored: buffer === undefined, next });
  }

  #cancel(change: ChunkChange): void {
    const first = change.chunk.first;
    const head = this.chunks.get(first) as ChunkChange;
    if (head === change) {
      if (change.next !== undefined) this.chunks.set(first, change.next);
      else this.chunks.delete(first);
    } else {
      let before = head;
      while (before.next !== change) before = before.next as ChunkChange;
      before.next = change.next;
    }
    // With a chunk of the same beginning removed here too, there may be a settlement on disk.
    if (this.chunks.has(first)) this.settlements.set(first, undefined);
    else this.settlements.delete(first);
  }
}

/** Whether the two have the same key. */
export function isSameChunk(a: ChunkDescriptor, b: ChunkDescriptor): boolean {
  return (
    a.first === b.first &&
    a.count === b.count &&
    a.recordBytes === b.recordBytes &&
    a.persistentCount === b.persistentCount &&
    a.persistentBodyBytes === b.persistentBodyBytes
  );
}
