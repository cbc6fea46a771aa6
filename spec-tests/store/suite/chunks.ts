import assert from "node:assert/strict";
import { it } from "node:test";
import { appendChunk, chunkOf, commit, contentsOf, settlementOf } from "../contents.ts";
import type { StoreUnderTest } from "./store-under-test.ts";

/** What every store must do: chunks and their settlements. */
export function chunkRules(subject: StoreUnderTest): void {
  it("keeps all of a descriptor, at the largest numbers too", async () => {
    const chunk = {
      first: Number.MAX_SAFE_INTEGER - 5000,
      count: 4000,
      persistentCount: 3999,
      persistentBodyBytes: Number.MAX_SAFE_INTEGER,
      recordBytes: 3,
    };
    subject.store.append(0xffff_ffff, "durable", chunk, Buffer.from("abc"), 0, 3);
    await commit(subject.store);
    await subject.restart();
    assert.deepEqual(contentsOf(subject.store).chunks, [{ queueId: 0xffff_ffff, chunk, settlement: undefined }]);
    assert.equal(subject.store.read(0xffff_ffff, "durable", chunk).toString(), "abc");
  });

  it("reads back the part of the buffer that was given, in a buffer of the caller's own", async () => {
    const { chunk } = chunkOf(1, 1, 4);
    const buffer = Buffer.from("..abcd..");
    subject.store.append(1, "durable", chunk, buffer, 2, 6);
    await commit(subject.store);
    buffer.fill(0);
    const read = subject.store.read(1, "durable", chunk);
    assert.equal(read.toString(), "abcd");
    read.fill(0);
    assert.equal(subject.store.read(1, "durable", chunk).toString(), "abcd");
  });

  it("reads values of every size", async () => {
    for (const size of [1, 100, 4000, 9000, 40_000, 131_072, 1_000_003, 20_000_000]) {
      const { chunk, value } = chunkOf(size, 1, size, size % 251);
      subject.store.append(1, "durable", chunk, value, 0, value.length);
      await commit(subject.store);
      const read = subject.store.read(1, "durable", chunk);
      assert.equal(read.length, size);
      assert.equal(read.compare(value), 0);
    }
  });

  it("throws for a chunk that is not there", async () => {
    const { chunk } = chunkOf(1, 1);
    assert.throws(() => subject.store.read(1, "durable", chunk), /no durable chunk at 1 of queue 1/);
    appendChunk(subject.store, 1, 1, 1);
    await commit(subject.store);
    assert.throws(() => subject.store.read(1, "durable", { ...chunk, count: 2 }), /no durable chunk/);
    assert.throws(() => subject.store.read(2, "durable", chunk), /no durable chunk/);
    assert.throws(() => subject.store.read(1, "transient", chunk), /no transient chunk/);
  });

  it("replaces settlements, and removes them with their chunk", async () => {
    const a = appendChunk(subject.store, 1, 0, 20);
    const b = appendChunk(subject.store, 1, 20, 20);
    subject.store.settle(1, a, settlementOf(a, 0));
    subject.store.settle(1, b, settlementOf(b, 1));
    await commit(subject.store);
    subject.store.settle(1, a, settlementOf(a, 0, 9, 19));
    subject.store.remove(1, "durable", b);
    await commit(subject.store);
    appendChunk(subject.store, 1, 20, 20);
    await commit(subject.store);
    await subject.restart();
    const { chunks } = contentsOf(subject.store);
    assert.deepEqual(
      chunks.map(({ chunk, settlement }) => [
        chunk.first,
        settlement?.persistentCount,
        settlement?.persistentBodyBytes,
      ]),
      [
        [0, 3, 3],
        [20, undefined, undefined],
      ],
    );
    assert.deepEqual([...(chunks[0]?.settlement?.bitmap ?? [])], [1, 2, 8]);
  });

  it("merges chunks: removes several and appends one that begins with the first of them", async () => {
    const a = appendChunk(subject.store, 1, 10, 5);
    const b = appendChunk(subject.store, 1, 15, 5);
    subject.store.settle(1, a, settlementOf(a, 1));
    await commit(subject.store);
    subject.store.remove(1, "durable", a);
    subject.store.remove(1, "durable", b);
    const merged = appendChunk(subject.store, 1, 10, 10);
    subject.store.settle(1, merged, settlementOf(merged, 1, 2));
    await commit(subject.store);
    await subject.restart();
    const { chunks } = contentsOf(subject.store);
    assert.deepEqual(
      chunks.map(({ chunk, settlement }) => [chunk, settlement?.persistentCount]),
      [[merged, 2]],
    );
    assert.throws(() => subject.store.read(1, "durable", a));
    assert.equal(subject.store.read(1, "durable", merged).length, 100);
  });

  it("merges in one go chunks that were appended, settled and merged in the same commit", async () => {
    const a = appendChunk(subject.store, 1, 10, 5);
    await commit(subject.store);
    subject.store.settle(1, a, settlementOf(a, 1));
    await commit(subject.store);
    subject.store.remove(1, "durable", a);
    const merged = appendChunk(subject.store, 1, 10, 10);
    subject.store.settle(1, merged, settlementOf(merged, 1));
    subject.store.remove(1, "durable", merged);
    const replaced = appendChunk(subject.store, 1, 10, 12);
    await commit(subject.store);
    await subject.restart();
    assert.deepEqual(contentsOf(subject.store).chunks, [{ queueId: 1, chunk: replaced, settlement: undefined }]);
  });

  it("keeps to the order of operations on one chunk", async () => {
    const { chunk, value } = chunkOf(1, 1);
    const append = (): void => subject.store.append(1, "durable", chunk, value, 0, value.length);
    append();
    subject.store.remove(1, "durable", chunk);
    await commit(subject.store);
    assert.throws(() => subject.store.read(1, "durable", chunk), /no durable chunk/);
    append();
    await commit(subject.store);
    subject.store.remove(1, "durable", chunk);
    append();
    await commit(subject.store);
    assert.equal(subject.store.read(1, "durable", chunk).length, 10);
    subject.store.remove(1, "durable", chunk);
    append();
    subject.store.remove(1, "durable", chunk);
    await commit(subject.store);
    assert.throws(() => subject.store.read(1, "durable", chunk), /no durable chunk/);
  });
}
