/** Octets of a pooled arena, and the size at which a chunk is full. */
export const ARENA_BYTES = 128 * 1024;

/** A buffer that several chunks share; it returns to its pool when the last of them lets go. */
export class Arena {
  readonly buffer: Buffer;
  /** Octets handed out so far. */
  used = 0;
  #holders = 0;
  readonly #pool: ArenaPool;

  constructor(buffer: Buffer, pool: ArenaPool) {
    this.buffer = buffer;
    this.#pool = pool;
  }

  hold(): void {
    this.#holders++;
  }

  release(): void {
    this.#holders--;
    if (this.#holders === 0) this.#pool.giveBack(this);
  }
}

/** Keeps a few free arenas, so that a busy queue does not allocate and collect 128 KiB buffers all the time. */
export class ArenaPool {
  readonly #free: Arena[] = [];
  readonly #freeMax: number;

  constructor(freeMax = 64) {
    this.#freeMax = freeMax;
  }

  /** An arena with room for at least `bytes`. One that outgrows the usual size is made to measure and not pooled. */
  take(bytes: number): Arena {
    if (bytes <= ARENA_BYTES) {
      const free = this.#free.pop();
      if (free !== undefined) return free;
    }
    return new Arena(Buffer.allocUnsafeSlow(Math.max(bytes, ARENA_BYTES)), this);
  }

  giveBack(arena: Arena): void {
    if (arena.buffer.length !== ARENA_BYTES || this.#free.length >= this.#freeMax) return;
    arena.used = 0;
    this.#free.push(arena);
  }
}
