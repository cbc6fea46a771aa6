import assert from "node:assert/strict";
import { it } from "node:test";
import { appendChunk, commit, contentsOf, putNote } from "../contents.ts";
import type { StoreUnderTest } from "./store-under-test.ts";

/** What every store must do: what a store reports when it is opened. */
export function recoveryRules(subject: StoreUnderTest): void {
  it("is empty when new", () => {
    assert.deepEqual(contentsOf(subject.store), {
      definitions: [],
      notes: [],
      chunks: [],
      order: [],
    });
  });

  it("reports definitions first, then notes in order, then queues in order with their chunks in order", async () => {
    subject.store.putDefinition("queue", "q", { durable: true });
    putNote(subject.store, 256, "a", "");
    for (const key of ["b", "ab", "\xff", "a", "\0", "a\0"]) putNote(subject.store, 3, key, `of 3: ${key}`);
    putNote(subject.store, 1, "z", "of 1");
    appendChunk(subject.store, 2, 2 ** 33, 3);
    appendChunk(subject.store, 2, 5, 3);
    appendChunk(subject.store, 1, 300, 3);
    appendChunk(subject.store, 1, 20, 3);
    await commit(subject.store);
    await subject.restart();
    const contents = contentsOf(subject.store);
    assert.deepEqual(contents.order, ["definition", "note", "chunk"]);
    assert.deepEqual(
      contents.notes.map(([ownerId, key]) => [ownerId, key]),
      [
        [1, "z"],
        [3, "\0"],
        [3, "a"],
        [3, "a\0"],
        [3, "ab"],
        [3, "b"],
        [3, "\xff"],
        [256, "a"],
      ],
    );
    assert.deepEqual(
      contents.chunks.map(({ queueId, chunk }) => [queueId, chunk.first]),
      [
        [1, 20],
        [1, 300],
        [2, 5],
        [2, 2 ** 33],
      ],
    );
  });
}
