import assert from "node:assert/strict";
import { test } from "node:test";
import { Message } from "../../../src/core/message.ts";
import { MemoryState } from "../../../src/store/memory-state.ts";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import { contentPropertiesEnd, contentPropertiesStart } from "../../../src/wire/content.ts";
import { EMPTY_TABLE, type FieldTable, long, longstr, tableFrom } from "../../../src/wire/field-table.ts";
import { decodeProperties } from "../../../src/wire/properties.ts";
import { messageTo } from "../../support/messages.ts";
import { QueueBench } from "./queue-bench.ts";

/** More than one note holds. */
const LONG = "x".repeat(3000);
/** Three of these are more than a message may get by being returned. */
const HUGE = "x".repeat(15 * 1024);

function open(state: MemoryState, type: "quorum" | "classic" = "quorum"): QueueBench {
  return new QueueBench(tableFrom({ "x-dead-letter-exchange": "dlx" }), true, state, { type });
}

async function restarted(before: QueueBench, state: MemoryState): Promise<QueueBench> {
  await before.settle();
  const after = open(state);
  after.recover();
  await after.settle();
  return after;
}

interface Taken {
  readonly sequence: number;
  readonly bodyBytes: number;
  readonly headers: FieldTable;
}

function take({ queue }: QueueBench): Taken {
  const message = new Message();
  const sequence = queue.get(message);
  assert(sequence >= 0);
  return { sequence, bodyBytes: message.bodyBytes, headers: headersOf(message) };
}

function headersOf({ buffer, contentStart }: Message): FieldTable {
  const end = contentPropertiesEnd(buffer, contentStart);
  return decodeProperties(buffer, contentPropertiesStart(contentStart), end).headers ?? EMPTY_TABLE;
}

function requeue(bench: QueueBench, headers: Readonly<Record<string, string>>): void {
  const { sequence, bodyBytes } = take(bench);
  bench.queue.requeue(sequence, true, bodyBytes, false, tableFrom(headers));
}

function noteCount(state: MemoryState): number {
  let count = 0;
  new MemoryStore(state).recover({ definition() {}, chunk() {}, note: () => count++ });
  return count;
}

test("[quorum/returned headers] are laid over those of the message, the latest on top", () => {
  const bench = open(new MemoryState());
  const headers = tableFrom({ one: "sent", two: "sent", three: "sent" });
  bench.queue.push(messageTo("q", "a", true, headers), undefined, 0);
  requeue(bench, { two: "first", three: "first" });
  requeue(bench, { three: "second" });
  const taken = take(bench);
  assert.deepEqual(
    ["one", "two", "three"].map((name) => taken.headers.get(name)?.value),
    ["sent", "first", "second"],
  );
});

test("[quorum/delivery-time] a message is delivered again when its receiver wants it, after a restart too", async () => {
  const state = new MemoryState();
  const before = open(state);
  before.push("a");
  const { sequence, bodyBytes } = take(before);
  const time = before.clock.now() + 5_000;
  before.queue.requeue(sequence, true, bodyBytes, false, new Map([["x-opt-delivery-time", long(time)]]));
  assert.deepEqual([before.queue.readyCount, before.queue.delayedCount], [0, 1]);
  const after = await restarted(before, state);
  assert.equal(after.queue.get(new Message()), -1, "not before its time");
  after.clock.advance(5_000);
  const again = take(after);
  const past = new Map([["x-opt-delivery-time", long(1)]]);
  after.queue.requeue(again.sequence, true, again.bodyBytes, false, past);
  assert.equal(after.queue.readyCount, 1, "a time that has passed does not count");
  after.queue.requeue(take(after).sequence, true, bodyBytes, false);
  assert.equal(after.queue.readyCount, 1, "nor does that of an earlier return");
});

test("[quorum/returned headers] a classic queue keeps none", () => {
  const bench = open(new MemoryState(), "classic");
  bench.push("a");
  requeue(bench, { reason: "busy" });
  assert.equal(take(bench).headers.size, 0);
});

test("[quorum/returned headers] survive a restart, long ones and later ones too, and go with their message", async () => {
  const state = new MemoryState();
  const before = open(state);
  before.push("a");
  requeue(before, { reason: "busy", history: LONG });
  const between = await restarted(before, state);
  requeue(between, { reason: "still busy" });
  const after = await restarted(between, state);
  const { sequence, bodyBytes, headers } = take(after);
  assert.deepEqual([headers.get("reason"), headers.get("history")], [longstr("still busy"), longstr(LONG)]);
  after.queue.settle(sequence, true, bodyBytes);
  await after.settle();
  assert.ok(noteCount(state) <= 1, "at most the mark of what was delivered");
});

test("[quorum/returned headers] what gets shorter leaves nothing of what was longer", async () => {
  const state = new MemoryState();
  const before = open(state);
  before.push("a");
  requeue(before, { history: LONG });
  await before.settle();
  requeue(before, { history: "short" });
  const after = await restarted(before, state);
  assert.deepEqual(take(after).headers.get("history"), longstr("short"));
});

test("[quorum/returned headers] of too many the latest are kept", () => {
  const bench = open(new MemoryState());
  bench.push("a");
  for (const name of ["one", "two", "three"]) requeue(bench, { [name]: HUGE });
  const { headers } = take(bench);
  assert.deepEqual([headers.has("one"), headers.has("two"), headers.has("three")], [false, false, true]);
});

test("[quorum/returned headers] a dead letter has them, those that come with the rejection included", async () => {
  const state = new MemoryState();
  const before = open(state);
  before.push("a");
  requeue(before, { one: "returned" });
  const after = await restarted(before, state);
  const { sequence, bodyBytes } = take(after);
  after.queue.reject(sequence, true, bodyBytes, tableFrom({ two: "rejected" }));
  assert.deepEqual(
    after.graveyard.messages.map(headersOf).map((headers) => [headers.get("one")?.value, headers.get("two")?.value]),
    [["returned", "rejected"]],
  );
});
