import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MemoryState } from "../../src/store/memory-state.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { FaultyStore } from "../support/faulty-store.ts";
import { appendChunk, commit, contentsOf, deleteNote, putNote } from "./contents.ts";
import { storeSuite } from "./store-suite.ts";

storeSuite("faulty store that does not fail", () => {
  const state = new MemoryState();
  return {
    open: () => new FaultyStore(new MemoryStore(state)),
    dispose: async () => {},
  };
});

describe("faulty store", () => {
  it("keeps what a failed commit held, in order, for the next", async () => {
    const within = new MemoryStore();
    const store = new FaultyStore(within);
    store.failCommits(2, new Error("no space left"));
    const chunk = appendChunk(store, 1, 0, 1);
    await assert.rejects(commit(store), /no space left/);
    store.remove(1, "durable", chunk);
    appendChunk(store, 1, 1, 1);
    await assert.rejects(commit(store), /no space left/);
    assert.deepEqual(contentsOf(within).chunks, []);
    await commit(store);
    assert.deepEqual(
      contentsOf(within).chunks.map(({ chunk: { first } }) => first),
      [1],
    );
    assert.equal(store.commitCount, 3);
  });

  it("keeps the notes of a failed commit, in order, as they were at the call", async () => {
    const within = new MemoryStore();
    const store = new FaultyStore(within);
    store.failCommits(1, new Error("no space left"));
    const key = Buffer.from("k");
    const value = Buffer.from("v");
    store.putNote(1, key, value);
    key.fill("x");
    value.fill("x");
    putNote(store, 1, "gone", "1");
    await assert.rejects(commit(store), /no space left/);
    deleteNote(store, 1, "gone");
    assert.deepEqual(contentsOf(within).notes, []);
    await commit(store);
    assert.deepEqual(contentsOf(within).notes, [[1, "k", "v"]]);
  });

  it("holds a commit back, with what it held at its beginning, until it is released or fails", async () => {
    const within = new MemoryStore();
    const store = new FaultyStore(within);
    store.holdCommits();
    appendChunk(store, 1, 0, 1);
    const first = commit(store);
    appendChunk(store, 1, 1, 1);
    assert.deepEqual(contentsOf(within).chunks, []);
    store.held?.release();
    await first;
    assert.equal(contentsOf(within).chunks.length, 1);
    const second = commit(store);
    store.held?.fail(new Error("lost"));
    await assert.rejects(second, /lost/);
    assert.equal(contentsOf(within).chunks.length, 1);
    store.holdCommits(false);
    await commit(store);
    assert.equal(contentsOf(within).chunks.length, 2);
  });
});
