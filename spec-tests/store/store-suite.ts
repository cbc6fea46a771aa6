import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Store } from "../../src/core/ports.ts";
import { appendChunk, chunkOf, commit, contentsOf, deleteNote, putNote, settlementOf } from "./contents.ts";

/** Opens one store after another over the same durable state. */
export interface StoreOpener {
  /** Opens the store, as a start of the broker would. The one before has been closed. */
  open(): Store;
  dispose(): Promise<void>;
}

/** What every store must do. */
export function storeSuite(name: string, openerOf: () => StoreOpener): void {
  describe(name, () => {
    let opener: StoreOpener;
    let store: Store;

    beforeEach(() => {
      opener = openerOf();
      store = opener.open();
    });

    afterEach(async () => {
      await store.close();
      await opener.dispose();
    });

    async function restart(): Promise<void> {
      await store.close();
      store = opener.open();
    }

    it("is empty when new", () => {
      assert.deepEqual(contentsOf(store), {
        definitions: [],
        delivered: new Map(),
        notes: [],
        chunks: [],
        order: [],
      });
    });

    it("reports definitions first, then notes in order, then queues in order with their chunks in order", async () => {
      store.putDefinition("queue", "q", { durable: true });
      store.delivered(2, 7);
      putNote(store, 256, "a", "");
      for (const key of ["b", "ab", "\xff", "a", "\0", "a\0"]) putNote(store, 3, key, `of 3: ${key}`);
      putNote(store, 1, "z", "of 1");
      appendChunk(store, 2, 2 ** 33, 3);
      appendChunk(store, 2, 5, 3);
      appendChunk(store, 1, 300, 3);
      appendChunk(store, 1, 20, 3);
      await commit(store);
      await restart();
      const contents = contentsOf(store);
      assert.deepEqual(contents.order, ["definition", "delivered", "note", "chunk"]);
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
      assert.deepEqual(contents.delivered, new Map([[2, 7]]));
    });

    it("keeps all of a descriptor, at the largest numbers too", async () => {
      const chunk = {
        first: Number.MAX_SAFE_INTEGER - 5000,
        count: 4000,
        persistentCount: 3999,
        persistentBodyBytes: Number.MAX_SAFE_INTEGER,
        recordBytes: 3,
      };
      store.append(0xffff_ffff, "durable", chunk, Buffer.from("abc"), 0, 3);
      await commit(store);
      await restart();
      assert.deepEqual(contentsOf(store).chunks, [{ queueId: 0xffff_ffff, chunk, settlement: undefined }]);
      assert.equal(store.read(0xffff_ffff, "durable", chunk).toString(), "abc");
    });

    it("puts, replaces and deletes definitions", async () => {
      const long = "é".repeat(2000);
      store.putDefinition("exchange", "a", { type: "direct" });
      store.putDefinition("exchange", "gone", {});
      store.putDefinition("queue", "a", 1);
      store.putDefinition("binding", long, "long");
      store.putDefinition("binding", `${long}2`, "longer");
      store.putDefinition("vhost", "", null);
      await commit(store);
      store.putDefinition("exchange", "a", { type: "topic" });
      store.deleteDefinition("exchange", "gone");
      store.deleteDefinition("binding", long);
      await commit(store);
      await restart();
      const found = contentsOf(store).definitions.map(({ kind, id, value }) => JSON.stringify([kind, id, value]));
      assert.deepEqual(
        found.sort(),
        [
          ["exchange", "a", { type: "topic" }],
          ["queue", "a", 1],
          ["binding", `${long}2`, "longer"],
          ["vhost", "", null],
        ]
          .map((entry) => JSON.stringify(entry))
          .sort(),
      );
    });

    it("puts, replaces and deletes notes", async () => {
      putNote(store, 1, "replaced", "1");
      putNote(store, 1, "deleted", "1");
      putNote(store, 2, "deleted", "of another");
      deleteNote(store, 1, "never there");
      await commit(store);
      putNote(store, 1, "replaced", "2");
      deleteNote(store, 1, "deleted");
      deleteNote(store, 3, "never there");
      await commit(store);
      await restart();
      assert.deepEqual(contentsOf(store).notes, [
        [1, "replaced", "2"],
        [2, "deleted", "of another"],
      ]);
    });

    it("keeps the last word on a note within a commit", async () => {
      putNote(store, 1, "put, deleted", "old");
      putNote(store, 1, "deleted, put", "old");
      await commit(store);
      putNote(store, 1, "put, deleted", "new");
      deleteNote(store, 1, "put, deleted");
      deleteNote(store, 1, "deleted, put");
      putNote(store, 1, "deleted, put", "new");
      putNote(store, 1, "new: put, deleted", "new");
      deleteNote(store, 1, "new: put, deleted");
      putNote(store, 1, "new: put, deleted, put", "new");
      deleteNote(store, 1, "new: put, deleted, put");
      putNote(store, 1, "new: put, deleted, put", "newer");
      await commit(store);
      await restart();
      assert.deepEqual(contentsOf(store).notes, [
        [1, "deleted, put", "new"],
        [1, "new: put, deleted, put", "newer"],
      ]);
    });

    it("deletes a note whose put is in flight", async () => {
      putNote(store, 1, "a", "1");
      putNote(store, 1, "b", "1");
      const committed = commit(store);
      deleteNote(store, 1, "a");
      putNote(store, 1, "b", "2");
      deleteNote(store, 1, "b");
      putNote(store, 1, "c", "1");
      await committed;
      await commit(store);
      await restart();
      assert.deepEqual(contentsOf(store).notes, [[1, "c", "1"]]);
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
          store.putNote(ownerId, key.subarray(0, keyBytes), value.subarray(0, valueBytes));
          expected.push([ownerId, key.toString("latin1", 0, keyBytes), value.toString("latin1", 0, valueBytes)]);
        }
      }
      store.putNote(5, key, value);
      key.fill(0);
      await commit(store);
      store.deleteNote(5, Buffer.alloc(64, 1));
      key.fill(1);
      await commit(store);
      await restart();
      const replaced = new Map(expected.map((note) => [`${note[0]} ${note[1]}`, note]));
      const found = contentsOf(store).notes.filter(([ownerId]) => ownerId !== 5);
      assert.deepEqual(new Map(found.map((note) => [`${note[0]} ${note[1]}`, note])), replaced);
    });

    it("keeps many notes", async () => {
      const count = 20_000;
      const key = Buffer.alloc(8);
      const keyOf = (number: number): Buffer => {
        key.writeBigUInt64BE(BigInt((number * 7919) % count));
        return key;
      };
      for (let number = 0; number < count; number++) store.putNote(number & 1, keyOf(number), keyOf(number));
      await commit(store);
      for (let number = 0; number < count; number++) {
        if (number % 4 > 1) store.deleteNote(number & 1, keyOf(number));
      }
      await commit(store);
      await restart();
      const { notes } = contentsOf(store);
      assert.equal(notes.length, count / 2);
      assert.ok(notes.every(([, found, value]) => found === value));
    });

    it("takes a definition's value as it is at the call", async () => {
      const value = { durable: true };
      store.putDefinition("queue", "q", value);
      value.durable = false;
      await commit(store);
      await restart();
      assert.deepEqual(contentsOf(store).definitions[0]?.value, { durable: true });
    });

    it("reads back the part of the buffer that was given, in a buffer of the caller's own", async () => {
      const { chunk } = chunkOf(1, 1, 4);
      const buffer = Buffer.from("..abcd..");
      store.append(1, "durable", chunk, buffer, 2, 6);
      await commit(store);
      buffer.fill(0);
      const read = store.read(1, "durable", chunk);
      assert.equal(read.toString(), "abcd");
      read.fill(0);
      assert.equal(store.read(1, "durable", chunk).toString(), "abcd");
    });

    it("reads values of every size", async () => {
      for (const size of [1, 100, 4000, 9000, 40_000, 131_072, 1_000_003, 20_000_000]) {
        const { chunk, value } = chunkOf(size, 1, size, size % 251);
        store.append(1, "durable", chunk, value, 0, value.length);
        await commit(store);
        const read = store.read(1, "durable", chunk);
        assert.equal(read.length, size);
        assert.equal(read.compare(value), 0);
      }
    });

    it("throws for a chunk that is not there", async () => {
      const { chunk } = chunkOf(1, 1);
      assert.throws(() => store.read(1, "durable", chunk), /no durable chunk at 1 of queue 1/);
      appendChunk(store, 1, 1, 1);
      await commit(store);
      assert.throws(() => store.read(1, "durable", { ...chunk, count: 2 }), /no durable chunk/);
      assert.throws(() => store.read(2, "durable", chunk), /no durable chunk/);
      assert.throws(() => store.read(1, "transient", chunk), /no transient chunk/);
    });

    it("replaces settlements, and removes them with their chunk", async () => {
      const a = appendChunk(store, 1, 0, 20);
      const b = appendChunk(store, 1, 20, 20);
      store.settle(1, a, settlementOf(a, 0));
      store.settle(1, b, settlementOf(b, 1));
      await commit(store);
      store.settle(1, a, settlementOf(a, 0, 9, 19));
      store.remove(1, "durable", b);
      await commit(store);
      appendChunk(store, 1, 20, 20);
      await commit(store);
      await restart();
      const { chunks } = contentsOf(store);
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
      const a = appendChunk(store, 1, 10, 5);
      const b = appendChunk(store, 1, 15, 5);
      store.settle(1, a, settlementOf(a, 1));
      await commit(store);
      store.remove(1, "durable", a);
      store.remove(1, "durable", b);
      const merged = appendChunk(store, 1, 10, 10);
      store.settle(1, merged, settlementOf(merged, 1, 2));
      await commit(store);
      await restart();
      const { chunks } = contentsOf(store);
      assert.deepEqual(
        chunks.map(({ chunk, settlement }) => [chunk, settlement?.persistentCount]),
        [[merged, 2]],
      );
      assert.throws(() => store.read(1, "durable", a));
      assert.equal(store.read(1, "durable", merged).length, 100);
    });

    it("merges in one go chunks that were appended, settled and merged in the same commit", async () => {
      const a = appendChunk(store, 1, 10, 5);
      await commit(store);
      store.settle(1, a, settlementOf(a, 1));
      await commit(store);
      store.remove(1, "durable", a);
      const merged = appendChunk(store, 1, 10, 10);
      store.settle(1, merged, settlementOf(merged, 1));
      store.remove(1, "durable", merged);
      const replaced = appendChunk(store, 1, 10, 12);
      await commit(store);
      await restart();
      assert.deepEqual(contentsOf(store).chunks, [{ queueId: 1, chunk: replaced, settlement: undefined }]);
    });

    it("keeps to the order of operations on one chunk", async () => {
      const { chunk, value } = chunkOf(1, 1);
      const append = (): void => store.append(1, "durable", chunk, value, 0, value.length);
      append();
      store.remove(1, "durable", chunk);
      await commit(store);
      assert.throws(() => store.read(1, "durable", chunk), /no durable chunk/);
      append();
      await commit(store);
      store.remove(1, "durable", chunk);
      append();
      await commit(store);
      assert.equal(store.read(1, "durable", chunk).length, 10);
      store.remove(1, "durable", chunk);
      append();
      store.remove(1, "durable", chunk);
      await commit(store);
      assert.throws(() => store.read(1, "durable", chunk), /no durable chunk/);
    });

    it("leaves out of a commit what is called after it", async () => {
      const a = appendChunk(store, 1, 1, 1);
      const committed = commit(store);
      const b = appendChunk(store, 1, 2, 1);
      store.remove(1, "durable", a);
      await committed;
      assert.equal(store.read(1, "durable", a).length, 10);
      assert.throws(() => store.read(1, "durable", b), /no durable chunk/);
      await commit(store);
      assert.equal(store.read(1, "durable", b).length, 10);
      assert.throws(() => store.read(1, "durable", a), /no durable chunk/);
    });

    it("reports a commit later, never within the call, and with nothing to write too", async () => {
      let returned = false;
      await new Promise<void>((resolve) => {
        store.commit((error) => {
          assert.equal(error, undefined);
          assert.equal(returned, true);
          resolve();
        });
        returned = true;
      });
    });

    it("allows the next commit from within the report of one", async () => {
      appendChunk(store, 1, 1, 1);
      await new Promise<void>((resolve, reject) => {
        store.commit(() => {
          appendChunk(store, 1, 2, 1);
          store.commit((error) => (error === undefined ? resolve() : reject(error)));
        });
      });
      await restart();
      assert.equal(contentsOf(store).chunks.length, 2);
    });

    it("refuses a second commit while one is in flight", async () => {
      const committed = commit(store);
      assert.throws(() => store.commit(() => {}), /at most one commit/);
      await committed;
    });

    it("drops a queue with all that is kept for it, and no other", async () => {
      for (const queueId of [1, 2, 3, 256]) {
        const chunk = appendChunk(store, queueId, 0, 8);
        appendChunk(store, queueId, 8, 8);
        store.settle(queueId, chunk, settlementOf(chunk, 1));
        store.delivered(queueId, 4);
        putNote(store, queueId, "a", "1");
        putNote(store, queueId, "b", "1");
      }
      await commit(store);
      appendChunk(store, 2, 100, 1);
      store.delivered(2, 5);
      putNote(store, 2, "c", "1");
      putNote(store, 2, "a", "2");
      store.dropQueue(2);
      await commit(store);
      await restart();
      const contents = contentsOf(store);
      assert.deepEqual(
        contents.chunks.map(({ queueId }) => queueId),
        [1, 1, 3, 3, 256, 256],
      );
      assert.deepEqual([...contents.delivered.keys()], [1, 3, 256]);
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
        const chunk = appendChunk(store, 7, first * 2, 2);
        store.settle(7, chunk, settlementOf(chunk, 0));
      }
      await commit(store);
      store.dropQueue(7);
      await commit(store);
      await restart();
      assert.deepEqual(contentsOf(store).chunks, []);
      for (let turn = 0; turn < 20; turn++) await commit(store);
      await restart();
      assert.deepEqual(contentsOf(store).chunks, []);
    });

    it("keeps what is written to a queue's id after it was dropped, in the same commit, the next, or another run", async () => {
      for (let first = 0; first < 2000; first++) appendChunk(store, 7, first, 1);
      await commit(store);
      store.dropQueue(7);
      const same = appendChunk(store, 7, 5, 1);
      await commit(store);
      assert.equal(store.read(7, "durable", same).length, 10);
      for (let first = 10; first < 2000; first++) appendChunk(store, 7, first, 1);
      await commit(store);
      store.dropQueue(7);
      await commit(store);
      const next = appendChunk(store, 7, 6, 1);
      store.delivered(7, 6);
      await commit(store);
      for (let turn = 0; turn < 20; turn++) await commit(store);
      await restart();
      assert.deepEqual(contentsOf(store).chunks, [{ queueId: 7, chunk: next, settlement: undefined }]);
      for (let first = 10; first < 2000; first++) appendChunk(store, 7, first, 1);
      await commit(store);
      store.dropQueue(7);
      await commit(store);
      await restart();
      const later = appendChunk(store, 7, 1, 1);
      await commit(store);
      for (let turn = 0; turn < 20; turn++) await commit(store);
      await restart();
      assert.deepEqual(contentsOf(store).chunks, [{ queueId: 7, chunk: later, settlement: undefined }]);
    });

    it("drops many notes at once, as far as can be seen, and keeps what is put after that", async () => {
      for (const ownerId of [7, 8]) {
        for (let number = 0; number < 2000; number++) putNote(store, ownerId, `${number}`, "old");
      }
      putNote(store, 9, "of another", "old");
      await commit(store);
      store.dropQueue(7);
      store.dropQueue(8);
      putNote(store, 8, "same commit", "new");
      await commit(store);
      await restart();
      const kept = [
        [8, "same commit", "new"],
        [9, "of another", "old"],
      ];
      assert.deepEqual(contentsOf(store).notes, kept);
      putNote(store, 7, "1", "another run");
      await commit(store);
      for (let turn = 0; turn < 20; turn++) await commit(store);
      await restart();
      assert.deepEqual(contentsOf(store).notes, [[7, "1", "another run"], ...kept]);
    });

    it("forgets transient chunks at a restart, and keeps them apart from durable ones", async () => {
      const { chunk, value } = chunkOf(1, 2, 50_000);
      store.append(1, "transient", chunk, value, 0, value.length);
      await commit(store);
      assert.equal(store.read(1, "transient", chunk).compare(value), 0);
      assert.throws(() => store.read(1, "durable", chunk), /no durable chunk/);
      await restart();
      assert.deepEqual(contentsOf(store).chunks, []);
      assert.throws(() => store.read(1, "transient", chunk), /no transient chunk/);
    });

    it("removes transient chunks, singly and with their queue", async () => {
      const chunks = [1, 2, 3].map((first) => {
        const { chunk, value } = chunkOf(first, 1);
        store.append(first === 3 ? 2 : 1, "transient", chunk, value, 0, value.length);
        return chunk;
      });
      await commit(store);
      store.remove(1, "transient", chunks[0]!);
      await commit(store);
      assert.throws(() => store.read(1, "transient", chunks[0]!), /no transient chunk/);
      assert.equal(store.read(1, "transient", chunks[1]!).length, 10);
      store.dropQueue(1);
      await commit(store);
      assert.throws(() => store.read(1, "transient", chunks[1]!), /no transient chunk/);
      assert.equal(store.read(2, "transient", chunks[2]!).length, 10);
    });

    it("waits with closing for the commit in flight, and drops what came after it", async () => {
      appendChunk(store, 1, 1, 1);
      const committed = commit(store);
      appendChunk(store, 1, 2, 1);
      await restart();
      await committed;
      assert.deepEqual(
        contentsOf(store).chunks.map(({ chunk }) => chunk.first),
        [1],
      );
    });
  });
}
