import { assert } from "../../lib/assert.ts";
import type { HeldBuffer } from "../message.ts";

/** Octets of the usual arena, and the size at which a chunk is full. */
export const ARENA_BYTES = 128 * 1024;

/** Octets of the smallest arena: what a queue begins with that may never hold much. */
export const SMALLEST_ARENA_BYTES = 4 * 1024;
/** From the smallest to the usual size, how much larger each is than the one before. */
const GROWTH = 2;
/** Free arenas of each of these sizes that are kept. */
const FREE_BYTES_MAX = 64 * ARENA_BYTES;

/** A message that takes more than this has an arena to itself: no second one of its size would fit into one. */
export const LARGE_MESSAGE_BYTES = ARENA_BYTES / 2;

/** Free arenas that have outgrown the usual size and are remembered. */
const FREE_LARGE_MAX = 16;

/** A buffer that several chunks share; it returns to its pool when the last of them lets go. */
export class Arena implements HeldBuffer {
  readonly buffer: Buffer;
  /** Octets handed out so far. */
  used = 0;
  /** True while what is in front of the one message in it is anybody's to write to: a log can record it where it is. */
  headroomIsFree = false;
  /** True while it is in the pool. */
  isFree = false;
  #holders = 0;
  readonly #pool: ArenaPool;

  constructor(buffer: Buffer, pool: ArenaPool) {
    this.buffer = buffer;
    this.#pool = pool;
  }

  hold(): void {
    assert(!this.isFree, "an arena is held before the last of its holders lets go");
    this.#holders++;
  }

  release(): void {
    this.#holders--;
    if (this.#holders === 0) this.#pool.giveBack(this);
  }
}

/** The size of the arenas for so many octets, of which there are few: what they are to hold may be a little less. */
export function arenaBytesFor(bytes: number): number {
  if (bytes > ARENA_BYTES) return bytes;
  let size = SMALLEST_ARENA_BYTES;
  while (size < bytes) size *= GROWTH;
  return size;
}

/**
 * Keeps a few free arenas, so that a busy queue does not allocate and collect buffers all the time. Larger ones than
 * usual it finds again as long as they have not been collected: to write to memory that is new to the process costs more
 * than to copy a message.
 */
export class ArenaPool {
  /** By their size. */
  readonly #free = new Map<number, Arena[]>();
  readonly #freeLarge: WeakRef<Arena>[] = [];

  constructor() {
    for (let size = SMALLEST_ARENA_BYTES; size <= ARENA_BYTES; size *= GROWTH) this.#free.set(size, []);
  }

  /**
   * An arena with room for at least `bytes`, and not much more if that is more than the usual size.
   *
   * @param wantedBytes what it should have room for, up to the usual size
   */
  take(bytes: number, wantedBytes = ARENA_BYTES): Arena {
    const size = arenaBytesFor(Math.max(bytes, wantedBytes));
    const arena = size > ARENA_BYTES ? this.#takeLarge(size) : this.#free.get(size)?.pop();
    if (arena === undefined) return new Arena(Buffer.allocUnsafeSlow(size), this);
    arena.isFree = false;
    return arena;
  }

  giveBack(arena: Arena): void {
    arena.isFree = true;
    arena.used = 0;
    arena.headroomIsFree = false;
    if (arena.buffer.length > ARENA_BYTES) {
      if (this.#freeLarge.length === FREE_LARGE_MAX) this.#freeLarge.shift();
      this.#freeLarge.push(new WeakRef(arena));
      return;
    }
    const free = this.#free.get(arena.buffer.length);
    if (free !== undefined && free.length * arena.buffer.length < FREE_BYTES_MAX) free.push(arena);
  }

  /** The latest free arena that fits; those that were collected are forgotten on the way. */
  #takeLarge(bytes: number): Arena | undefined {
    for (let index = this.#freeLarge.length - 1; index >= 0; index--) {
      const arena = this.#freeLarge[index]?.deref();
      const fits = arena !== undefined && arena.buffer.length >= bytes && arena.buffer.length <= 2 * bytes;
      if (arena === undefined || fits) this.#freeLarge.splice(index, 1);
      if (fits) return arena;
    }
    return undefined;
  }
}
