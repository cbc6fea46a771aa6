// Hot file: runs for every message that is routed by a hash and whose route is not cached.

/**
 * MurmurHash3 (x86, 32 bits) of the octets from `start` to `end`; an unsigned 32-bit integer.
 *
 * It decides which queue a message goes to, so it must give the same on every machine, in every release and after
 * every restart, and spread keys that differ little. A cryptographic hash does that too, at ten times the cost and
 * with an object per call; nothing here needs to withstand an adversary.
 * Source: Austin Appleby, MurmurHash3, in the public domain.
 *
 * @param seed an unsigned 32-bit integer; each gives a hash of its own
 */
export function murmurHash(octets: Uint8Array, start: number, end: number, seed: number): number {
  const blocksEnd = start + ((end - start) & ~3);
  let hash = seed | 0;
  for (let at = start; at < blocksEnd; at += 4) {
    const block =
      (octets[at] as number) |
      ((octets[at + 1] as number) << 8) |
      ((octets[at + 2] as number) << 16) |
      ((octets[at + 3] as number) << 24);
    hash ^= scrambled(block);
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe654_6b64) | 0;
  }
  let tail = 0;
  for (let at = end - 1; at >= blocksEnd; at--) tail = (tail << 8) | (octets[at] as number);
  hash ^= scrambled(tail) ^ (end - start);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function scrambled(block: number): number {
  const product = Math.imul(block, 0xcc9e_2d51);
  return Math.imul((product << 15) | (product >>> 17), 0x1b87_3593);
}
