import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { CommitBarrier } from "../../../src/core/commit-barrier.ts";
import { Message } from "../../../src/core/message.ts";
import { ARENA_BYTES, type Arena, ArenaPool } from "../../../src/core/queue/arena.ts";
import { MemoryBudget } from "../../../src/core/queue/memory-budget.ts";
import { MessageLog } from "../../../src/core/queue/message-log.ts";
import { RECORD_HEAD_BYTES } from "../../../src/core/queue/record.ts";
import { silentLogger } from "../../../src/lib/logger.ts";
import { ManualClock } from "../../../src/lib/manual-clock.ts";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import { encodeContent } from "../../../src/wire/content.ts";
import { endTurnWithCommit } from "../../support/end-turn-with-commit.ts";

const LARGE_BYTES = 300_000;
const ADDRESS = Buffer.from("\x00\x01q", "latin1");

class Logs {
  readonly store = new MemoryStore();
  readonly barrier = new CommitBarrier(this.store, new ManualClock(), silentLogger, () => {});
  readonly arenas = new ArenaPool();
  readonly memory = new MemoryBudget(1_000_000);
  #lastQueueId = 0;

  open(durable = true): MessageLog {
    return new MessageLog(++this.#lastQueueId, durable, this);
  }

  async commit(): Promise<void> {
    endTurnWithCommit(this.barrier);
    await nextTurn();
  }

  /** A message of `bodyBytes` octets `value` with an arena to itself, as publishes leave it, which the test holds. */
  message(bodyBytes: number, value: number, headroomIsFree = true): { message: Message; arena: Arena } {
    const content = encodeContent(Buffer.from([0, 0]), Buffer.alloc(bodyBytes, value), 131_072);
    const arena = this.arenas.take(RECORD_HEAD_BYTES + ADDRESS.length + content.length);
    arena.hold();
    arena.headroomIsFree = headroomIsFree;
    const message = new Message();
    message.buffer = arena.buffer;
    message.owner = arena;
    message.addressStart = RECORD_HEAD_BYTES;
    message.addressEnd = message.addressStart + ADDRESS.copy(arena.buffer, RECORD_HEAD_BYTES);
    message.contentStart = message.addressEnd;
    message.contentEnd = message.contentStart + content.copy(arena.buffer, message.contentStart);
    message.bodyBytes = bodyBytes;
    message.persistent = true;
    return { message, arena };
  }
}

/** Takes the first message and checks its octets; returns what they are in. */
function takeFirst(log: MessageLog, original: Message): { message: Message; sequence: number } {
  const message = new Message();
  assert(log.peek(message));
  assert.deepEqual(contentOf(message), contentOf(original));
  return { message, sequence: log.take(message) };
}

function contentOf({ buffer, addressStart, contentEnd }: Message): Buffer {
  return Buffer.from(buffer.subarray(addressStart, contentEnd));
}

test("[large messages] are recorded where they are, for every queue that would write the same", () => {
  const logs = new Logs();
  const [one, other] = [logs.open(), logs.open()];
  const { message, arena } = logs.message(LARGE_BYTES, 7);
  for (const log of [one, other]) log.append(message, undefined, 0);
  arena.release();
  for (const log of [one, other]) {
    assert(!arena.isFree);
    const taken = takeFirst(log, message);
    assert.equal(taken.message.buffer, arena.buffer);
    assert.equal(taken.message.owner, arena);
    log.settle(taken.sequence, true, message.bodyBytes);
  }
  assert(arena.isFree);
});

test("[large messages] a record that differs is one of its own", () => {
  const logs = new Logs();
  const [durable, transient, expiring] = [logs.open(), logs.open(false), logs.open()];
  const { message, arena } = logs.message(LARGE_BYTES, 7);
  durable.append(message, undefined, 0);
  transient.append(message, undefined, 0);
  message.expiresAt = 1000;
  expiring.append(message, undefined, 0);
  arena.release();
  const [first, second, third] = [durable, transient, expiring].map((log) => takeFirst(log, message).message);
  assert.deepEqual(
    [first, second, third].map((view) => [view?.persistent, view?.expiresAt, view?.buffer === arena.buffer]),
    [
      [true, 0, true],
      [false, 0, false],
      [true, 1000, false],
    ],
  );
});

test("[large messages] what is in front of a message is left alone unless it is free", () => {
  const logs = new Logs();
  const log = logs.open();
  const { message, arena } = logs.message(LARGE_BYTES, 7, false);
  arena.buffer.fill(9, 0, RECORD_HEAD_BYTES);
  log.append(message, undefined, 0);
  assert.notEqual(takeFirst(log, message).message.buffer, arena.buffer);
  assert(arena.buffer.subarray(0, RECORD_HEAD_BYTES).every((octet) => octet === 9));
});

test("[large messages] keep their order among small ones, in memory and in the store", async () => {
  const logs = new Logs();
  const log = logs.open();
  const sent: Message[] = [];
  for (let number = 0; number < 60; number++) {
    const { message, arena } = logs.message(number % 3 === 0 ? LARGE_BYTES + number : 100 + number, number);
    log.append(message, undefined, 0);
    sent.push(message.detached());
    arena.release();
    // What was sent is no longer anybody's but the log's.
    if (arena.isFree) arena.buffer.fill(0xff);
    if (number % 7 === 0) await logs.commit();
  }
  await logs.commit();
  assert(logs.memory.usedBytes < 4 * LARGE_BYTES, "what is stored is not in memory as well");
  for (const message of sent) log.settle(takeFirst(log, message).sequence, true, message.bodyBytes);
  assert.equal(log.readyCount, 0);
});

test("[arenas] one that is free is used again for about as much, and not for much less", () => {
  const arenas = new ArenaPool();
  const used = [ARENA_BYTES, 300_000, 5_000_000].map((bytes) => arenas.take(bytes));
  for (const arena of used) {
    arena.hold();
    arena.release();
  }
  const [usual, large, larger] = used;
  assert.equal(arenas.take(1000), usual);
  assert.notEqual(arenas.take(1_000_000), larger);
  assert.equal(arenas.take(4_000_000), larger);
  assert.equal(arenas.take(200_000), large);
  assert.notEqual(arenas.take(200_000), large);
});

test("[arenas] one that is free cannot be held", () => {
  const arena = new ArenaPool().take(300_000);
  arena.hold();
  arena.release();
  assert.throws(() => arena.hold(), { name: "AssertionError" });
});
