import type { ChunkDescriptor, ChunkSettlement, DefinitionKind, Store } from "../../src/core/ports.ts";

/** What a store reports at recovery, in the order it reports it. */
export interface Contents {
  readonly definitions: { kind: DefinitionKind; id: string; value: unknown }[];
  readonly delivered: Map<number, number>;
  readonly chunks: { queueId: number; chunk: ChunkDescriptor; settlement: ChunkSettlement | undefined }[];
  /** Names of the visitor's methods, in the order of their first call. */
  readonly order: string[];
}

export function contentsOf(store: Store): Contents {
  const contents: Contents = { definitions: [], delivered: new Map(), chunks: [], order: [] };
  const note = (name: string): void => {
    if (contents.order.at(-1) !== name) contents.order.push(name);
  };
  store.recover({
    definition(kind, id, value) {
      note("definition");
      contents.definitions.push({ kind, id, value });
    },
    delivered(queueId, sequence) {
      note("delivered");
      contents.delivered.set(queueId, sequence);
    },
    chunk(queueId, chunk, settlement) {
      note("chunk");
      contents.chunks.push({ queueId, chunk, settlement });
    },
  });
  return contents;
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
