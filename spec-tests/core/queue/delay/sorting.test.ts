import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "../../../fuzz/seeded-random.ts";
import { DelayBench, Receipts } from "./delay-bench.ts";

const COUNT = 600;
const SORT_MESSAGES = 100;

interface Held {
  readonly body: string;
  readonly delay: number;
}

/** Messages that are due in no order, some at the same time. */
function unordered(seed = SeededRandom.anySeed()): readonly Held[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: COUNT }, (_, index) => ({
    body: `${index} of seed ${seed}`,
    delay: random.integer(1, 200),
  }));
}

function inOrder(held: readonly Held[]): string[] {
  return held.toSorted((one, other) => one.delay - other.delay).map(({ body }) => body);
}

/** Holds them in commits of 20. */
async function holdAll(bench: DelayBench, held: readonly Held[], persistent = true): Promise<void> {
  for (const [index, { body, delay }] of held.entries()) {
    bench.hold(body, { delay, persistent });
    if (index % 20 === 19) await bench.settle();
  }
  await bench.settle();
}

/** Numbers of the first messages of all chunks that the store holds of the delayed log. */
function firstNumbers({ state }: DelayBench): number[] {
  const firsts: number[] = [];
  new DelayBench({ state }).store.recover({
    definition() {},
    note() {},
    chunk: (ownerId, { first }) => {
      if (ownerId === 1) firsts.push(first);
    },
  });
  return firsts;
}

test("[delay/sort] messages that wait in no order are sorted as they gather, and leave as they would have", async () => {
  const bench = new DelayBench({ sortMessages: SORT_MESSAGES });
  const held = unordered();
  await holdAll(bench, held);
  assert.equal(bench.log.count, COUNT);
  const sortedCount = firstNumbers(bench).filter((first) => first >= 2 ** 51).length;
  assert(sortedCount >= 3, `${sortedCount} chunks are sorted`);
  await bench.advance(200);
  assert.deepEqual(bench.released, inOrder(held));
  assert.equal(bench.log.count, 0);
  assert.deepEqual(firstNumbers(bench), []);
});

test("[delay/sort] what was sorted is there after restarts, and leaves in the same order with what came later", async () => {
  let bench = new DelayBench({ sortMessages: SORT_MESSAGES });
  const [before, after] = [unordered(), unordered()];
  await holdAll(bench, before);
  bench = bench.restarted();
  await bench.settle();
  assert.equal(bench.log.count, COUNT);
  await holdAll(bench, after);
  bench = bench.restarted();
  await bench.settle();
  assert.equal(bench.log.count, 2 * COUNT);
  await bench.advance(200);
  assert.deepEqual(bench.released, inOrder([...before, ...after]));
});

test("[delay/sort] sorting is one commit: before it ends all is as it was, and confirmed messages are there once", async () => {
  const bench = new DelayBench({ sortMessages: SORT_MESSAGES });
  const held = Array.from({ length: SORT_MESSAGES + 20 }, (_, index) => ({ body: `${index}`, delay: 200 - index }));
  await holdAll(bench, held.slice(0, SORT_MESSAGES));
  const receipts = new Receipts();
  for (const { body, delay } of held.slice(SORT_MESSAGES)) bench.hold(body, { delay, receipt: receipts });
  // The commit that stores them, and no other, goes through.
  bench.runTurn();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(receipts.safe.length, 20);
  bench.store.holdCommits();
  for (let count = 0; count < 3; count++) bench.runTurn();
  assert.notEqual(bench.store.held, undefined, "sorting is to be committed");
  const killed = new DelayBench({ state: bench.state, clock: bench.clock });
  await killed.settle();
  assert.equal(killed.log.count, held.length);
  await killed.advance(200);
  assert.deepEqual(killed.released, inOrder(held));
});

test("[delay/sort] nothing is sorted that is not stored: a failing disk loses no message and no receipt", async () => {
  const bench = new DelayBench({ sortMessages: SORT_MESSAGES });
  const held = unordered();
  bench.store.failCommits(3, new Error("disk full"));
  for (const { body, delay } of held) bench.hold(body, { delay });
  await bench.settle();
  for (let attempt = 0; attempt < 4; attempt++) await bench.advance(500);
  assert.deepEqual(bench.released, inOrder(held));
});

