import assert from "node:assert/strict";
import { it } from "node:test";
import { commit, contentsOf, deleteNote, putNote } from "../contents.ts";
import type { StoreUnderTest } from "./store-under-test.ts";

/** What every store must do: the notes of owners. */
export function noteRules(subject: StoreUnderTest): void {
  it("puts, replaces and deletes notes", async () => {
    putNote(subject.store, 1, "replaced", "1");
    putNote(subject.store, 1, "deleted", "1");
    putNote(subject.store, 2, "deleted", "of another");
    deleteNote(subject.store, 1, "never there");
    await commit(subject.store);
    putNote(subject.store, 1, "replaced", "2");
    deleteNote(subject.store, 1, "deleted");
    deleteNote(subject.store, 3, "never there");
    await commit(subject.store);
    await subject.restart();
    assert.deepEqual(contentsOf(subject.store).notes, [
      [1, "replaced", "2"],
      [2, "deleted", "of another"],
    ]);
  });

  it("keeps the last word on a note within a commit", async () => {
    putNote(subject.store, 1, "put, deleted", "old");
    putNote(subject.store, 1, "deleted, put", "old");
    await commit(subject.store);
    putNote(subject.store, 1, "put, deleted", "new");
    deleteNote(subject.store, 1, "put, deleted");
    deleteNote(subject.store, 1, "deleted, put");
    putNote(subject.store, 1, "deleted, put", "new");
    putNote(subject.store, 1, "new: put, deleted", "new");
    deleteNote(subject.store, 1, "new: put, deleted");
    putNote(subject.store, 1, "new: put, deleted, put", "new");
    deleteNote(subject.store, 1, "new: put, deleted, put");
    putNote(subject.store, 1, "new: put, deleted, put", "newer");
    await commit(subject.store);
    await subject.restart();
    assert.deepEqual(contentsOf(subject.store).notes, [
      [1, "deleted, put", "new"],
      [1, "new: put, deleted, put", "newer"],
    ]);
  });

  it("deletes a note whose put is in flight", async () => {
    putNote(subject.store, 1, "a", "1");
    putNote(subject.store, 1, "b", "1");
    const committed = commit(subject.store);
    deleteNote(subject.store, 1, "a");
    putNote(subject.store, 1, "b", "2");
    deleteNote(subject.store, 1, "b");
    putNote(subject.store, 1, "c", "1");
    await committed;
    await commit(subject.store);
    await subject.restart();
    assert.deepEqual(contentsOf(subject.store).notes, [[1, "c", "1"]]);
  });

  it("keeps notes of every size, and copies them at the call", async () => {
    const expected = [];
    const key = Buffer.alloc(64, 0xfe);
    const value = Buffer.alloc(1024, 7);
    for (const [keyBytes, valueBytes] of [
      [64, 1024],
      [64, 0],
      [63, 1023],
      [1, 1024],
      [1, 0],
    ] as const) {
      for (const ownerId of [0, 0xffff_ffff]) {
        key.fill(keyBytes + (valueBytes & 1));
        value.fill(ownerId & 0xff);
        subject.store.putNote(ownerId, key.subarray(0, keyBytes), value.subarray(0, valueBytes));
        expected.push([ownerId, key.toString("latin1", 0, keyBytes), value.toString("latin1", 0, valueBytes)]);
      }
    }
    subject.store.putNote(5, key, value);
    key.fill(0);
    await commit(subject.store);
    subject.store.deleteNote(5, Buffer.alloc(64, 1));
    key.fill(1);
    await commit(subject.store);
    await subject.restart();
    const replaced = new Map(expected.map((note) => [`${note[0]} ${note[1]}`, note]));
    const found = contentsOf(subject.store).notes.filter(([ownerId]) => ownerId !== 5);
    assert.deepEqual(new Map(found.map((note) => [`${note[0]} ${note[1]}`, note])), replaced);
  });

  it("keeps many notes", async () => {
    const count = 20_000;
    const key = Buffer.alloc(8);
    const keyOf = (number: number): Buffer => {
      key.writeBigUInt64BE(BigInt((number * 7919) % count));
      return key;
    };
    for (let number = 0; number < count; number++) subject.store.putNote(number & 1, keyOf(number), keyOf(number));
    await commit(subject.store);
    for (let number = 0; number < count; number++) {
      if (number % 4 > 1) subject.store.deleteNote(number & 1, keyOf(number));
    }
    await commit(subject.store);
    await subject.restart();
    const { notes } = contentsOf(subject.store);
    assert.equal(notes.length, count / 2);
    assert.ok(notes.every(([, found, value]) => found === value));
  });
}
