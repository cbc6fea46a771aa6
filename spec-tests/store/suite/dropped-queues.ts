import assert from "node:assert/strict";
import { it } from "node:test";
import { appendChunk, commit, contentsOf, putNote, settlementOf } from "../contents.ts";
import type { StoreUnderTest } from "./store-under-test.ts";

/** What every store must do: dropping queues. */
export function droppedQueueRules(subject: StoreUnderTest): void {
  it("drops a queue with all that is kept for it, and no other", async () => {
    for (const queueId of [1, 2, 3, 256]) {
      const chunk = appendChunk(subject.store, queueId, 0, 8);
      appendChunk(subject.store, queueId, 8, 8);
      subject.store.settle(queueId, chunk, settlementOf(chunk, 1));
      putNote(subject.store, queueId, "a", "1");
      putNote(subject.store, queueId, "b", "1");
    }
    await commit(subject.store);
    appendChunk(subject.store, 2, 100, 1);
    putNote(subject.store, 2, "c", "1");
    putNote(subject.store, 2, "a", "2");
    subject.store.dropQueue(2);
    await commit(subject.store);
    await subject.restart();
    const contents = contentsOf(subject.store);
    assert.deepEqual(
      contents.chunks.map(({ queueId }) => queueId),
      [1, 1, 3, 3, 256, 256],
    );
    assert.deepEqual(
      contents.notes.map(([ownerId, key]) => [ownerId, key]),
      [1, 3, 256].flatMap((ownerId) => [
        [ownerId, "a"],
        [ownerId, "b"],
      ]),
    );
  });

  it("drops a queue of many chunks at once, as far as can be seen", async () => {
    for (let first = 0; first < 2000; first++) {
      const chunk = appendChunk(subject.store, 7, first * 2, 2);
      subject.store.settle(7, chunk, settlementOf(chunk, 0));
    }
    await commit(subject.store);
    subject.store.dropQueue(7);
    await commit(subject.store);
    await subject.restart();
    assert.deepEqual(contentsOf(subject.store).chunks, []);
    for (let turn = 0; turn < 20; turn++) await commit(subject.store);
    await subject.restart();
    assert.deepEqual(contentsOf(subject.store).chunks, []);
  });

  it("keeps what is written to a queue's id after it was dropped, in the same commit, the next, or another run", async () => {
    for (let first = 0; first < 2000; first++) appendChunk(subject.store, 7, first, 1);
    await commit(subject.store);
    subject.store.dropQueue(7);
    const same = appendChunk(subject.store, 7, 5, 1);
    await commit(subject.store);
    assert.equal(subject.store.read(7, "durable", same).length, 10);
    for (let first = 10; first < 2000; first++) appendChunk(subject.store, 7, first, 1);
    await commit(subject.store);
    subject.store.dropQueue(7);
    await commit(subject.store);
    const next = appendChunk(subject.store, 7, 6, 1);
    await commit(subject.store);
    for (let turn = 0; turn < 20; turn++) await commit(subject.store);
    await subject.restart();
    assert.deepEqual(contentsOf(subject.store).chunks, [{ queueId: 7, chunk: next, settlement: undefined }]);
    for (let first = 10; first < 2000; first++) appendChunk(subject.store, 7, first, 1);
    await commit(subject.store);
    subject.store.dropQueue(7);
    await commit(subject.store);
    await subject.restart();
    const later = appendChunk(subject.store, 7, 1, 1);
    await commit(subject.store);
    for (let turn = 0; turn < 20; turn++) await commit(subject.store);
    await subject.restart();
    assert.deepEqual(contentsOf(subject.store).chunks, [{ queueId: 7, chunk: later, settlement: undefined }]);
  });

  it("drops many notes at once, as far as can be seen, and keeps what is put after that", async () => {
    for (const ownerId of [7, 8]) {
      for (let number = 0; number < 2000; number++) putNote(subject.store, ownerId, `${number}`, "old");
    }
    putNote(subject.store, 9, "of another", "old");
    await commit(subject.store);
    subject.store.dropQueue(7);
    subject.store.dropQueue(8);
    putNote(subject.store, 8, "same commit", "new");
    await commit(subject.store);
    await subject.restart();
    const kept = [
      [8, "same commit", "new"],
      [9, "of another", "old"],
    ];
    assert.deepEqual(contentsOf(subject.store).notes, kept);
    putNote(subject.store, 7, "1", "another run");
    await commit(subject.store);
    for (let turn = 0; turn < 20; turn++) await commit(subject.store);
    await subject.restart();
    assert.deepEqual(contentsOf(subject.store).notes, [[7, "1", "another run"], ...kept]);
  });
}
