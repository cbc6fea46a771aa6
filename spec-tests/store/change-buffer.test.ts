import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { ChunkDescriptor } from "../../src/core/ports.ts";
import { ChangeBuffer } from "../../src/store/change-buffer.ts";
import { ChangeSet } from "../../src/store/change-set.ts";
import type { ChunkChange } from "../../src/store/queue-changes.ts";
import { chunkOf, settlementOf } from "./contents.ts";

describe("change set", () => {
  it("writes nothing for a chunk that comes and goes, its settlement included", () => {
    const changes = new ChangeSet();
    const { chunk, value } = chunkOf(1, 8);
    changes.append(1, chunk, value, 0, value.length);
    changes.settle(1, chunk, settlementOf(chunk, 1));
    changes.remove(1, { ...chunk });
    assert.equal(changes.isEmpty, true);
  });

  it("writes the removal of a chunk that a failed attempt may have put on disk", () => {
    for (const attempted of [false, true]) {
      const buffer = new ChangeBuffer();
      const { chunk, value } = chunkOf(1, 8);
      buffer.gathering.append(1, chunk, value, 0, value.length);
      buffer.begin();
      buffer.gathering.remove(1, chunk);
      buffer.failed(attempted);
      assert.equal(buffer.gathering.isEmpty, !attempted);
    }
  });

  it("writes nothing for a note that is put and deleted again, unless one is on disk", () => {
    for (const isStored of [false, true]) {
      const changes = new ChangeSet();
      changes.putNote(1, Buffer.from("key"), Buffer.from("1"));
      changes.putNote(1, Buffer.from("key"), Buffer.from("2"));
      changes.deleteNote(1, Buffer.from("key"));
      changes.forgetShortLivedNotes((ownerId, key) => {
        assert.deepEqual([ownerId, key], [1, "key"]);
        return isStored;
      });
      assert.equal(changes.isEmpty, !isStored);
    }
  });

  it("holds nothing for notes that come and go while commits fail", () => {
    const buffer = new ChangeBuffer();
    for (let turn = 0; turn < 100; turn++) {
      buffer.gathering.putNote(1, Buffer.of(turn), Buffer.of(1));
      if (turn > 0) buffer.gathering.deleteNote(1, Buffer.of(turn - 1));
      buffer.begin().forgetShortLivedNotes(() => false);
      buffer.failed(turn % 2 === 0);
    }
    assert.deepEqual([...(buffer.gathering.queues.get(1)?.notes?.byKey.keys() ?? [])], ["c"]);
  });

  it("holds one change for each key, however often it is changed while commits fail", () => {
    const buffer = new ChangeBuffer();
    const { chunk } = chunkOf(1, 8);
    for (let turn = 0; turn < 100; turn++) {
      buffer.gathering.settle(1, chunk, settlementOf(chunk, turn % 8));
      buffer.gathering.putDefinition("queue", "q", turn);
      buffer.gathering.putNote(1, Buffer.from("key"), Buffer.of(turn));
      buffer.begin();
      buffer.failed(true);
    }
    const queue = buffer.gathering.queues.get(1);
    assert.equal(queue?.settlements.size, 1);
    assert.deepEqual([...(queue?.notes?.byKey ?? [])], [["key", Buffer.of(99)]]);
    assert.deepEqual(
      [...buffer.gathering.definitions.values()],
      [{ kind: "queue", id: "q", json: '{"id":"q","value":99}' }],
    );
  });

  it("refuses numbers and notes that do not fit, at the call", () => {
    const changes = new ChangeSet();
    const { chunk, value } = chunkOf(1, 1);
    const append = (queueId: number, changed: object): void =>
      changes.append(queueId, { ...chunk, ...changed }, value, 0, value.length);
    assert.throws(() => append(-1, {}), /queue id/);
    assert.throws(() => append(2 ** 32, {}), /queue id/);
    assert.throws(() => append(1, { first: 2 ** 53 }), /sequence/);
    assert.throws(() => append(1, { count: 0 }), /chunk holds/);
    assert.throws(() => append(1, { persistentCount: 2 }), /persistent/);
    assert.throws(() => append(1, { persistentBodyBytes: 0.5 }), /size/);
    assert.throws(() => append(1, { recordBytes: 9 }), /length/);
    assert.throws(() => changes.settle(1, { ...chunk, count: 9 }, settlementOf(chunk)), /one bit/);
    const key = Buffer.alloc(1);
    assert.throws(() => changes.putNote(2 ** 32, key, key), /queue id/);
    assert.throws(() => changes.putNote(1, Buffer.alloc(0), key), /short key/);
    assert.throws(() => changes.putNote(1, Buffer.alloc(65), key), /short key/);
    assert.throws(() => changes.putNote(1, key, Buffer.alloc(1025)), /small/);
    assert.throws(() => changes.deleteNote(1, Buffer.alloc(0)), /short key/);
    assert.throws(() => changes.deleteNote(1, Buffer.alloc(65)), /short key/);
  });
});

const CALLS = ["append", "append", "remove", "settle", "drop", "put note", "delete note"] as const;
const COMMIT_STEPS = ["begin", "begin without asking the disk", "succeed", "fail", "fail after writing"] as const;
type Call = (typeof CALLS)[number];

/** What a store holds, key by key as on disk. */
class Disk {
  readonly chunks = new Set<string>();
  readonly settlements = new Map<string, number>();
  readonly notes = new Map<string, number>();

