import { copyBytes } from "../../lib/bytes.ts";
import { ARENA_BYTES, type Arena, type ArenaPool } from "./arena.ts";
import { Chunk } from "./chunk.ts";
import type { ChunkList } from "./chunk-list.ts";
import { isPersistentRecord, recordBodyBytes, recordBytesAt, TOMBSTONE_BYTES, writeTombstone } from "./record.ts";

/** A chunk of fewer octets is worth merging with its neighbours. */
const SMALL_BYTES = ARENA_BYTES / 2;
/** So many small neighbours are merged even when they do not fill a chunk. */
const RUN_CHUNKS_MIN = 64;
/** A merged chunk covers at most so many sequence numbers. */
const RUN_MESSAGES_MAX = 4096;

/**
 * Finds and merges the small chunks that small commits leave behind, so that start-up, reading and the index on the
 * heap cost by octets and not by commits.
 */
export class ChunkMerger {
  /** Small chunks stored since the last look. */
  #smallStored = 0;
  /** Below this sequence number nothing is left to merge. */
  #from = 0;

  /** `chunk` has just been stored, or recovered. */
  chunkStored(chunk: Chunk): void {
    if (isSmall(chunk)) this.#smallStored++;
  }

  /** A run of neighbours worth merging; undefined when there is none yet. */
  pick(chunks: ChunkList): Chunk[] | undefined {
    if (this.#smallStored < RUN_CHUNKS_MIN) return undefined;
    let run: Chunk[] = [];
    let bytes = 0;
    for (const chunk of chunks.from(this.#from)) {
      // Neither it nor what comes behind it is in the store already: a later look finds them.
      if (chunk.state === "open" || (chunk.durable && chunk.state !== "stored")) break;
      const fits = isSmall(chunk) && !breaksRun(run, chunk) && bytes + chunk.recordBytes <= ARENA_BYTES;
      if (!fits) {
        if (isWorthwhile(run, bytes)) return run;
        this.#from = isSmall(chunk) ? chunk.first : chunk.end;
        run = [];
        bytes = 0;
        if (!isSmall(chunk)) continue;
      }
      run.push(chunk);
      bytes += chunk.recordBytes;
    }
    if (isWorthwhile(run, bytes)) return run;
    this.#smallStored = 0;
    return undefined;
  }
}

/** One chunk with the unsettled messages of `run`, whose records must be in memory; the others become tombstones. */
export function mergeChunks(run: readonly Chunk[], arenas: ArenaPool): Chunk {
  const first = run[0] as Chunk;
  const last = run[run.length - 1] as Chunk;
  const merged = new Chunk(first.first);
  let bytesMax = (last.end - first.first) * TOMBSTONE_BYTES;
  for (const chunk of run) bytesMax += chunk.recordBytes;
  const arena = arenas.take(bytesMax);
  arena.hold();
  merged.arena = arena;
  merged.start = arena.used;
  for (const chunk of run) {
    while (merged.end < chunk.first) addTombstone(merged, arena);
    copyUnsettled(chunk, merged, arena);
  }
  return merged;
}

function copyUnsettled(chunk: Chunk, merged: Chunk, arena: Arena): void {
  const source = (chunk.arena as Arena).buffer;
  let offset = chunk.start;
  for (let index = 0; index < chunk.count; index++) {
    const recordBytes = recordBytesAt(source, offset);
    if (chunk.isSettled(index)) {
      addTombstone(merged, arena);
    } else {
      copyBytes(source, offset, offset + recordBytes, arena.buffer, arena.used);
      arena.used += recordBytes;
      merged.recordBytes += recordBytes;
      merged.count++;
      if (isPersistentRecord(source, offset)) {
        merged.persistentCount++;
        merged.persistentBodyBytes += recordBodyBytes(source, offset);
      }
    }
    offset += recordBytes;
  }
}

function addTombstone(merged: Chunk, arena: Arena): void {
  writeTombstone(arena.buffer, arena.used);
  arena.used += TOMBSTONE_BYTES;
  merged.recordBytes += TOMBSTONE_BYTES;
  merged.count++;
  merged.settle(merged.count - 1, false, 0);
}

function isSmall(chunk: Chunk): boolean {
  return (
    chunk.state === "stored" && chunk.lifetime === "durable" && chunk.recordBytes < SMALL_BYTES && !chunk.allSettled
  );
}

function breaksRun(run: readonly Chunk[], next: Chunk): boolean {
  const first = run[0];
  return first !== undefined && next.end - first.first > RUN_MESSAGES_MAX;
}

function isWorthwhile(run: readonly Chunk[], bytes: number): boolean {
  return run.length >= RUN_CHUNKS_MIN || (run.length > 1 && bytes >= SMALL_BYTES);
}
