import type { ChunkDescriptor, ChunkSettlement, DefinitionKind, Store } from "../../src/core/ports.ts";

/** A note as text of one code unit for each octet. */
export type NoteEntry = [ownerId: number, key: string, value: string];

/** What a store reports at recovery, in the order it reports it. */
export interface Contents {
  readonly definitions: { kind: DefinitionKind; id: string; value: unknown }[];
  readonly notes: NoteEntry[];
  readonly chunks: { queueId: number; chunk: ChunkDescriptor; settlement: ChunkSettlement | undefined }[];
  /** Names of the visitor's methods, in the order of their first call. */
  readonly order: string[];
}

export function contentsOf(store: Store): Contents {
  const contents: Contents = { definitions: [], notes: [], chunks: [], order: [] };
  const notes: [ownerId: number, key: Uint8Array, value: Uint8Array][] = [];
  const called = (name: string): void => {
    if (contents.order.at(-1) !== name) contents.order.push(name);
  };
  store.recover({
    definition(kind, id, value) {
      called("definition");
      contents.definitions.push({ kind, id, value });
    },
    note(ownerId, key, value) {
      called("note");
      notes.push([ownerId, key, value]);
    },
    chunk(queueId, chunk, settlement) {
      called("chunk");
      contents.chunks.push({ queueId, chunk, settlement });
    },
  });
  // Only now: the visitor may keep what it is handed.
  for (const [ownerId, key, value] of notes) contents.notes.push([ownerId, latin1(key), latin1(value)]);
  return contents;
}

function latin1(octets: Uint8Array): string {
  return Buffer.from(octets).toString("latin1");
}

/** Puts a note whose key and value are given as text of one code unit for each octet. */
export function putNote(store: Store, ...[ownerId, key, value]: NoteEntry): void {
  store.putNote(ownerId, Buffer.from(key, "latin1"), Buffer.from(value, "latin1"));
}

export function deleteNote(store: Store, ownerId: number, key: string): void {
  store.deleteNote(ownerId, Buffer.from(key, "latin1"));
}

export function commit(store: Store): Promise<void> {
  return new Promise((resolve, reject) => {
    store.commit((error) => (error === undefined ? resolve() : reject(error)));
  });
}

/** A chunk of `count` persistent messages, and its value: `bytesEach` octets of `fill` for each. */
export function chunkOf(
  first: number,
  count: number,
  bytesEach = 10,
  fill = first & 0xff,
): { chunk: ChunkDescriptor; value: Buffer } {
  const value = Buffer.alloc(count * bytesEach, fill);
  const chunk = { first, count, persistentCount: count, persistentBodyBytes: count, recordBytes: value.length };
  return { chunk, value };
}

/** Appends a chunk made by {@link chunkOf} and returns its descriptor. */
export function appendChunk(
  store: Store,
  queueId: number,
  first: number,
  count: number,
  bytesEach = 10,
): ChunkDescriptor {
  const { chunk, value } = chunkOf(first, count, bytesEach);
  store.append(queueId, "durable", chunk, value, 0, value.length);
  return chunk;
}

/** Settles the messages of a chunk that `bits` selects. */
export function settlementOf(chunk: ChunkDescriptor, ...bits: number[]): ChunkSettlement {
  const bitmap = new Uint8Array(Math.ceil(chunk.count / 8));
  for (const bit of bits) bitmap[bit >> 3] = (bitmap[bit >> 3] as number) | (1 << (bit & 7));
  return { bitmap, persistentCount: bits.length, persistentBodyBytes: bits.length };
}
