import assert from "node:assert/strict";
import { test } from "node:test";
import { murmurHash } from "../../../src/core/exchange/murmur-hash.ts";

/** Published results of MurmurHash3_x86_32. */
const VECTORS: readonly [text: string, seed: number, hash: number][] = [
  ["", 0, 0],
  ["", 1, 0x514e28b7],
  ["", 0xffffffff, 0x81f16f39],
  ["test", 0, 0xba6bd213],
  ["test", 0x9747b28c, 0x704b81dc],
  ["Hello, world!", 0, 0xc0363e43],
  ["Hello, world!", 0x9747b28c, 0x24884cba],
  ["The quick brown fox jumps over the lazy dog", 0, 0x2e4ff723],
  ["The quick brown fox jumps over the lazy dog", 0x9747b28c, 0x2fa826cd],
];

for (const [text, seed, hash] of VECTORS) {
  test(`MurmurHash3 of "${text}" with seed ${seed} is ${hash}, wherever the octets are`, () => {
    const octets = Buffer.from(text);
    assert.equal(murmurHash(octets, 0, octets.length, seed), hash);
    assert.equal(murmurHash(Buffer.from(`ab${text}cd`), 2, 2 + octets.length, seed), hash);
  });
}
