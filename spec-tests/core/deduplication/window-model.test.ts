import assert from "node:assert/strict";
import { test } from "node:test";
import { DeduplicationWindow } from "../../../src/core/deduplication/deduplication-window.ts";
import { NOTE_KEYS_MAX } from "../../../src/core/deduplication/window-note.ts";
import { ManualClock } from "../../../src/lib/manual-clock.ts";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import type { SeededRandom } from "../../fuzz/seeded-random.ts";
import { FaultyStore } from "../../support/faulty-store.ts";
import { withSeed } from "../../support/with-seed.ts";
import { deduplicationEnvironment, settled } from "./fixtures.ts";

const RUNS = Number(process.env["LEVERET_MODEL_RUNS"] ?? 60);
const STEPS = 250;
const OWNER = 7;
const RETRY_MILLISECONDS = 500;

interface Entry {
  readonly key: string;
  readonly expiresAt: number;
}

/** What a window has to know, as plainly as can be: everything ever remembered, in order. */
class Model {
  readonly #size: number;
  #remembered: Entry[] = [];
  /** Those that a restart must find. */
  #committed: Entry[] = [];
  #uncommitted: Entry[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  isDuplicate(key: string, now: number): boolean {
    const latest = this.#remembered.slice(-this.#size).findLast((entry) => entry.key === key);
    return latest !== undefined && latest.expiresAt > now;
  }

  remember(key: string, expiresAt: number, persistent: boolean): void {
    this.#remembered.push({ key, expiresAt });
    if (persistent) this.#uncommitted.push({ key, expiresAt });
  }

  commit(): void {
    this.#committed.push(...this.#uncommitted);
    this.#uncommitted = [];
  }

  restart(): void {
    this.#uncommitted = [];
    this.#committed = this.#committed.slice(-this.#size);
    this.#remembered = [...this.#committed];
  }
}

/** A window whose process can be killed. */
class Bench {
  readonly #size: number;
  readonly #clock = new ManualClock();
  #within = new MemoryStore();
  #store = new FaultyStore(this.#within);
  #environment = deduplicationEnvironment(this.#store, this.#clock);
  window: DeduplicationWindow;

  constructor(size: number) {
    this.#size = size;
    this.window = new DeduplicationWindow(size, OWNER, this.#environment);
  }

  get now(): number {
    return this.#clock.now();
  }

  advance(milliseconds: number): void {
    this.#clock.advance(milliseconds);
  }

  /** Ends a turn; true when all is durable then. */
  async turn(fails: boolean): Promise<boolean> {
    this.#store.failCommits(fails ? 1 : 0, new Error("disk full"));
    const { barrier } = this.#environment;
    barrier.endOfTurn();
    await settled();
    if (!barrier.failing) return true;
    this.#clock.advance(RETRY_MILLISECONDS);
    return false;
  }

  /** A new process finds what was committed; it does not look at once. */
  restart(): void {
    this.#within = new MemoryStore(this.#within.durableState);
    this.#store = new FaultyStore(this.#within);
    this.#environment = deduplicationEnvironment(this.#store, this.#clock);
    this.window = new DeduplicationWindow(this.#size, OWNER, this.#environment);
    this.#store.recover({
      definition: () => {},
      chunk: () => {},
      note: (ownerId, key, value) => {
        assert.equal(ownerId, OWNER);
        assert.equal(this.window.recoverNote(key, value), true);
      },
    });
  }

  get noteCount(): number {
    let count = 0;
    const note = (): void => {
      count++;
    };
    const visitor = { definition: () => {}, delivered: () => {}, chunk: () => {}, note };
    new MemoryStore(this.#within.durableState).recover(visitor);
    return count;
  }
}

test("[deduplication/window] knows what a plain model knows, whatever happens, commits that fail and kills included", () =>
  withSeed(async (random) => {
    for (let run = 0; run < RUNS; run++) await runOnce(random.fork());
  }));

async function runOnce(random: SeededRandom): Promise<void> {
  const size = random.pick([1, 2, 3, 16, 17, 33, 60]);
  const keyCount = random.pick([2, size + 1, size * 3]);
  const longTtlMilliseconds = random.pick([undefined, 5, 100]);
  const persistentShare = random.pick([1, 1, 0.5]);
  const bench = new Bench(size);
  const model = new Model(size);
  for (let step = 0; step < STEPS; step++) {
    const choice = random.fraction();
    if (choice < 0.75) {
      const key = `s${random.integer(1, keyCount)}`;
      const isDuplicate = model.isDuplicate(key, bench.now);
      assert.equal(bench.window.isDuplicate(key), isDuplicate, `step ${step}: ${key} of size ${size}`);
      if (isDuplicate) continue;
      const ttl = random.chance(0.3) ? random.integer(0, 20) : longTtlMilliseconds;
      const persistent = random.chance(persistentShare);
      bench.window.remember(key, ttl, persistent);
      model.remember(key, ttl === undefined ? Number.POSITIVE_INFINITY : bench.now + ttl, persistent);
    } else if (choice < 0.85) {
      bench.advance(random.integer(0, 10));
    } else if (choice < 0.97) {
      if (await bench.turn(random.chance(0.2))) model.commit();
    } else {
      bench.restart();
      model.restart();
    }
    assert.ok(bench.window.count <= size);
  }
  await bench.turn(false);
  assert.ok(bench.noteCount <= size / NOTE_KEYS_MAX + 2, "the notes are bounded by the size");
}
