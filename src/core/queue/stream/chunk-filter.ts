/** Octets of a chunk's filter unless the stream says otherwise. RabbitMQ: x-stream-filter-size-bytes. */
export const FILTER_BYTES_DEFAULT = 16;

/** Bits set for each value. */
const PROBES = 3;

/**
 * Which filter values the messages of one chunk may have: a Bloom filter, so that a reader with a filter passes over
 * chunks that hold nothing for it. It never denies a value that is there.
 */
export class ChunkFilter {
  readonly #bits: Uint8Array;
  /** True when some message has no filter value. */
  hasUnfiltered = false;

  constructor(bytes: number) {
    this.#bits = new Uint8Array(bytes);
  }

  add(hash: number): void {
    const bits = this.#bits;
    for (let probe = 0; probe < PROBES; probe++) {
      const bit = this.#bitOf(hash, probe);
      bits[bit >>> 3] = (bits[bit >>> 3] as number) | (1 << (bit & 7));
    }
  }

  mayHold(hash: number): boolean {
    for (let probe = 0; probe < PROBES; probe++) {
      const bit = this.#bitOf(hash, probe);
      if (((this.#bits[bit >>> 3] as number) & (1 << (bit & 7))) === 0) return false;
    }
    return true;
  }

  /** Two halves of one hash make as many as are wanted (Kirsch and Mitzenmacher). */
  #bitOf(hash: number, probe: number): number {
    const step = (hash >>> 16) | (hash << 16) | 1;
    return ((hash + Math.imul(probe, step)) >>> 0) % (this.#bits.length * 8);
  }
}

/** A 32-bit hash of octets `start` to `end`: FNV-1a. */
export function hashOctets(buffer: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let offset = start; offset < end; offset++) hash = Math.imul(hash ^ (buffer[offset] as number), 0x01000193);
  return hash >>> 0;
}