  copy(): Disk {
    const copy = new Disk();
    for (const key of this.chunks) copy.chunks.add(key);
    for (const [key, bit] of this.settlements) copy.settlements.set(key, bit);
    for (const [key, value] of this.notes) copy.notes.set(key, value);
    return copy;
  }

  drop(queueId: number): void {
    for (const key of [...this.chunks]) if (key.startsWith(`${queueId} `)) this.chunks.delete(key);
    for (const key of [...this.settlements.keys()]) if (key.startsWith(`${queueId} `)) this.settlements.delete(key);
    for (const key of [...this.notes.keys()]) if (key.startsWith(`${queueId} `)) this.notes.delete(key);
  }

  /** Writes what a commit holds. */
  apply(changes: ChangeSet): void {
    for (const [queueId, queue] of changes.queues) {
      if (queue.isDropped) this.drop(queueId);
      for (const head of queue.chunks.values()) {
        for (let change: ChunkChange | undefined = head; change !== undefined; change = change.next) {
          if (change.buffer === undefined) this.chunks.delete(chunkKey(queueId, change.chunk));
          else this.chunks.add(chunkKey(queueId, change.chunk));
        }
      }
      for (const [first, settlement] of queue.settlements) {
        if (settlement === undefined) this.settlements.delete(`${queueId} ${first}`);
        else this.settlements.set(`${queueId} ${first}`, Math.log2(settlement.bitmap[0]!));
      }
      for (const [key, value] of queue.notes?.byKey ?? []) {
        if (value === undefined) this.notes.delete(`${queueId} ${key}`);
        else this.notes.set(`${queueId} ${key}`, value.readUInt32BE());
      }
    }
  }
}

function chunkKey(queueId: number, { first, count }: ChunkDescriptor): string {
  return `${queueId} ${first} ${count}`;
}

/** Two queues, two beginnings, two lengths: much happens to few keys. */
const step = fc.record({
  does: fc.constantFrom(...CALLS, ...COMMIT_STEPS),
  queueId: fc.integer({ min: 1, max: 2 }),
  chunk: fc.tuple(fc.constantFrom(0, 8), fc.constantFrom(3, 8)).map(([first, count]) => chunkOf(first, count).chunk),
  bit: fc.integer({ min: 0, max: 2 }),
});

describe("change buffer", () => {
  it("comes, whatever fails in between, to the same as the calls one after another", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const buffer = new ChangeBuffer();
        const disk = new Disk();
        /** As if every call took effect at once. */
        const model = new Disk();
        let modelAtBegin = model;
        let inFlight: ChangeSet | undefined;
        let writes = 0;
        const end = (succeeds: boolean, isWritten: boolean): void => {
          if (inFlight === undefined) return;
          if (isWritten) disk.apply(inFlight);
          if (succeeds) buffer.succeeded();
          else buffer.failed(isWritten);
          inFlight = undefined;
          if (succeeds) assert.deepEqual(contentsOf(disk), contentsOf(modelAtBegin));
        };
        const begin = (asksDisk: boolean): void => {
          if (inFlight !== undefined) return;
          modelAtBegin = model.copy();
          inFlight = buffer.begin();
          if (asksDisk) inFlight.forgetShortLivedNotes((queueId, key) => disk.notes.has(`${queueId} ${key}`));
        };
        for (const { does, queueId, chunk, bit } of steps) {
          if (does === "begin") begin(true);
          else if (does === "begin without asking the disk") begin(false);
          else if (does === "succeed") end(true, true);
          else if (does === "fail") end(false, false);
          else if (does === "fail after writing") end(false, true);
          else call(buffer.gathering, model, does, queueId, chunk, bit, ++writes);
        }
        end(false, false);
        begin(true);
        end(true, true);
      }),
      { numRuns: 2000 },
    );
  });
});

/** Makes a call that a queue could make, to the buffer and the model alike; others are left out. */
function call(
  changes: ChangeSet,
  model: Disk,
  does: Call,
  queueId: number,
  chunk: ChunkDescriptor,
  bit: number,
  sequence: number,
): void {
  const key = chunkKey(queueId, chunk);
  const isOccupied = [...model.chunks].some((other) => other.startsWith(`${queueId} ${chunk.first} `));
  const settlementKey = `${queueId} ${chunk.first}`;
  if (does === "append" && !isOccupied) {
    const value = Buffer.alloc(chunk.recordBytes, 1);
    changes.append(queueId, chunk, value, 0, value.length);
    model.chunks.add(key);
  } else if (does === "remove" && model.chunks.has(key)) {
    changes.remove(queueId, chunk);
    model.chunks.delete(key);
    model.settlements.delete(settlementKey);
  } else if (does === "settle" && model.chunks.has(key)) {
    changes.settle(queueId, chunk, settlementOf(chunk, bit));
    model.settlements.set(settlementKey, bit);
  } else if (does === "put note") {
    const value = Buffer.alloc(4);
    value.writeUInt32BE(sequence);
    changes.putNote(queueId, Buffer.from(`note ${bit}`), value);
    model.notes.set(`${queueId} note ${bit}`, sequence);
  } else if (does === "delete note") {
    changes.deleteNote(queueId, Buffer.from(`note ${bit}`));
    model.notes.delete(`${queueId} note ${bit}`);
  } else if (does === "drop") {
    changes.dropQueue(queueId);
    model.drop(queueId);
  }
}

function contentsOf({ chunks, settlements, notes }: Disk): unknown {
  return {
    chunks: [...chunks].sort(),
    settlements: [...settlements].sort(),
    notes: [...notes].sort(),
  };
}
