import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { CommitBarrier } from "../../../src/core/commit-barrier.ts";
import { Message } from "../../../src/core/message.ts";
import { ArenaPool } from "../../../src/core/queue/arena.ts";
import { MemoryBudget } from "../../../src/core/queue/memory-budget.ts";
import { MessageLog } from "../../../src/core/queue/message-log.ts";
import { silentLogger } from "../../../src/lib/logger.ts";
import { ManualClock } from "../../../src/lib/manual-clock.ts";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import { endTurnWithCommit } from "../../support/end-turn-with-commit.ts";
import { messageTo } from "../../support/messages.ts";

const QUEUE_ID = 1;
const BODY_BYTES = 1_000;
const COMMITS = 200;
const MESSAGES_PER_COMMIT = 100;

/** A log over a store in memory. */
class Bench {
  readonly store = new MemoryStore();
  readonly barrier = new CommitBarrier(this.store, new ManualClock(), silentLogger, () => {});
  readonly log = new MessageLog(QUEUE_ID, true, {
    store: this.store,
    barrier: this.barrier,
    arenas: new ArenaPool(),
    memory: new MemoryBudget(64 * 1024),
  });
  readonly message = new Message();

  append(number: number): void {
    const message = messageTo("q", `${number} `.padEnd(BODY_BYTES), true);
    message.publishedAt = number;
    this.log.append(message, undefined, 0);
  }

  /** Takes the next message; settles it unless it is to stay. */
  take(isKept: (number: number) => boolean): number {
    assert(this.log.peek(this.message));
    const { publishedAt, persistent, bodyBytes } = this.message;
    const sequence = this.log.take(this.message);
    if (!isKept(publishedAt)) this.log.settle(sequence, persistent, bodyBytes);
    return sequence;
  }

  async commit(): Promise<void> {
    endTurnWithCommit(this.barrier);
    await nextTurn();
  }

  /** Octets of the chunks in the store. */
  get storedBytes(): number {
    let bytes = 0;
    this.store.recover({
      definition() {},
      note() {},
      chunk: (_queueId, { recordBytes }) => {
        bytes += recordBytes;
      },
    });
    return bytes;
  }
}

test("[store/merging] a few messages that stay do not keep all those that came with them", async () => {
  const bench = new Bench();
  const isKept = (number: number): boolean => number % MESSAGES_PER_COMMIT === 7;
  const kept: number[] = [];
  for (let commit = 0; commit < COMMITS; commit++) {
    const first = commit * MESSAGES_PER_COMMIT;
    for (let number = first; number < first + MESSAGES_PER_COMMIT; number++) bench.append(number);
    await bench.commit();
    for (let number = first; number < first + MESSAGES_PER_COMMIT; number++) {
      const sequence = bench.take(isKept);
      if (isKept(number)) kept.push(sequence);
    }
    await bench.commit();
  }
  for (let commit = 0; commit < 20; commit++) {
    bench.append(0);
    bench.log.settle(
      bench.take(() => true),
      true,
      BODY_BYTES,
    );
    await bench.commit();
  }
  const written = COMMITS * MESSAGES_PER_COMMIT * BODY_BYTES;
  assert(bench.storedBytes < written / 2, `${bench.storedBytes} of ${written} octets are left`);
  for (const [commit, sequence] of kept.entries()) {
    bench.log.read(sequence, bench.message);
    assert.equal(bench.message.publishedAt, commit * MESSAGES_PER_COMMIT + 7);
    bench.log.settle(sequence, true, BODY_BYTES);
  }
  await bench.commit();
  await bench.commit();
  assert.equal(bench.storedBytes, 0);
});

test("[store/merging] a queue that is consumed in order has nothing merged", async () => {
  const bench = new Bench();
  let merged = 0;
  const remove = bench.store.remove.bind(bench.store);
  const isKept = (): boolean => false;
  bench.store.remove = (queueId, lifetime, chunk) => {
    merged++;
    remove(queueId, lifetime, chunk);
  };
  for (let number = 0; number < 20_000; number++) bench.append(number);
  await bench.commit();
  for (let number = 0; number < 20_000; number++) {
    bench.take(isKept);
    if (number % 20 === 0) await bench.commit();
  }
  await bench.commit();
  const chunkCount = Math.ceil((20_000 * BODY_BYTES) / (128 * 1024));
  assert(merged < chunkCount * 1.2, `${merged} removals of ${chunkCount} chunks`);
  assert.equal(bench.storedBytes, 0);
});
