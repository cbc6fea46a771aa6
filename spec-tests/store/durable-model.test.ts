import assert from "node:assert/strict";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { ChunkDescriptor, Store } from "../../src/core/ports.ts";
import { silentLogger } from "../../src/lib/logger.ts";
import { openLmdbStore } from "../../src/store/lmdb-store.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { SeededRandom } from "../fuzz/seeded-random.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { type Contents, chunkOf, commit, contentsOf, settlementOf } from "./contents.ts";

const SEEDS = 8;
const COMMITS_PER_SEED = 150;
const QUEUES = 4;
const KEYS = ["a", "b", "c", "d", "e"];
/** Octets of a message: in a page of keys, on a page of its own, more than a record of the journal takes. */
const SIZES = [10, 10, 100, 3000, 9000, 200_000];

/** Does the same random things to a store on disk and to one in memory. */
class TwoStores {
  readonly directory: string;
  readonly random: SeededRandom;
  disk: Store;
  memory: MemoryStore;
  /** By queue, in order. */
  readonly chunks: ChunkDescriptor[][] = Array.from({ length: QUEUES }, () => []);
  #next = 0;

  constructor(directory: string, seed: number) {
    this.directory = directory;
    this.random = new SeededRandom(seed);
    this.disk = this.#open(directory);
    this.memory = new MemoryStore();
    contentsOf(this.disk);
  }

  change(): void {
    const queueId = this.random.below(QUEUES);
    const chunks = this.chunks[queueId] as ChunkDescriptor[];
    const picked = chunks[this.random.below(chunks.length)];
    const key = Buffer.from(KEYS[this.random.below(KEYS.length)] as string);
    switch (this.random.below(16)) {
      case 0:
        if (this.random.below(10) > 0) return;
        this.#both((store) => store.dropQueue(queueId));
        chunks.length = 0;
        return;
      case 1:
      case 2: {
        const value = Buffer.alloc(this.random.below(50), this.random.below(256));
        this.#both((store) => store.putNote(queueId, key, value));
        return;
      }
      case 3:
        this.#both((store) => store.deleteNote(queueId, key));
        return;
      case 4: {
        const value = this.random.below(1000);
        this.#both((store) => store.putDefinition("queue", key.toString(), value));
        return;
      }
      case 5:
        this.#both((store) => store.deleteDefinition("queue", key.toString()));
        return;
      case 6:
        this.#merge(queueId);
        return;
      case 7:
      case 8:
      case 9:
      case 10:
        if (picked === undefined) return;
        this.#both((store) => store.remove(queueId, "durable", picked));
        chunks.splice(chunks.indexOf(picked), 1);
        return;
      case 11:
      case 12:
        if (picked === undefined) return;
        this.#both((store) => store.settle(queueId, picked, settlementOf(picked, 0)));
        return;
      default:
        this.#append(queueId, this.#next++, 1, SIZES[this.random.below(SIZES.length)] as number);
    }
  }

  async commit(): Promise<void> {
    await Promise.all([commit(this.disk), commit(this.memory)]);
  }

  /** What a start would find if the process were killed now, and what it should find. */
  async compareAfterKill(note: string): Promise<void> {
    const copy = `${this.directory}-killed`;
    cpSync(this.directory, copy, { recursive: true });
    const restarted = this.#open(copy);
    this.#compare(restarted, note);
    await restarted.close();
    rmSync(copy, { recursive: true });
  }

  async restart(note: string): Promise<void> {
    await this.disk.close();
    this.disk = this.#open(this.directory);
    this.memory = new MemoryStore(this.memory.durableState);
    this.#compare(this.disk, note);
  }

  /** Chunks that are neighbours become one, in one commit. */
  #merge(queueId: number): void {
    const chunks = this.chunks[queueId] as ChunkDescriptor[];
    const [one, other] = chunks;
    if (one === undefined || other === undefined || one.recordBytes + other.recordBytes > 20_000) return;
    for (const chunk of [one, other]) this.#both((store) => store.remove(queueId, "durable", chunk));
    chunks.splice(0, 2);
    const count = other.first + other.count - one.first;
    const bytesEach = Math.ceil((one.recordBytes + other.recordBytes) / count);
    chunks.unshift(this.#appended(queueId, one.first, count, bytesEach));
  }

  #append(queueId: number, first: number, count: number, bytesEach: number): void {
    (this.chunks[queueId] as ChunkDescriptor[]).push(this.#appended(queueId, first, count, bytesEach));
  }

  #appended(queueId: number, first: number, count: number, bytesEach: number): ChunkDescriptor {
    const { chunk, value } = chunkOf(first, count, bytesEach, this.random.below(256));
    this.#both((store) => store.append(queueId, "durable", chunk, value, 0, value.length));
    return chunk;
  }

  #compare(restarted: Store, note: string): void {
    const expected = contentsOf(new MemoryStore(this.memory.durableState));
    const actual = contentsOf(restarted);
    const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1);
    assert.deepEqual(actual.definitions.sort(byId), expected.definitions.sort(byId), note);
    assert.deepEqual(actual.notes, expected.notes, note);
    assert.deepEqual(comparable(actual), comparable(expected), note);
    for (const { queueId, chunk } of expected.chunks) {
      const value = this.memory.read(queueId, "durable", chunk);
      assert.equal(restarted.read(queueId, "durable", chunk).compare(value), 0, note);
      assert.equal(this.disk.read(queueId, "durable", chunk).compare(value), 0, note);
    }
  }

  #both(change: (store: Store) => void): void {
    change(this.disk);
    change(this.memory);
  }

  #open(directory: string): Store {
    return openLmdbStore({ directory, logger: silentLogger });
  }
}

/** The chunks, whichever class of octets their settlements have. */
function comparable({ chunks }: Contents): object[] {
  return chunks.map(({ queueId, chunk, settlement }) => ({
    queueId,
    chunk,
    settlement: settlement && { ...settlement, bitmap: [...settlement.bitmap] },
  }));
}

async function run(context: TestContext, seed: number): Promise<void> {
  const stores = new TwoStores(join(temporaryDirectory(context), "data"), seed);
  context.after(() => stores.disk.close());
  for (let number = 0; number < COMMITS_PER_SEED; number++) {
    const changes = stores.random.below(8);
    for (let count = 0; count < changes; count++) stores.change();
    await stores.commit();
    const note = `seed ${seed}, commit ${number}`;
    if (stores.random.below(8) === 0) await stores.compareAfterKill(note);
    if (stores.random.below(40) === 0) await stores.restart(note);
  }
  await stores.restart(`seed ${seed}, at the end`);
}

describe("what a start finds on disk", () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    it(`is what was committed, after a kill at any time too (seed ${seed})`, (context) => run(context, seed));
  }
});
