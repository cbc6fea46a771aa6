import assert from "node:assert/strict";
import { test } from "node:test";
import { CommitBarrier } from "../../../src/core/commit-barrier.ts";
import { Message } from "../../../src/core/message.ts";
import { ArenaPool } from "../../../src/core/queue/arena.ts";
import { MemoryBudget } from "../../../src/core/queue/memory-budget.ts";
import { MessageLog } from "../../../src/core/queue/message-log.ts";
import { readDeliveredMark, readNoteKey } from "../../../src/core/queue/notes.ts";
import type { Receipt } from "../../../src/core/receipt.ts";
import { silentLogger } from "../../../src/lib/logger.ts";
import { ManualClock } from "../../../src/lib/manual-clock.ts";
import { MemoryState } from "../../../src/store/memory-state.ts";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import { contentBody } from "../../../src/wire/content.ts";
import type { SeededRandom } from "../../fuzz/seeded-random.ts";
import { endTurnWithCommit } from "../../support/end-turn-with-commit.ts";
import { FaultyStore } from "../../support/faulty-store.ts";
import { messageTo } from "../../support/messages.ts";
import { withSeed } from "../../support/with-seed.ts";

const QUEUE_ID = 7;
const STEPS = 3_000;
/** How many random runs each profile gets; `npm run seeds` asks for more. */
const RUNS = Number(process.env["LEVERET_MODEL_RUNS"] ?? 1);

/** A message as the model keeps it. */
interface Entry {
  readonly number: number;
  readonly persistent: boolean;
  readonly body: string;
  state: "ready" | "taken" | "settled";
  redelivered: boolean;
  /** Whether a receipt has come: durable, or settled, or transient. */
  safe: boolean;
  refused: boolean;
  sequence: number;
}

/** A message log beside a list that does the same. */
class Model {
  readonly state = new MemoryState();
  readonly clock = new ManualClock();
  readonly view = new Message();
  readonly random: SeededRandom;
  readonly bodyBytesMax: number;
  entries: Entry[] = [];
  store!: FaultyStore;
  barrier!: CommitBarrier;
  log!: MessageLog;
  memory!: MemoryBudget;
  nextNumber = 0;
  readonly receipt: Receipt = {
    stored: (number) => {
      const entry = this.byNumber(number);
      assert(!entry.safe && !entry.refused, `message ${number} is reported once`);
      entry.safe = true;
    },
    refused: (number) => {
      const entry = this.byNumber(number);
      assert(!entry.safe && !entry.refused, `message ${number} is reported once`);
      entry.refused = true;
    },
  };

  constructor(random: SeededRandom, bodyBytesMax: number) {
    this.random = random;
    this.bodyBytesMax = bodyBytesMax;
    this.open();
  }

  byNumber(number: number): Entry {
    return this.entries.find((entry) => entry.number === number) as Entry;
  }

  /** Starts anew on what is durable. */
  open(): void {
    this.store = new FaultyStore(new MemoryStore(this.state));
    this.barrier = new CommitBarrier(this.store, this.clock, silentLogger, () => {});
    this.memory = new MemoryBudget(64 * 1024);
    this.log = new MessageLog(QUEUE_ID, true, {
      store: this.store,
      barrier: this.barrier,
      arenas: new ArenaPool(),
      memory: this.memory,
    });
    this.store.recover({
      definition() {},
      note: (queueId, key, value) => {
        assert.equal(queueId, QUEUE_ID);
        const note = readNoteKey(key);
        assert(note?.kind === "delivered");
        this.log.recoverDelivered(note.lane, readDeliveredMark(value));
      },
      chunk: (_queueId, chunk, settlement) => this.log.recoverChunk(chunk, settlement),
    });
  }

  append(): void {
    const number = this.nextNumber++;
    const persistent = this.random.below(4) > 0;
    const body = `${number}:${"x".repeat(this.random.below(this.bodyBytesMax))}`;
    const message = messageTo("q", body, persistent);
    message.publishedAt = 1_700_000_000_000 + number;
    const entry: Entry = {
      number,
      persistent,
      body,
      state: "ready",
      redelivered: false,
      safe: false,
      refused: false,
      sequence: -1,
    };
    this.entries.push(entry);
    entry.sequence = this.log.append(message, this.receipt, number);
    if (!persistent) assert(entry.safe, "a transient message is reported at once");
  }

  take(): void {
    const expected = this.entries.find((entry) => entry.state === "ready");
    const found = this.log.peek(this.view);
    assert.equal(found, expected !== undefined);
    if (expected === undefined) return;
    const { buffer, contentStart, contentEnd, publishedAt } = this.view;
    assert.equal(contentBody(buffer, contentStart, contentEnd).toString(), expected.body);
    assert.equal(publishedAt, 1_700_000_000_000 + expected.number);
    assert.equal(this.log.peekedRedelivered, expected.redelivered, `redelivered of ${expected.number}`);
    expected.sequence = this.log.take(this.view);
    expected.state = "taken";
    expected.redelivered = true;
  }

