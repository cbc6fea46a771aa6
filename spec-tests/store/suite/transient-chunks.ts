import assert from "node:assert/strict";
import { it } from "node:test";
import { SeededRandom } from "../../fuzz/seeded-random.ts";
import { chunkOf, commit, contentsOf } from "../contents.ts";
import type { StoreUnderTest } from "./store-under-test.ts";

/** What every store must do: chunks that only take load off the memory. */
export function transientChunkRules(subject: StoreUnderTest): void {
  it("forgets transient chunks at a restart, and keeps them apart from durable ones", async () => {
    const { chunk, value } = chunkOf(1, 2, 50_000);
    subject.store.append(1, "transient", chunk, value, 0, value.length);
    await commit(subject.store);
    assert.equal(subject.store.read(1, "transient", chunk).compare(value), 0);
    assert.throws(() => subject.store.read(1, "durable", chunk), /no durable chunk/);
    await subject.restart();
    assert.deepEqual(contentsOf(subject.store).chunks, []);
    assert.throws(() => subject.store.read(1, "transient", chunk), /no transient chunk/);
  });

  it("removes transient chunks, singly and with their queue", async () => {
    const chunks = [1, 2, 3].map((first) => {
      const { chunk, value } = chunkOf(first, 1);
      subject.store.append(first === 3 ? 2 : 1, "transient", chunk, value, 0, value.length);
      return chunk;
    });
    await commit(subject.store);
    subject.store.remove(1, "transient", chunks[0]!);
    await commit(subject.store);
    assert.throws(() => subject.store.read(1, "transient", chunks[0]!), /no transient chunk/);
    assert.equal(subject.store.read(1, "transient", chunks[1]!).length, 10);
    subject.store.dropQueue(1);
    await commit(subject.store);
    assert.throws(() => subject.store.read(1, "transient", chunks[1]!), /no transient chunk/);
    assert.equal(subject.store.read(2, "transient", chunks[2]!).length, 10);
  });

  it("reads the part of a transient chunk that is asked for, in a buffer of the caller's own", async () => {
    const { chunk } = chunkOf(1, 1, 8);
    subject.store.append(1, "transient", chunk, Buffer.from(".abcdefgh."), 1, 9);
    await commit(subject.store);
    const part = subject.store.read(1, "transient", chunk, 2, 5);
    assert.equal(part.toString(), "cde");
    part.fill(0);
    assert.equal(subject.store.read(1, "transient", chunk).toString(), "abcdefgh");
  });

  it("keeps to the order of operations on transient chunks that begin with the same message", async () => {
    const [short, long] = [chunkOf(1, 1, 10, 1), chunkOf(1, 2, 9000, 2)];
    const append = ({ chunk, value }: typeof short): void =>
      subject.store.append(1, "transient", chunk, value, 0, value.length);
    append(short);
    await commit(subject.store);
    subject.store.remove(1, "transient", short.chunk);
    append(long);
    await commit(subject.store);
    assert.equal(subject.store.read(1, "transient", long.chunk).compare(long.value), 0);
    assert.throws(() => subject.store.read(1, "transient", short.chunk), /no transient chunk/);
    subject.store.dropQueue(1);
    append(short);
    await commit(subject.store);
    assert.equal(subject.store.read(1, "transient", short.chunk).compare(short.value), 0);
    assert.throws(() => subject.store.read(1, "transient", long.chunk), /no transient chunk/);
  });

  it("keeps transient chunks apart while many come and go", async () => {
    const seed = SeededRandom.anySeed();
    const random = new SeededRandom(seed);
    const live = new Map<number, ReturnType<typeof chunkOf>>();
    for (let number = 0; number < 300; number++) {
      const made = chunkOf(number, 1, random.integer(1, 30_000));
      subject.store.append(number % 3, "transient", made.chunk, made.value, 0, made.value.length);
      live.set(number, made);
      for (const [first, { chunk }] of live) {
        if (first === number || !random.chance(0.1)) continue;
        subject.store.remove(first % 3, "transient", chunk);
        live.delete(first);
      }
      if (random.chance(0.5)) await commit(subject.store);
    }
    await commit(subject.store);
    for (const [first, { chunk, value }] of live) {
      assert.equal(subject.store.read(first % 3, "transient", chunk).compare(value), 0, `seed ${seed}`);
    }
  });
}
