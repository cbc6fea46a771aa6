import assert from "node:assert/strict";
import { test } from "node:test";
import { CommitBarrier } from "../../../src/core/commit-barrier.ts";
import { Message, NO_PRIORITY } from "../../../src/core/message.ts";
import { ArenaPool } from "../../../src/core/queue/arena.ts";
import { MemoryBudget } from "../../../src/core/queue/memory-budget.ts";
import { readDeliveredMark, readNoteKey } from "../../../src/core/queue/notes.ts";
import { PriorityLog } from "../../../src/core/queue/priority-log.ts";
import { silentLogger } from "../../../src/lib/logger.ts";
import { ManualClock } from "../../../src/lib/manual-clock.ts";
import { MemoryState } from "../../../src/store/memory-state.ts";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import { contentBody } from "../../../src/wire/content.ts";
import type { SeededRandom } from "../../fuzz/seeded-random.ts";
import { endTurnWithCommit } from "../../support/end-turn-with-commit.ts";
import { messageTo } from "../../support/messages.ts";
import { withSeed } from "../../support/with-seed.ts";

const QUEUE_ID = 7;
const STEPS = 3_000;
/** How many random runs each kind gets; `npm run seeds` asks for more. */
const RUNS = Number(process.env["LEVERET_MODEL_RUNS"] ?? 1);

const CLASSIC = { priorityMax: 5, priorityDefault: 0, isQuorum: false };
const QUORUM = { priorityMax: 31, priorityDefault: 4, isQuorum: true };

interface Entry {
  readonly number: number;
  readonly body: string;
  /** As it counts. */
  readonly priority: number;
  readonly persistent: boolean;
  state: "ready" | "taken";
  redelivered: boolean;
  /** When it came back; undefined unless it is ready again in turn. */
  turn: number | undefined;
  sequence: number;
}

/** A priority log beside a list that does the same. */
class Model {
  readonly state = new MemoryState();
  readonly clock = new ManualClock();
  readonly view = new Message();
  readonly random: SeededRandom;
  readonly options: typeof CLASSIC;
  entries: Entry[] = [];
  nextNumber = 0;
  nextTurn = 0;
  barrier!: CommitBarrier;
  log!: PriorityLog;
  memory!: MemoryBudget;

  constructor(random: SeededRandom, options: typeof CLASSIC) {
    this.random = random;
    this.options = options;
    this.open();
  }

  open(): void {
    const store = new MemoryStore(this.state);
    this.barrier = new CommitBarrier(store, this.clock, silentLogger, () => {});
    this.memory = new MemoryBudget(64 * 1024);
    const environment = { store, barrier: this.barrier, arenas: new ArenaPool(), memory: this.memory };
    this.log = new PriorityLog(QUEUE_ID, true, environment, this.options);
    store.recover({
      definition() {},
      note: (_queueId, key, value) => {
        const note = readNoteKey(key);
        assert(note?.kind === "delivered");
        this.log.recoverDelivered(note.lane, readDeliveredMark(value));
      },
      chunk: (_queueId, chunk, settlement) => this.log.recoverChunk(chunk, settlement),
    });
  }

  /** What is served next. */
  get next(): Entry | undefined {
    const ready = this.entries.filter(({ state }) => state === "ready");
    const returned = ready.filter(({ turn }) => turn !== undefined);
    if (returned.length > 0) return returned.sort((a, b) => (a.turn as number) - (b.turn as number))[0];
    return ready.sort((a, b) => b.priority - a.priority || a.number - b.number)[0];
  }

  append(): void {
    const number = this.nextNumber++;
    const asked = this.random.chance(0.2) ? NO_PRIORITY : this.random.integer(0, this.random.pick([2, 8, 40]));
    const { priorityDefault, priorityMax } = this.options;
    const priority = asked === NO_PRIORITY ? priorityDefault : Math.min(asked, priorityMax);
    const persistent = this.random.chance(0.8);
    const body = `${number}:${"x".repeat(this.random.integer(0, 200))}`;
    const message = messageTo("q", body, persistent);
    message.priority = asked;
    const sequence = this.log.append(message, undefined, 0);
    this.entries.push({
      number,
      body,
      priority,
      persistent,
      state: "ready",
      redelivered: false,
      turn: undefined,
      sequence,
    });
  }

