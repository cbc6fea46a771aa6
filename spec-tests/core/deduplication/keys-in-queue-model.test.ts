import assert from "node:assert/strict";
import { test } from "node:test";
import { deduplicationOptions } from "../../../src/core/deduplication/deduplication-options.ts";
import { KeysInQueue } from "../../../src/core/deduplication/keys-in-queue.ts";
import type { DeduplicatedQueue } from "../../../src/core/deduplication/queue-deduplication.ts";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import { EMPTY_TABLE } from "../../../src/wire/field-table.ts";
import type { SeededRandom } from "../../fuzz/seeded-random.ts";
import { withSeed } from "../../support/with-seed.ts";
import { deduplicationEnvironment, messageWith, settled } from "./fixtures.ts";

const RUNS = Number(process.env["LEVERET_MODEL_RUNS"] ?? 40);
const STEPS = 300;
const KEY_COUNT = 12;

const QUEUE: DeduplicatedQueue = {
  id: 9,
  name: "q",
  durable: true,
  arguments: EMPTY_TABLE,
  push: () => {},
  refuses: () => false,
};

test("[deduplication/queue] knows the keys of what is in the queue, through commits and kills", () =>
  withSeed(async (random) => {
    for (let run = 0; run < RUNS; run++) await runOnce(random.fork());
  }));

async function runOnce(random: SeededRandom): Promise<void> {
  let store = new MemoryStore();
  let environment = deduplicationEnvironment(store);
  let keys = new KeysInQueue(QUEUE, deduplicationOptions(EMPTY_TABLE), environment);
  let sequence = 0;
  /** Sequence number of each key in the queue; those of persistent messages; what of these is committed. */
  let present = new Map<string, number>();
  let persistent = new Map<string, number>();
  let committed = new Map<string, number>();
  for (let step = 0; step < STEPS; step++) {
    const choice = random.fraction();
    const key = `key ${random.integer(1, KEY_COUNT)}`;
    if (choice < 0.5) {
      const isPersistent = random.chance(0.8);
      const message = messageWith({ "x-deduplication-header": key }, { deliveryMode: isPersistent ? 2 : 1 });
      const admitted = keys.admits(message, undefined, 0);
      assert.equal(admitted, !present.has(key), `step ${step}: ${key}`);
      if (!admitted || random.chance(0.1)) continue;
      keys.recorded(++sequence, message);
      present.set(key, sequence);
      if (isPersistent) persistent.set(key, sequence);
    } else if (choice < 0.8) {
      keys.leaving(present.get(key) ?? ++sequence);
      present.delete(key);
      persistent.delete(key);
    } else if (choice < 0.95) {
      environment.barrier.endOfTurn();
      await settled();
      committed = new Map(persistent);
    } else if (choice < 0.96) {
      keys.purged(() => false);
      present = new Map();
      persistent = new Map();
    } else {
      store = new MemoryStore(store.durableState);
      environment = deduplicationEnvironment(store);
      keys = new KeysInQueue(QUEUE, deduplicationOptions(EMPTY_TABLE), environment);
      const found: boolean[] = [];
      const note = (_owner: number, noteKey: Uint8Array, value: Uint8Array): void => {
        found.push(keys.recoverNote(noteKey, value));
      };
      store.recover({ definition: () => {}, chunk: () => {}, note });
      assert.deepEqual(found, Array(committed.size).fill(true), "one note for each key");
      present = new Map(committed);
      persistent = new Map(committed);
    }
    assert.equal(keys.keyCount, present.size);
  }
}
