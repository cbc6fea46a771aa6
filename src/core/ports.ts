/** What the core needs from outside. Implementations are handed in; the core imports none of them. */

/**
 * A run of consecutive messages of one queue, stored as one value. Everything here is part of the key, so that
 * start-up reads keys only.
 */
export interface ChunkDescriptor {
  /** Sequence number, within the queue, of the first message. */
  readonly first: number;
  /** Number of messages (records), settled ones included. */
  readonly count: number;
  /** How many of them are persistent. The others are forgotten at a restart. */
  readonly persistentCount: number;
  /** Octets of the bodies of the persistent ones. */
  readonly persistentBodyBytes: number;
  /** Octets of all records together: the length of the value. */
  readonly recordBytes: number;
}

/** Which messages of a stored chunk are settled (consumed, expired, dropped). */
export interface ChunkSettlement {
  /** Bit `i` (least significant bit of octet 0 first) is set when message `first + i` is settled; `ceil(count / 8)` octets. */
  readonly bitmap: Uint8Array;
  /** How many persistent messages the bitmap settles. */
  readonly persistentCount: number;
  /** Octets of the bodies of those. */
  readonly persistentBodyBytes: number;
}

/** Kinds of durable definitions; the store treats them and the values as opaque. */
export type DefinitionKind =
  | "vhost"
  | "user"
  | "permission"
  | "topic-permission"
  | "exchange"
  | "queue"
  | "binding"
  | "policy"
  | "operator-policy"
  | "vhost-limits"
  | "user-limits";

/**
 * What {@link Store.recover} reports: first every definition, then every owner's notes in ascending order of owner and
 * key, then every queue's chunks in ascending order. What it hands over may be kept.
 */
export interface RecoveryVisitor {
  definition(kind: DefinitionKind, id: string, value: unknown): void;
  /** A note of a queue or an exchange. */
  note(ownerId: number, key: Uint8Array, value: Uint8Array): void;
  chunk(queueId: number, chunk: ChunkDescriptor, settlement: ChunkSettlement | undefined): void;
}

/** The longest key of a note; the shortest has one octet. */
export const NOTE_KEY_BYTES_MAX = 64;
/** The longest value of a note; it may be empty. */
export const NOTE_VALUE_BYTES_MAX = 1024;

/** "durable" survives a restart; "transient" only takes load off the memory and is gone after a restart. */
export type ChunkLifetime = "durable" | "transient";

/**
 * The broker's one ordered log of packed commits. Everything but `recover`, `read`, `commit` and `close` is
 * buffered and returns at once. What is buffered between two commits becomes durable all together or not at all.
 *
 * Buffers, descriptors and bitmaps handed over must not change until the commit that holds them has succeeded. Notes
 * are copied: the caller may use their buffers again at once.
 */
export interface Store {
  /** Reports the durable state, once, before anything else is called. */
  recover(visitor: RecoveryVisitor): void;
  /** Adds a chunk; `buffer` from `start` to `end` is its value. */
  append(
    queueId: number,
    lifetime: ChunkLifetime,
    chunk: ChunkDescriptor,
    buffer: Uint8Array,
    start: number,
    end: number,
  ): void;
  /** Replaces the record of what is settled in a durable chunk. */
  settle(queueId: number, chunk: ChunkDescriptor, settlement: ChunkSettlement): void;
  /** Deletes a chunk and its settlement. Merging neighbours is `remove` of each and `append` of the merged one in one commit. */
  remove(queueId: number, lifetime: ChunkLifetime, chunk: ChunkDescriptor): void;
  /**
   * Keeps `value` under `key` for an owner, a queue or an exchange: durable, in place of what was there. Both are copied.
   * Keys have 1 to {@link NOTE_KEY_BYTES_MAX} octets, values up to {@link NOTE_VALUE_BYTES_MAX}.
   */
  putNote(ownerId: number, key: Uint8Array, value: Uint8Array): void;
  /** Deletes a note; does nothing when there is none. The key is copied. */
  deleteNote(ownerId: number, key: Uint8Array): void;
  /** Deletes everything kept for a queue, its transient chunks included, or the notes of an exchange. */
  dropQueue(queueId: number): void;
  putDefinition(kind: DefinitionKind, id: string, value: unknown): void;
  deleteDefinition(kind: DefinitionKind, id: string): void;
  /**
   * The value of a chunk whose commit has succeeded, or its octets from `start` to `end`; the caller owns the returned
   * buffer. Throws when it is not there.
   */
  read(queueId: number, lifetime: ChunkLifetime, chunk: ChunkDescriptor, start?: number, end?: number): Buffer;
  /**
   * Makes all that is buffered durable and then calls `done`. At most one commit is in flight; what is buffered
   * meanwhile belongs to the next. After a failure nothing of the commit has been applied, the store keeps it
   * buffered, and the next commit tries it again together with what has come since.
   */
  commit(done: (error: Error | undefined) => void): void;
  /** Waits for the commit in flight, then releases every resource. What is buffered and not committed is dropped. */
  close(): Promise<void>;
}
