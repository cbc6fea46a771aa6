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
import { MemoryState } from "../../../src/store/memory-state.ts";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import { encodeContent } from "../../../src/wire/content.ts";

const QUEUE_ID = 1;
/** Of 5,000 messages of 130 octets: as many as are gathered before a merge, and those that are full. */
const CHUNKS_MAX = 140;

function messageOf(bodyBytes: number, persistent: boolean): Message {
  const address = Buffer.from("\x00\x01q", "latin1");
  const message = new Message();
  message.buffer = Buffer.concat([address, encodeContent(Buffer.from([0, 0]), Buffer.alloc(bodyBytes), 131_072)]);
  message.addressEnd = address.length;
  message.contentStart = address.length;
  message.contentEnd = message.buffer.length;
  message.bodyBytes = bodyBytes;
  message.persistent = persistent;
  return message;
}

/** Appends as many messages as there are commits and returns how many chunks are in the store. */
async function chunksAfter(commits: number, isPersistent: (number: number) => boolean): Promise<number> {
  const store = new MemoryStore(new MemoryState());
  const barrier = new CommitBarrier(store, new ManualClock(), silentLogger, () => {});
  const environment = { store, barrier, arenas: new ArenaPool(), memory: new MemoryBudget(64 * 1024) };
  const log = new MessageLog(QUEUE_ID, true, environment);
  for (let number = 0; number < commits; number++) {
    log.append(messageOf(100, isPersistent(number)), undefined, 0);
    barrier.endOfTurn();
    await nextTurn();
  }
  assert.equal(log.readyCount, commits);
  let chunkCount = 0;
  store.recover({
    definition() {},
    note() {},
    chunk() {
      chunkCount++;
    },
  });
  return chunkCount;
}

test("[store/merging] a commit for every message leaves few chunks", async () => {
  const chunkCount = await chunksAfter(5_000, () => true);
  assert(chunkCount < CHUNKS_MAX, `${chunkCount} chunks`);
});

test("[store/merging] transient messages between do not keep persistent ones from being merged", async () => {
  const chunkCount = await chunksAfter(5_000, (number) => number % 100 !== 0);
  assert(chunkCount < CHUNKS_MAX, `${chunkCount} chunks`);
});
