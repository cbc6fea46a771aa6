import assert from "node:assert/strict";
import { test } from "node:test";
import { Message } from "../../../src/core/message.ts";
import type { QueueType } from "../../../src/core/queue-type.ts";
import { MemoryState } from "../../../src/store/memory-state.ts";
import { contentPropertiesEnd, contentPropertiesStart } from "../../../src/wire/content.ts";
import { tableFrom } from "../../../src/wire/field-table.ts";
import { decodeProperties } from "../../../src/wire/properties.ts";
import { SeededRandom } from "../../fuzz/seeded-random.ts";
import { bodyOf, QueueBench } from "./queue-bench.ts";

const STEPS = 2_000;
/** How many random runs each profile gets; `npm run seeds` asks for more. */
const RUNS = Number(process.env["LEVERET_MODEL_RUNS"] ?? 1);

/** The features a run combines. */
interface Profile {
  readonly type: QueueType;
  /** 0: priorities mean nothing. */
  readonly priorityMax: number;
  readonly priorityDefault: number;
  readonly lengthMax: number;
  readonly deliveryLimit: number;
  /** 0: no delayed retry. */
  readonly retryMin: number;
  readonly retryMax: number;
  readonly expires: boolean;
}

const PLAIN: Profile = {
  type: "classic",
  priorityMax: 0,
  priorityDefault: 0,
  lengthMax: Number.POSITIVE_INFINITY,
  deliveryLimit: Number.POSITIVE_INFINITY,
  retryMin: 0,
  retryMax: 0,
  expires: false,
};

const QUORUM: Profile = { ...PLAIN, type: "quorum", priorityMax: 31, priorityDefault: 4, deliveryLimit: 20 };

const PROFILES: Readonly<Record<string, Profile>> = {
  classic: { ...PLAIN, lengthMax: 12, expires: true },
  "classic with priorities": { ...PLAIN, priorityMax: 5, lengthMax: 15, expires: true },
  "classic with delayed retry": { ...PLAIN, lengthMax: 15, retryMin: 100, retryMax: 250, expires: true },
  quorum: { ...QUORUM, deliveryLimit: 2 },
  "quorum with everything": {
    ...QUORUM,
    lengthMax: 15,
    deliveryLimit: 3,
    retryMin: 100,
    retryMax: 250,
    expires: true,
  },
};

interface Entry {
  readonly body: string;
  readonly number: number;
  readonly priority: number;
  /** Infinity: never. */
  readonly expiresAt: number;
  state: "ready" | "taken" | "held";
  redelivered: boolean;
  /** When it came back, where that is what orders returned messages. */
  turn: number | undefined;
  dueAt: number;
  acquiredCount: number;
  failedCount: number;
  sequence: number;
  /** As the queue keeps it. */
  persistent: boolean;
}

type Entries = readonly Entry[];

/** A queue beside a list that does the same. */
class Model {
  readonly random: SeededRandom;
  readonly profile: Profile;
  readonly bench: QueueBench;
  readonly message = new Message();
  /** In order of publishing. */
  entries: Entry[] = [];
  readonly dead: { body: string; reason: string }[] = [];
  nextNumber = 0;
  nextTurn = 0;
  /** Milliseconds; even when something is done, so that nothing expires when something else comes back. */
  now: number;

  constructor(random: SeededRandom, profile: Profile) {
    this.random = random;
    this.profile = profile;
    this.bench = new QueueBench(queueArguments(profile), true, new MemoryState(), { type: profile.type });
    this.now = this.bench.clock.now();
  }

  // --- what a queue does, said simply ---

  ready(): Entry[] {
    return this.entries.filter(({ state }) => state === "ready");
  }

  /** Those that are served first to last. */
  inOrder(entries: Entries): Entry[] {
    const turnOf = ({ turn }: Entry): number => turn ?? Number.POSITIVE_INFINITY;
    return [...entries].sort((a, b) => {
      if (a.turn !== b.turn) return turnOf(a) - turnOf(b);
      return b.priority - a.priority || a.number - b.number;
    });
  }

  /** The messages that may expire: the first of all, or of each priority of a quorum queue. */
  heads(): Entry[] {
    const ready = this.ready();
    if (this.profile.type === "classic") return this.inOrder(ready).slice(0, 1);
    const priorities = [...new Set(ready.map(({ priority }) => priority))];
    return priorities.map((priority) => this.inOrder(ready.filter((entry) => entry.priority === priority))[0] as Entry);
  }

