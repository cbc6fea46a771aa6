import { createHash } from "node:crypto";
import { assert } from "../../../lib/assert.ts";
import type { Clock } from "../../../lib/clock.ts";
import { octetsFromString, stringFromOctets } from "../../../wire/octet-string.ts";
import type { CommitBarrier, CommitParticipant } from "../../commit-barrier.ts";
import type { Store } from "../../ports.ts";

/** Names kept for one stream; beyond it the one that was used longest ago is forgotten, unless it is in use. */
const NAMES_MAX = 1024;

/**
 * The note for one consumer: its key is the octet 3 and the SHA-256 of the name; its value, big-endian, is u64 the
 * offset to go on at, u48 when it was last changed in milliseconds since the Unix epoch, and the name.
 */
const NOTE_KIND = 3;
const USED_AT_OFFSET = 8;
const NAME_OFFSET = 14;

/** How far the consumers of one name have come. */
export class TrackedOffset {
  readonly name: string;
  /** Below it all is acknowledged; -1 when nothing is known. */
  next = -1;
  /** Milliseconds since the Unix epoch. */
  usedAt: number;
  /** Consumers that are reading under this name. */
  readers = 0;

  constructor(name: string, usedAt: number) {
    this.name = name;
    this.usedAt = usedAt;
  }
}

/** What tracking needs of a stream. */
export interface TrackingEnvironment {
  readonly barrier: CommitBarrier;
  readonly clock: Clock;
  /** Something is about to be kept in the store. */
  readonly noteUsed: () => void;
}

/**
 * The offsets that a stream keeps for its named consumers, so that they go on where they were. What changes between two
 * commits is written once.
 */
export class TrackedOffsets implements CommitParticipant {
  readonly #streamId: number;
  readonly #environment: TrackingEnvironment;
  readonly #offsets = new Map<string, TrackedOffset>();
  readonly #changed = new Set<TrackedOffset>();
  readonly #forgotten = new Set<string>();
  #enlisted = false;
  #dropped = false;

  constructor(streamId: number, environment: TrackingEnvironment) {
    this.#streamId = streamId;
    this.#environment = environment;
  }

  /** Takes over a note that recovery found; does nothing with one of another kind. */
  recoverNote(key: Uint8Array, value: Uint8Array): void {
    if (key[0] !== NOTE_KIND) return;
    assert(value.length >= NAME_OFFSET, "the note of a tracked offset has its fixed part");
    const note = Buffer.from(value.buffer, value.byteOffset, value.length);
    const name = stringFromOctets(note, NAME_OFFSET, note.length);
    const tracked = new TrackedOffset(name, note.readUIntBE(USED_AT_OFFSET, NAME_OFFSET - USED_AT_OFFSET));
    tracked.next = Number(note.readBigUInt64BE(0));
    this.#offsets.set(name, tracked);
    this.#environment.noteUsed();
  }

  /** A consumer of this name begins to read; to be given back with {@link close}. */
  open(name: string): TrackedOffset {
    let tracked = this.#offsets.get(name);
    if (tracked === undefined) {
      if (this.#offsets.size >= NAMES_MAX) this.#forgetOldest();
      tracked = new TrackedOffset(name, this.#environment.clock.now());
      this.#offsets.set(name, tracked);
    }
    tracked.readers++;
    return tracked;
  }

  close(tracked: TrackedOffset): void {
    tracked.readers--;
    tracked.usedAt = this.#environment.clock.now();
  }

  /** All below `next` is acknowledged. Never goes back: several consumers may share the name. */
  advance(tracked: TrackedOffset, next: number): void {
    if (next <= tracked.next || this.#dropped || this.#offsets.get(tracked.name) !== tracked) return;
    tracked.next = next;
    this.#changed.add(tracked);
    this.#enlist();
  }

  /** The stream has gone, and its notes with it. */
  drop(): void {
    this.#dropped = true;
    this.#offsets.clear();
    this.#changed.clear();
    this.#forgotten.clear();
  }

  prepare(store: Store): void {
    this.#enlisted = false;
    for (const name of this.#forgotten) store.deleteNote(this.#streamId, noteKey(name));
    this.#forgotten.clear();
    for (const tracked of this.#changed) {
      tracked.usedAt = this.#environment.clock.now();
      store.putNote(this.#streamId, noteKey(tracked.name), noteValue(tracked));
    }
    this.#changed.clear();
  }

  /** Nobody waits for it: an acknowledgement is not confirmed. */
  committed(): void {}

  /** The store keeps what it was given. */
  failed(): void {}

  #enlist(): void {
    if (this.#enlisted) return;
    this.#enlisted = true;
    this.#environment.noteUsed();
    this.#environment.barrier.enlist(this);
  }

  #forgetOldest(): void {
    let oldest: TrackedOffset | undefined;
    for (const tracked of this.#offsets.values()) {
      if (tracked.readers === 0 && (oldest === undefined || tracked.usedAt < oldest.usedAt)) oldest = tracked;
    }
    if (oldest === undefined) return;
    this.#offsets.delete(oldest.name);
    this.#changed.delete(oldest);
    if (oldest.next < 0) return;
    this.#forgotten.add(oldest.name);
    this.#enlist();
  }
}

function noteKey(name: string): Buffer {
  return Buffer.concat([Buffer.of(NOTE_KIND), createHash("sha256").update(octetsFromString(name)).digest()]);
}

function noteValue({ name, next, usedAt }: TrackedOffset): Buffer {
  const value = Buffer.concat([Buffer.alloc(NAME_OFFSET), octetsFromString(name)]);
  value.writeBigUInt64BE(BigInt(next), 0);
  value.writeUIntBE(usedAt, USED_AT_OFFSET, NAME_OFFSET - USED_AT_OFFSET);
  return value;
}