  settle(): void {
    const taken = this.entries.filter((entry) => entry.state === "taken");
    const entry = taken[this.random.below(3) === 0 ? this.random.below(Math.max(1, taken.length)) : 0];
    if (entry === undefined) return;
    entry.state = "settled";
    this.log.settle(entry.sequence, entry.persistent, entry.body.length);
    assert(entry.safe || entry.refused, "a settled message is reported at once");
  }

  requeue(): void {
    const taken = this.entries.filter((entry) => entry.state === "taken");
    const entry = taken[this.random.below(Math.max(1, taken.length))];
    if (entry === undefined) return;
    entry.state = "ready";
    this.log.requeue(entry.sequence, entry.body.length);
  }

  purge(): void {
    const ready = this.entries.filter((entry) => entry.state === "ready");
    assert.equal(this.log.purge(this.view), ready.length);
    for (const entry of ready) entry.state = "settled";
  }

  /** A commit begins only if the log has something that somebody may wait for. */
  async turn(): Promise<void> {
    this.barrier.endOfTurn();
    await new Promise((resolve) => setImmediate(resolve));
  }

  async commit(): Promise<void> {
    endTurnWithCommit(this.barrier);
    await new Promise((resolve) => setImmediate(resolve));
    this.clock.advance(1000);
    endTurnWithCommit(this.barrier);
    await new Promise((resolve) => setImmediate(resolve));
  }

  async fail(): Promise<void> {
    this.store.failCommits(1, new Error("disk full"));
    endTurnWithCommit(this.barrier);
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
  }

  async restart(): Promise<void> {
    await this.commit();
    await this.commit();
    for (const entry of this.entries) {
      if (entry.persistent) assert(entry.safe || entry.refused, `message ${entry.number} is reported`);
    }
    // What was taken last has been delivered; what was not delivered before is not marked.
    this.entries = this.entries.filter((entry) => entry.persistent && entry.state !== "settled");
    for (const entry of this.entries) entry.state = "ready";
    this.open();
  }

  check(): void {
    const ready = this.entries.filter((entry) => entry.state === "ready");
    assert.equal(this.log.readyCount, ready.length);
    assert.equal(
      this.log.readyBytes,
      ready.reduce((sum, entry) => sum + entry.body.length, 0),
    );
    assert.equal(this.log.unsettledCount, this.entries.filter((entry) => entry.state === "taken").length);
    this.entries = this.entries.filter((entry) => entry.state !== "settled");
  }

  async step(weights: Readonly<Record<string, number>>): Promise<void> {
    const total = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
    let at = this.random.below(total);
    for (const [operation, weight] of Object.entries(weights)) {
      at -= weight;
      if (at < 0) {
        await this[operation as "append"]();
        return;
      }
    }
  }
}

const PROFILES = {
  "small commits that are merged": { append: 60, take: 12, settle: 8, requeue: 4, turn: 20, commit: 60, restart: 1 },
  "a backlog beyond memory": { append: 90, take: 30, settle: 20, requeue: 5, turn: 4, commit: 8, restart: 1 },
  "a consumer that keeps up": { append: 40, take: 45, settle: 40, requeue: 5, turn: 30, commit: 12, restart: 1 },
  "a disk that fails": { append: 40, take: 25, settle: 20, requeue: 5, turn: 8, commit: 8, fail: 4, restart: 1 },
  purges: { append: 60, take: 15, settle: 5, requeue: 5, commit: 10, purge: 2, restart: 1 },
  "purges of merged chunks": { append: 120, take: 16, settle: 6, requeue: 4, commit: 160, purge: 2 },
} as const;

for (const [name, weights] of Object.entries(PROFILES)) {
  test(`[message log] equals a plain list: ${name}`, async () => {
    for (let run = 0; run < RUNS; run++) await compare(name, weights);
  });
}

async function compare(name: string, weights: Readonly<Record<string, number>>): Promise<void> {
  await withSeed(async (random) => {
    const model = new Model(random, name === "a backlog beyond memory" ? 3_000 : 200);
    for (let step = 0; step < STEPS; step++) {
      await model.step(weights);
      model.check();
    }
    await model.restart();
    while (model.log.readyCount > 0) {
      model.take();
      model.settle();
    }
    model.check();
    await model.commit();
    await model.commit();
    assert.equal(model.memory.usedBytes, 0, "an empty log holds no memory");
    assert.equal(model.barrier.pendingBytes, 0);
  });
}