  die(entry: Entry, reason: string): void {
    this.entries.splice(this.entries.indexOf(entry), 1);
    this.dead.push({ body: entry.body, reason });
  }

  expire(): void {
    for (;;) {
      const expired = this.heads().find(({ expiresAt }) => expiresAt <= this.now);
      if (expired === undefined) return;
      this.die(expired, "expired");
    }
  }

  dropExcess(): void {
    for (;;) {
      const held = this.entries.filter(({ state }) => state === "held").length;
      const ready = this.inOrder(this.ready());
      if (ready.length + held <= this.profile.lengthMax || ready[0] === undefined) return;
      this.die(ready[0], "maxlen");
    }
  }

  dropDead(): void {
    this.expire();
    this.dropExcess();
    this.expire();
  }

  comeBack(entry: Entry): void {
    entry.state = "ready";
    if (this.profile.type === "quorum") entry.turn = this.nextTurn++;
  }

  // --- steps ---

  push(): void {
    const { random, profile } = this;
    const number = this.nextNumber++;
    const body = `${number}`;
    const asked = random.chance(0.2) ? undefined : random.integer(0, random.pick([2, 8, 40]));
    const expiresIn = profile.expires && random.chance(0.5) ? 2 * random.integer(0, 300) + 1 : undefined;
    this.bench.push(body, {
      persistent: random.chance(0.7),
      ...(asked === undefined ? {} : { priority: asked }),
      ...(expiresIn === undefined ? {} : { expiresIn }),
    });
    this.entries.push({
      body,
      number,
      priority: Math.min(asked ?? profile.priorityDefault, profile.priorityMax),
      expiresAt: expiresIn === undefined ? Number.POSITIVE_INFINITY : this.now + expiresIn,
      state: "ready",
      redelivered: false,
      turn: undefined,
      dueAt: 0,
      acquiredCount: 0,
      failedCount: 0,
      sequence: -1,
      persistent: false,
    });
    this.dropDead();
  }

  get(): void {
    const expected = this.inOrder(this.ready())[0];
    const { queue } = this.bench;
    const sequence = queue.get(this.message);
    assert.equal(sequence >= 0, expected !== undefined);
    if (expected === undefined) return;
    assert.equal(bodyOf(this.message), expected.body);
    assert.equal(queue.gotRedelivered, expected.redelivered, `redelivered of ${expected.body}`);
    assert.deepEqual(this.counts(), [expected.acquiredCount, expected.failedCount]);
    expected.state = "taken";
    expected.turn = undefined;
    expected.sequence = sequence;
    expected.persistent = this.message.persistent;
    expected.redelivered = true;
    this.expire();
  }

  /** x-acquired-count and x-delivery-count of the message at hand. */
  counts(): number[] {
    const { buffer, contentStart } = this.message;
    const start = contentPropertiesStart(contentStart);
    const { headers } = decodeProperties(buffer, start, contentPropertiesEnd(buffer, contentStart));
    return ["x-acquired-count", "x-delivery-count"].map((name) => Number(headers?.get(name)?.value ?? 0));
  }

  anyTaken(): Entry | undefined {
    const taken = this.entries.filter(({ state }) => state === "taken");
    return taken.length === 0 ? undefined : this.random.pick(taken);
  }

  acknowledge(): void {
    const entry = this.anyTaken();
    if (entry === undefined) return;
    this.bench.queue.settle(entry.sequence, entry.persistent, entry.body.length);
    this.entries.splice(this.entries.indexOf(entry), 1);
  }

  reject(): void {
    const entry = this.anyTaken();
    if (entry === undefined) return;
    this.bench.queue.reject(entry.sequence, entry.persistent, entry.body.length);
    this.die(entry, "rejected");
  }

  requeue(): void {
    const entry = this.anyTaken();
    if (entry === undefined) return;
    const failed = this.random.chance(0.6);
    this.bench.queue.requeue(entry.sequence, entry.persistent, entry.body.length, failed);
    const { type, deliveryLimit, retryMin, retryMax } = this.profile;
    if (failed && entry.failedCount + 1 > deliveryLimit) {
      this.die(entry, "delivery_limit");
      return;
    }
    if (type === "quorum" || retryMin > 0) {
      entry.acquiredCount++;
      if (failed) entry.failedCount++;
    }
    if (retryMin > 0) {
      entry.state = "held";
      entry.dueAt = this.now + Math.min(retryMin * Math.max(1, entry.failedCount), retryMax);
    } else {
      this.comeBack(entry);
    }
    this.dropDead();
  }

