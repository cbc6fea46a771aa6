import { CommitBarrier } from "../../../src/core/commit-barrier.ts";
import type { MessageHistory, MessageHistoryOptions } from "../../../src/core/message-history.ts";
import type { Store } from "../../../src/core/ports.ts";
import { ArenaPool } from "../../../src/core/queue/arena.ts";
import { HistoryLog } from "../../../src/core/queue/history-log.ts";
import { MemoryBudget } from "../../../src/core/queue/memory-budget.ts";
import { silentLogger } from "../../../src/lib/logger.ts";
import { ManualClock } from "../../../src/lib/manual-clock.ts";
import { MemoryStore } from "../../../src/store/memory-store.ts";

const MEMORY_BYTES_MAX = 1024 * 1024;

/** A history over a store that is new unless given; `barrier` commits what it has to store. */
export function memoryHistory(
  options: MessageHistoryOptions,
  store: Store = new MemoryStore(),
  barrier = new CommitBarrier(store, new ManualClock(), silentLogger, () => {}),
): MessageHistory {
  return new HistoryLog(options, {
    store,
    barrier,
    arenas: new ArenaPool(),
    memory: new MemoryBudget(MEMORY_BYTES_MAX),
  });
}