  take(): void {
    const expected = this.next;
    assert.equal(this.log.peek(this.view), expected !== undefined);
    if (expected === undefined) return;
    const { buffer, contentStart, contentEnd } = this.view;
    assert.equal(contentBody(buffer, contentStart, contentEnd).toString(), expected.body);
    assert.equal(this.log.peekedRedelivered, expected.redelivered, `redelivered of ${expected.number}`);
    assert.equal(this.log.take(this.view), expected.sequence);
    expected.state = "taken";
    expected.redelivered = true;
    expected.turn = undefined;
  }

  #anyTaken(): Entry | undefined {
    const taken = this.entries.filter(({ state }) => state === "taken");
    return taken.length === 0 ? undefined : this.random.pick(taken);
  }

  settle(): void {
    const entry = this.#anyTaken();
    if (entry === undefined) return;
    this.log.settle(entry.sequence, entry.persistent, entry.body.length);
    this.entries.splice(this.entries.indexOf(entry), 1);
  }

  requeue(): void {
    const entry = this.#anyTaken();
    if (entry === undefined) return;
    this.log.requeue(entry.sequence, entry.body.length);
    entry.state = "ready";
    if (this.options.isQuorum) entry.turn = this.nextTurn++;
  }

  read(): void {
    const entry = this.#anyTaken();
    if (entry === undefined) return;
    this.log.read(entry.sequence, this.view);
    const { buffer, contentStart, contentEnd } = this.view;
    assert.equal(contentBody(buffer, contentStart, contentEnd).toString(), entry.body);
  }

  purge(): void {
    const ready = this.entries.filter(({ state }) => state === "ready");
    assert.equal(this.log.purge(this.view), ready.length);
    this.entries = this.entries.filter(({ state }) => state !== "ready");
  }

  async commit(): Promise<void> {
    endTurnWithCommit(this.barrier);
    await new Promise((resolve) => setImmediate(resolve));
    this.clock.advance(1000);
    endTurnWithCommit(this.barrier);
    await new Promise((resolve) => setImmediate(resolve));
  }

  async restart(): Promise<void> {
    await this.commit();
    await this.commit();
    this.entries = this.entries.filter(({ persistent }) => persistent);
    for (const entry of this.entries) {
      entry.state = "ready";
      entry.turn = undefined;
    }
    this.open();
  }

  check(): void {
    const ready = this.entries.filter(({ state }) => state === "ready");
    assert.equal(this.log.readyCount, ready.length);
    assert.equal(
      this.log.readyBytes,
      ready.reduce((sum, { body }) => sum + body.length, 0),
    );
    assert.equal(this.log.unsettledCount, this.entries.length - ready.length);
  }

  async step(weights: Readonly<Record<string, number>>): Promise<void> {
    let at = this.random.integer(0, Object.values(weights).reduce((sum, weight) => sum + weight, 0) - 1);
    for (const [operation, weight] of Object.entries(weights)) {
      at -= weight;
      if (at >= 0) continue;
      await this[operation as "append"]();
      return;
    }
  }
}

const PROFILES = {
  "a queue that grows": { append: 60, take: 30, settle: 12, requeue: 10, read: 2, commit: 12, restart: 1 },
  "a queue that is kept short": { append: 40, take: 45, settle: 35, requeue: 15, commit: 12, restart: 1 },
  "many returns": { append: 20, take: 60, settle: 8, requeue: 50, commit: 6 },
  purges: { append: 60, take: 20, settle: 8, requeue: 8, commit: 10, purge: 2, restart: 1 },
} as const;

for (const [kind, options] of [
  ["classic", CLASSIC],
  ["quorum", QUORUM],
] as const) {
  for (const [name, weights] of Object.entries(PROFILES)) {
    test(`[priority log/${kind}] equals a plain list: ${name}`, async () => {
      for (let run = 0; run < RUNS; run++) await compare(options, weights);
    });
  }
}

async function compare(options: typeof CLASSIC, weights: Readonly<Record<string, number>>): Promise<void> {
  await withSeed(async (random) => {
    const model = new Model(random, options);
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
    assert.equal(model.entries.length, 0, "nothing is left over");
    await model.commit();
    await model.commit();
    assert.equal(model.memory.usedBytes, 0, "an empty log holds no memory");
  });
}