test("[delay/sort] transient messages are sorted with the others, and gone after a restart", async () => {
  const bench = new DelayBench({ sortMessages: SORT_MESSAGES });
  const [persistent, transient] = [unordered(), unordered()];
  for (let index = 0; index < COUNT; index += 20) {
    await holdAll(bench, persistent.slice(index, index + 20));
    await holdAll(bench, transient.slice(index, index + 20), false);
  }
  assert.equal(bench.log.count, 2 * COUNT);
  const after = bench.restarted();
  await after.settle();
  assert.equal(after.log.count, COUNT);
  await after.advance(200);
  assert.deepEqual(after.released, inOrder(persistent));
});

test("[delay/sort] transient messages alone keep their order", async () => {
  const bench = new DelayBench({ sortMessages: SORT_MESSAGES });
  const held = unordered();
  await holdAll(bench, held, false);
  await bench.advance(200);
  assert.deepEqual(bench.released, inOrder(held));
});

test("[delay/sort] what was not sorted before a restart is sorted after it", async () => {
  const before = new DelayBench();
  const held = unordered();
  await holdAll(before, held);
  const bench = new DelayBench({ state: before.state, clock: before.clock, sortMessages: SORT_MESSAGES });
  await bench.settle();
  const unsortedCount = firstNumbers(bench).filter((first) => first < 2 ** 45).length;
  assert(unsortedCount <= SORT_MESSAGES / 10, `${unsortedCount} chunks are not sorted`);
  await bench.advance(200);
  assert.deepEqual(bench.released, inOrder(held));
});

test("[delay/sort] messages that keep their numbers are not sorted", async () => {
  const bench = new DelayBench({ sortMessages: SORT_MESSAGES, keepsNumbers: true });
  const held = unordered();
  await holdAll(bench, held);
  assert.deepEqual(
    firstNumbers(bench).filter((first) => first >= 2 ** 51),
    [],
  );
  await bench.advance(200);
  assert.deepEqual(bench.released, inOrder(held));
});

test("[delay/sort] a log that is dropped while it is about to sort forgets everything", async () => {
  const bench = new DelayBench({ sortMessages: SORT_MESSAGES });
  for (const { body, delay } of unordered()) bench.hold(body, { delay });
  bench.log.drop();
  await bench.settle();
  assert.equal(bench.log.count, 0);
  assert.deepEqual(firstNumbers(bench), []);
  assert.deepEqual(bench.released, []);
});

test("[delay/sort] what was sorted leaves memory", async () => {
  const bench = new DelayBench({ sortMessages: SORT_MESSAGES });
  await holdAll(bench, unordered());
  await bench.advance(0);
  // What is left in no order, and no more than the first chunk of each run.
  assert(bench.memory.usedBytes < 2 * SORT_MESSAGES * 100, `${bench.memory.usedBytes} octets in memory`);
});

test("[delay/sort] messages that are not small are not sorted, and leave memory as soon as they are stored", async () => {
  const bench = new DelayBench({ sortMessages: 20, memoryBytes: 64 * 1024 * 1024 });
  const held = unordered()
    .slice(0, 60)
    .map(({ body, delay }) => ({ body: body.padEnd(10_000), delay }));
  await holdAll(bench, held);
  assert.deepEqual(
    firstNumbers(bench).filter((first) => first >= 2 ** 51),
    [],
  );
  assert.equal(bench.memory.usedBytes, 0);
  await bench.advance(200);
  assert.deepEqual(bench.released, inOrder(held));
});

test("[delay/sort] small ones stay in memory until they are sorted", async () => {
  const bench = new DelayBench({ memoryBytes: 64 * 1024 * 1024 });
  await holdAll(bench, unordered());
  assert(bench.memory.usedBytes > (COUNT / 2) * 50, `${bench.memory.usedBytes} octets in memory`);
});

test("[delay/rows] messages of a few delays wait in rows, of which none but the first message is known", async () => {
  let bench = new DelayBench();
  const held: Held[] = [];
  for (let index = 0; index < COUNT; index++) {
    const delay = [1000, 5000, 60_000][index % 3] as number;
    held.push({ body: `${index}`, delay: bench.clock.now() + delay });
    bench.hold(`${index}`, { delay });
    if (index % 20 === 19) await bench.advance(1);
  }
  assert.deepEqual(
    firstNumbers(bench).filter((first) => first < 2 ** 45),
    [],
    "none waits in no order",
  );
  bench = bench.restarted();
  await bench.settle();
  assert.equal(bench.log.count, COUNT);
  assert.equal(bench.memory.usedBytes, 0);
  await bench.advance(60_000);
  assert.deepEqual(bench.released, inOrder(held));
});
