import { copyBytes } from "../../lib/bytes.ts";
import { ARENA_BYTES, type Arena, type ArenaPool } from "./arena.ts";
import { Chunk } from "./chunk.ts";
import type { ChunkList } from "./chunk-list.ts";
import { isPersistentRecord, recordBodyBytes, recordBytesAt, TOMBSTONE_BYTES, writeTombstone } from "./record.ts";

/** A chunk of fewer octets is worth merging with its neighbours. */
const SMALL_BYTES = ARENA_BYTES / 2;
/** So many small neighbours are merged even when they do not fill a chunk. */
const RUN_CHUNKS_MIN = 64;
/** A merged chunk covers at most so many sequence numbers, and so many octets are read to make one. */
const RUN_MESSAGES_MAX = 4096;
const RUN_BYTES_MAX = 4 * 1024 * 1024;
/** Chunks are merged as well to give back so many octets of settled messages. */
const RECLAIMED_BYTES_MIN = 2 * ARENA_BYTES;

/**
 * Finds and merges the small chunks that small commits leave behind, so that start-up, reading and the index on the
 * heap cost by octets and not by commits. Likewise the thin ones: messages that stay long (delayed ones, say) must not
 * keep all that came with them and has gone.
 */
export class ChunkMerger {
  /** Small chunks stored since the last look, and chunks that have become thin. */
  #candidateCount = 0;
  /** Below this sequence number nothing is left to merge. */
  #from = 0;

  /** `chunk` has just been stored, or recovered. */
  chunkStored(chunk: Chunk): void {
    if (isMergeable(chunk)) this.#candidateCount++;
  }

  /** Most messages of `chunk`, which is stored, are settled. */
  chunkThinned(chunk: Chunk): void {
    this.#candidateCount++;
    this.#from = Math.min(this.#from, chunk.first);
  }

  /** A run of neighbours worth merging; undefined when there is none yet. */
  pick(chunks: ChunkList): Chunk[] | undefined {
    if (this.#candidateCount < RUN_CHUNKS_MIN) return undefined;
    let run = new Run();
    for (const chunk of chunks.from(this.#from)) {
      // Neither it nor what comes behind it is in the store already: a later look finds them.
      if (chunk.state === "open" || (chunk.durable && chunk.state !== "stored")) break;
      const mergeable = isMergeable(chunk);
      if (!mergeable || !run.takes(chunk)) {
        if (run.isWorthwhile) return run.chunks;
        this.#from = mergeable ? chunk.first : chunk.end;
        run = new Run();
        if (!mergeable) continue;
      }
      run.add(chunk);
    }
    if (run.isWorthwhile) return run.chunks;
    this.#candidateCount = 0;
    return undefined;
  }
}

/** Neighbours that might be merged. */
class Run {
  readonly chunks: Chunk[] = [];
  /** Octets of their records, and what is left of those, roughly. */
  #bytes = 0;
  #bytesLeft = 0;

  takes(chunk: Chunk): boolean {
    const first = this.chunks[0];
    if (first === undefined) return true;
    return (
      chunk.end - first.first <= RUN_MESSAGES_MAX &&
      this.#bytes + chunk.recordBytes <= RUN_BYTES_MAX &&
      this.#bytesLeft + bytesLeftOf(chunk) <= ARENA_BYTES
    );
  }

  add(chunk: Chunk): void {
    this.chunks.push(chunk);
    this.#bytes += chunk.recordBytes;
    this.#bytesLeft += bytesLeftOf(chunk);
  }

  get isWorthwhile(): boolean {
    return (
      this.chunks.length >= RUN_CHUNKS_MIN ||
      (this.chunks.length > 1 && this.#bytesLeft >= SMALL_BYTES) ||
      this.#bytes - this.#bytesLeft >= RECLAIMED_BYTES_MIN
    );
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
  merged.tombstoneCount++;
  merged.settle(merged.count - 1, false, 0);
}

/** True for a stored chunk that is small or thin. */
function isMergeable(chunk: Chunk): boolean {
  if (chunk.state !== "stored" || chunk.lifetime !== "durable" || chunk.allSettled) return false;
  return chunk.recordBytes < SMALL_BYTES || chunk.isThin;
}

/** About how many octets of `chunk` a merge leaves. */
function bytesLeftOf(chunk: Chunk): number {
  if (!chunk.isThin) return chunk.recordBytes;
  const recordBytes = chunk.recordBytes - chunk.tombstoneCount * TOMBSTONE_BYTES;
  const share = (chunk.count - chunk.settledCount) / (chunk.count - chunk.tombstoneCount);
  return recordBytes * share + chunk.settledCount * TOMBSTONE_BYTES;
}