  pass(): void {
    const end = this.now + this.random.pick([2, 20, 50, 150]);
    this.bench.clock.advance(end - this.now);
    // One time after the other: what comes back may stand before what expires later.
    const times = this.entries.flatMap(({ dueAt, expiresAt }) => [dueAt, expiresAt]);
    for (const time of [...times.filter((time) => time <= end), end].sort((a, b) => a - b)) {
      this.now = Math.max(this.now, time);
      this.#release();
      this.expire();
    }
  }

  #release(): void {
    const due = this.entries.filter(({ state, dueAt }) => state === "held" && dueAt <= this.now);
    due.sort((a, b) => a.priority - b.priority || a.number - b.number);
    for (const entry of due) this.comeBack(entry);
  }

  purge(): void {
    const gone = this.entries.filter(({ state }) => state !== "taken");
    assert.equal(this.bench.queue.purge(), gone.length);
    this.entries = this.entries.filter(({ state }) => state === "taken");
  }

  async commit(): Promise<void> {
    await this.bench.settle();
  }

  check(): void {
    const { queue, graveyard } = this.bench;
    const count = (wanted: string): number => this.entries.filter(({ state }) => state === wanted).length;
    assert.deepEqual(
      { ready: queue.readyCount, unacked: queue.unackedCount, delayed: queue.delayedCount },
      { ready: count("ready"), unacked: count("taken"), delayed: count("held") },
    );
    assert.equal(
      queue.readyBytes,
      this.ready().reduce((sum, { body }) => sum + body.length, 0),
    );
    assert.deepEqual(sorted(graveyard.dead), sorted(this.dead));
  }

  async step(): Promise<void> {
    let at = this.random.integer(0, TOTAL_WEIGHT - 1);
    for (const [operation, weight] of Object.entries(WEIGHTS)) {
      at -= weight;
      if (at >= 0) continue;
      await this[operation as "push"]();
      return;
    }
  }
}

const WEIGHTS = { push: 60, get: 50, acknowledge: 15, reject: 6, requeue: 25, pass: 12, purge: 1, commit: 6 } as const;
const TOTAL_WEIGHT = Object.values(WEIGHTS).reduce((sum, weight) => sum + weight, 0);

function sorted(dead: readonly { body: string; reason: string }[]): string[] {
  return dead.map(({ body, reason }) => `${body} ${reason}`).sort();
}

function queueArguments(profile: Profile): ReturnType<typeof tableFrom> {
  const { type, priorityMax, lengthMax, deliveryLimit, retryMin, retryMax } = profile;
  return tableFrom({
    "x-dead-letter-exchange": "dlx",
    ...(Number.isFinite(lengthMax) ? { "x-max-length": lengthMax } : {}),
    ...(type === "quorum" ? { "x-delivery-limit": deliveryLimit } : {}),
    ...(type === "classic" && priorityMax > 0 ? { "x-max-priority": priorityMax } : {}),
    ...(retryMin > 0
      ? { "x-delayed-retry-type": "all", "x-delayed-retry-min": retryMin, "x-delayed-retry-max": retryMax }
      : {}),
  });
}

for (const [name, profile] of Object.entries(PROFILES)) {
  test(`[queue] equals a plain list: ${name}`, async () => {
    for (let run = 0; run < RUNS; run++) await compare(profile);
  });
}

async function compare(profile: Profile): Promise<void> {
  const seed = Number(process.env["LEVERET_MODEL_SEED"] ?? SeededRandom.anySeed());
  try {
    const model = new Model(new SeededRandom(seed), profile);
    for (let step = 0; step < STEPS; step++) {
      await model.step();
      model.check();
    }
    while (model.entries.length > 0) {
      model.get();
      model.acknowledge();
      model.pass();
    }
    model.check();
    await model.commit();
    assert.equal(model.bench.memory.usedBytes, 0, "an empty queue holds no memory");
  } catch (error) {
    console.error(`replay with LEVERET_MODEL_SEED=${seed}`);
    throw error;
  }
}
