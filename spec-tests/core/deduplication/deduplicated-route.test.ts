import assert from "node:assert/strict";
import { test } from "node:test";
import { DeduplicatedRoute } from "../../../src/core/deduplication/deduplicated-route.ts";
import { deduplicationOptions } from "../../../src/core/deduplication/deduplication-options.ts";
import { WindowFilter } from "../../../src/core/deduplication/window-filter.ts";
import type { Destination } from "../../../src/core/destination.ts";
import type { Receipt } from "../../../src/core/receipt.ts";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import { EMPTY_TABLE } from "../../../src/wire/field-table.ts";
import { FaultyStore } from "../../support/faulty-store.ts";
import { deduplicationEnvironment, messageOf, ReceiptBook, settled } from "./fixtures.ts";

/** A queue that answers when told. */
class SlowQueue implements Destination {
  readonly name = "q";
  readonly waiting: (readonly [receipt: Receipt, publishSequence: number])[] = [];
  pushedCount = 0;
  isFull = false;

  push(_message: unknown, receipt: Receipt | undefined, publishSequence: number): void {
    this.pushedCount++;
    if (this.isFull) receipt?.refused(publishSequence);
    else if (receipt !== undefined) this.waiting.push([receipt, publishSequence]);
  }

  refuses(): boolean {
    return this.isFull;
  }

  answer(stored: boolean): void {
    for (const [receipt, publishSequence] of this.waiting.splice(0)) {
      if (stored) receipt.stored(publishSequence);
      else receipt.refused(publishSequence);
    }
  }
}

function newFilter(): WindowFilter {
  return new WindowFilter(deduplicationOptions(EMPTY_TABLE), undefined, deduplicationEnvironment());
}

test("[deduplication/receipt] one answer comes of many destinations, when all have answered", () => {
  const filter = newFilter();
  const [a, b] = [new SlowQueue(), new SlowQueue()];
  const receipts = new ReceiptBook();
  new DeduplicatedRoute("x", "1", [a, b], filter).push(messageOf(), receipts, 1);
  a.answer(true);
  assert.deepEqual(receipts.storedSequences, []);
  b.answer(true);
  assert.deepEqual(receipts.storedSequences, [1]);
  new DeduplicatedRoute("x", "2", [a, b], filter).push(messageOf(), receipts, 2);
  a.answer(false);
  assert.deepEqual(receipts.refusedSequences, []);
  b.answer(true);
  assert.deepEqual([receipts.storedSequences, receipts.refusedSequences], [[1], [2]]);
});

test("[deduplication/refused] what one of several queues refuses is tried again at all of them", () => {
  const filter = newFilter();
  const [a, b] = [new SlowQueue(), new SlowQueue()];
  b.isFull = true;
  const receipts = new ReceiptBook();
  const route = new DeduplicatedRoute("x", "1", [a, b], filter);
  route.push(messageOf(), receipts, 1);
  a.answer(true);
  assert.deepEqual([receipts.storedSequences, receipts.refusedSequences], [[], [1]]);
  assert.equal(route.refuses(1, 0), true);
  b.isFull = false;
  route.push(messageOf(), receipts, 2);
  route.push(messageOf(), receipts, 3);
  assert.deepEqual([a.pushedCount, b.pushedCount, filter.duplicateCount], [2, 2, 1]);
});

test("[deduplication/route] what is only routed is not remembered", () => {
  const filter = newFilter();
  const queue = new SlowQueue();
  const [first, second] = [1, 2].map(() => new DeduplicatedRoute("x", "1", [queue], filter)) as [
    DeduplicatedRoute,
    DeduplicatedRoute,
  ];
  assert.equal(filter.keyCount, 0);
  second.push(messageOf(), undefined, 0);
  first.push(messageOf(), undefined, 0);
  assert.equal(queue.pushedCount, 1);
});

test("[deduplication/receipt] a duplicate waits for what has gathered, and is refused while nothing can be written", async () => {
  const store = new FaultyStore(new MemoryStore());
  const environment = deduplicationEnvironment(store);
  const { barrier } = environment;
  const filter = new WindowFilter(deduplicationOptions(EMPTY_TABLE), 1, environment);
  const route = new DeduplicatedRoute("x", "1", [new SlowQueue()], filter);
  const receipts = new ReceiptBook();
  const persistent = messageOf({ deliveryMode: 2 });
  route.push(persistent, undefined, 0);
  route.push(persistent, receipts, 1);
  route.push(messageOf(), receipts, 2);
  assert.deepEqual(receipts.storedSequences, [2], "a transient one is promised nothing");
  store.failCommits(1, new Error("disk full"));
  barrier.endOfTurn();
  await settled();
  route.push(persistent, receipts, 3);
  assert.deepEqual([receipts.storedSequences, receipts.refusedSequences], [[2], [3]]);
  environment.clock.advance(500);
  barrier.endOfTurn();
  await settled();
  route.push(persistent, receipts, 4);
  assert.deepEqual([receipts.storedSequences, receipts.refusedSequences], [[2, 1, 4], [3]]);
});
