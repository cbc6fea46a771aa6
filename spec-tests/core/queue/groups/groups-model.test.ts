import assert from "node:assert/strict";
import { test } from "node:test";
import type { QueueType } from "../../../../src/core/queue-type.ts";
import type { SeededRandom } from "../../../fuzz/seeded-random.ts";
import { withSeed } from "../../../support/with-seed.ts";
import { bodyOf } from "../queue-bench.ts";
import { type Delivery, GroupBench, type Worker } from "./group-bench.ts";

const STEPS = 1_500;
/** How many random runs each profile gets; `npm run seeds` asks for more. */
const RUNS = Number(process.env["LEVERET_MODEL_RUNS"] ?? 1);

/** The features a run combines. */
interface Profile {
  readonly type: QueueType;
  readonly groups: number;
  readonly expires: boolean;
  readonly lengthMax: number;
  /** Milliseconds; 0: no delayed retry. */
  readonly retryMin: number;
  readonly restarts: boolean;
}

const PLAIN: Profile = {
  type: "classic",
  groups: 6,
  expires: false,
  lengthMax: Number.POSITIVE_INFINITY,
  retryMin: 0,
  restarts: true,
};

const PROFILES: Readonly<Record<string, Profile>> = {
  classic: PLAIN,
  quorum: { ...PLAIN, type: "quorum" },
  "one group": { ...PLAIN, groups: 1 },
  "many groups": { ...PLAIN, groups: 200 },
  expiry: { ...PLAIN, expires: true },
  "a length limit": { ...PLAIN, lengthMax: 12, expires: true },
  "delayed retry": { ...PLAIN, retryMin: 100 },
  "quorum with everything": { ...PLAIN, type: "quorum", retryMin: 100, lengthMax: 15, expires: true },
};

interface Entry {
  readonly number: number;
  /** Undefined: in no group. */
  readonly group: string | undefined;
  /** Infinity: never. */
  readonly expiresAt: number;
  readonly persistent: boolean;
  state: "ready" | "unacked" | "held";
  /** Who has it. */
  holder: object | undefined;
  /** Undefined: a restart has left it open. */
  redelivered: boolean | undefined;
  dueAt: number;
  /** A restart has come since, and the queue finds out that it is held when it gets there. */
  heldBeforeRestart: boolean;
}

interface Got extends Delivery {
  readonly holder: object;
}

/** A queue with groups beside a list that knows what may be delivered to whom. */
class Model {
  readonly random: SeededRandom;
  readonly profile: Profile;
  bench: GroupBench;
  /** In order of publishing. */
  entries: Entry[] = [];
  /** Groups of which a message has come back while others were out. */
  readonly recalled = new Set<string>();
  workers: Worker[] = [];
  /** Cancelled ones that have not settled everything. */
  leaving: Worker[] = [];
  readonly getters = [() => {}, () => {}];
  got: Got[] = [];
  nextNumber = 0;
  now: number;

  constructor(random: SeededRandom, profile: Profile) {
    this.random = random;
    this.profile = profile;
    this.bench = new GroupBench(queueArguments(profile), { type: profile.type, durable: true });
    this.now = this.bench.bench.clock.now();
    this.watchDeaths();
  }

  watchDeaths(): void {
    this.bench.bench.graveyard.deadLetter = (message, _queueName, reason) =>
      this.died(this.entry(bodyOf(message)), reason);
  }

  // --- what may be ---

  entry(body: string): Entry {
    const found = this.entries.find(({ number }) => `${number}` === body);
    assert(found !== undefined, `${body} is in the queue`);
    return found;
  }

  of(group: string): Entry[] {
    return this.entries.filter((entry) => entry.group === group);
  }

  /** Why `entry` must not go to `holder`; undefined when it may. */
  objection(entry: Entry, holder: object): string | undefined {
    if (entry.state !== "ready") return `it is ${entry.state}`;
    if (this.leaving.some((worker) => worker === holder)) return "its consumer takes nothing any more";
    const { group } = entry;
    if (group === undefined) {
      const before = this.entries.find((other) => other.group === undefined && other.state === "ready");
      return before === entry ? undefined : `${before?.number} comes before it`;
    }
    if (this.recalled.has(group)) return "its group is recalled";
    for (const other of this.of(group)) {
      const isBefore = other.number < entry.number;
      if (other.state === "unacked" && other.holder !== holder) return `${other.number} is with another`;
      if (other.state === "held" && (isBefore || !other.heldBeforeRestart)) return `${other.number} is held`;
      if (other.state === "ready" && isBefore) return `${other.number} comes before it`;
    }
    return undefined;
  }

  delivered({ body, redelivered }: { body: string; redelivered: boolean }, holder: object): Entry {
    const entry = this.entry(body);
    const objection = this.objection(entry, holder);
    assert.equal(objection, undefined, `${body} of ${entry.group} is delivered, but ${objection}`);
    assert.equal(redelivered, entry.redelivered ?? redelivered, `redelivered of ${body}`);
    entry.state = "unacked";
    entry.holder = holder;
    entry.redelivered = true;
    return entry;
  }

  died(entry: Entry, reason: string): void {
    if (reason === "expired") assert.ok(entry.expiresAt <= this.now, `${entry.number} has not expired`);
    if (reason === "maxlen") {
      const oldest = this.entries.find(({ state }) => state === "ready");
      assert.equal(entry, oldest, "the oldest is dropped");
    }
    this.gone(entry);
  }

  gone(entry: Entry): void {
    this.entries.splice(this.entries.indexOf(entry), 1);
    this.released(entry);
  }

  /** `entry` is out no more. */
  released({ group }: Entry): void {
    if (group !== undefined && !this.of(group).some(({ state }) => state === "unacked")) this.recalled.delete(group);
  }

  cameBack(entry: Entry, isHeld: boolean): void {
    entry.state = isHeld ? "held" : "ready";
    entry.holder = undefined;
    entry.dueAt = isHeld ? this.now + this.profile.retryMin : 0;
    if (!isHeld) this.recall(entry);
    this.released(entry);
  }

  recall({ group }: Entry): void {
    if (group !== undefined && this.of(group).some(({ state }) => state === "unacked")) this.recalled.add(group);
  }

  // --- steps ---

  push(): void {
    const { random, profile } = this;
    const number = this.nextNumber++;
    const group = random.chance(0.15) ? undefined : `g${random.integer(0, profile.groups - 1)}`;
    const expiresIn = profile.expires && random.chance(0.4) ? 2 * random.integer(0, 300) + 1 : undefined;
    const persistent = random.chance(0.8);
    this.entries.push({
      number,
      group,
      expiresAt: expiresIn === undefined ? Number.POSITIVE_INFINITY : this.now + expiresIn,
      persistent: persistent || profile.type === "quorum",
      state: "ready",
      holder: undefined,
      redelivered: false,
      dueAt: 0,
      heldBeforeRestart: false,
    });
    this.bench.pushWith(`${number}`, group, { expiresIn, persistent });
  }

  consume(): void {
    if (this.workers.length >= 5) return;
    const noAck = this.random.chance(0.1);
    const worker = this.bench.consume(this.random.pick([0, 1, 1, 2, 5]), {
      noAck,
      priority: this.random.pick([0, 0, 3]),
    });
    worker.onDelivered = (delivery) => {
      const entry = this.delivered(delivery, worker);
      if (noAck) this.gone(entry);
    };
    this.workers.push(worker);
  }

  get(): void {
    const holder = this.random.pick(this.getters);
    const delivery = this.bench.get(holder);
    if (delivery === undefined) {
      const missed = this.missedBy(holder);
      assert.equal(missed, undefined, `${missed?.number} is to be had`);
      return;
    }
    this.delivered(delivery, holder);
    this.got.push({ ...delivery, holder });
  }

  acknowledge(): void {
    this.answer((entry) => this.gone(entry), "ack");
  }

  reject(): void {
    this.answer(() => {}, "reject");
  }

  requeue(): void {
    this.answer((entry) => this.cameBack(entry, this.profile.retryMin > 0), "requeue");
  }

  answer(after: (entry: Entry) => void, answer: "ack" | "reject" | "requeue"): void {
    const busy = [...this.workers, ...this.leaving].filter(({ unacked }) => unacked.length > 0);
    if (this.got.length > 0 && (busy.length === 0 || this.random.chance(0.3))) {
      this.answerGot(after, answer);
      return;
    }
    if (busy.length === 0) return;
    const worker = this.random.pick(busy);
    const { body } = this.random.pick(worker.unacked);
    after(this.entry(body));
    worker[answer](body);
  }

  answerGot(after: (entry: Entry) => void, answer: "ack" | "reject" | "requeue"): void {
    const [{ body, sequence, persistent }] = this.got.splice(this.random.integer(0, this.got.length - 1), 1) as [Got];
    after(this.entry(body));
    if (answer === "ack") this.bench.queue.settle(sequence, persistent, body.length);
    else if (answer === "reject") this.bench.queue.reject(sequence, persistent, body.length);
    else this.bench.queue.requeue(sequence, persistent, body.length, false);
  }

  close(): void {
    if (this.workers.length === 0) return;
    const worker = this.random.pick(this.workers);
    this.workers.splice(this.workers.indexOf(worker), 1);
    worker.cancel();
    for (const { body } of [...worker.unacked]) {
      this.cameBack(this.entry(body), this.profile.retryMin > 0);
      worker.fail(body);
    }
  }

  cancel(): void {
    if (this.workers.length === 0) return;
    const worker = this.random.pick(this.workers);
    this.workers.splice(this.workers.indexOf(worker), 1);
    worker.cancel();
    this.leaving.push(worker);
  }

  prefetch(): void {
    if (this.workers.length === 0) return;
    this.random.pick(this.workers).openMax = this.random.pick([0, 1, 2, 4]);
    this.bench.queue.consumerReady();
  }

  stall(): void {
    if (this.workers.length === 0) return;
    const worker = this.random.pick(this.workers);
    worker.writable = !worker.writable;
    if (worker.writable) this.bench.queue.consumerReady();
  }

  pass(): void {
    const end = this.now + this.random.pick([2, 20, 50, 150]);
    const times = this.entries.flatMap(({ dueAt, expiresAt }) => [dueAt, expiresAt]);
    for (const time of [...times.filter((time) => time > this.now && time <= end), end].sort((a, b) => a - b)) {
      if (time === this.now) continue;
      const step = time - this.now;
      this.now = time;
      for (const entry of this.entries) if (entry.state === "held" && entry.dueAt <= time) this.release(entry);
      this.bench.bench.clock.advance(step);
    }
  }

  release(entry: Entry): void {
    entry.state = "ready";
    entry.heldBeforeRestart = false;
    this.recall(entry);
  }

  purge(): void {
    const kept = this.entries.filter(({ state }) => state === "unacked");
    assert.equal(this.bench.queue.purge(), this.entries.length - kept.length);
    this.entries = kept;
  }

  async restart(): Promise<void> {
    const { profile } = this;
    if (!profile.restarts) return;
    await this.settle();
    this.entries = this.entries.filter(({ persistent }) => persistent);
    for (const entry of this.entries) {
      if (entry.state === "unacked") entry.state = "ready";
      if (entry.redelivered === false || entry.state === "held") entry.redelivered = undefined;
      entry.holder = undefined;
      entry.heldBeforeRestart = entry.state === "held";
    }
    this.recalled.clear();
    this.workers = [];
    this.leaving = [];
    this.got = [];
    this.bench = await this.bench.restart(queueArguments(profile), { type: profile.type }, (next) => {
      this.bench = next;
      this.watchDeaths();
    });
  }

  // --- what must be ---

  async settle(): Promise<void> {
    await this.bench.settle();
    this.check();
  }

  check(): void {
    const { queue } = this.bench;
    const count = (...states: string[]): number => this.entries.filter(({ state }) => states.includes(state)).length;
    assert.equal(queue.readyCount + queue.delayedCount, count("ready", "held"));
    assert.equal(queue.unackedCount, count("unacked"));
    if (!this.entries.some(({ heldBeforeRestart }) => heldBeforeRestart)) {
      assert.equal(queue.readyCount, count("ready"));
      const ready = this.entries.filter(({ state }) => state === "ready");
      assert.equal(
        queue.readyBytes,
        ready.reduce((sum, { number }) => sum + `${number}`.length, 0),
      );
    }
    const first = this.entries.find(({ state }) => state === "ready");
    assert.ok(first === undefined || first.expiresAt > this.now, `${first?.number} has expired and is there`);
    for (const worker of this.workers) {
      if (!worker.consumer.ready) continue;
      const missed = this.missedBy(worker);
      assert.equal(missed, undefined, `${missed?.number} of ${missed?.group} could be delivered`);
    }
    const active = new Set(this.entries.map(({ group }) => group));
    assert.ok(this.bench.log.groupCount <= active.size, "only groups with messages take memory");
  }

  /** The first message that the queue could hand to somebody, and has no reason to hold back. */
  missedBy(holder: object): Entry | undefined {
    return this.entries.find((entry) => this.objection(entry, holder) === undefined && !this.isHeldBack(entry));
  }

  /** Whether the queue knows of a held message of the group that a restart has left in its place. */
  isHeldBack({ group }: Entry): boolean {
    return group !== undefined && this.of(group).some(({ state }) => state === "held");
  }

  async step(): Promise<void> {
    let at = this.random.fraction() * TOTAL_WEIGHT;
    for (const [operation, weight] of Object.entries(WEIGHTS)) {
      at -= weight;
      if (at >= 0) continue;
      await this[operation as "settle"]();
      return;
    }
  }

  /** Answers for everything, until there is nothing more. */
  async empty(): Promise<void> {
    for (const worker of [...this.workers]) {
      worker.writable = true;
      worker.openMax = 0;
    }
    while (this.entries.length > 0) {
      if (this.workers.length === 0) this.consume();
      this.bench.queue.consumerReady();
      await this.settle();
      for (const worker of [...this.workers, ...this.leaving]) {
        for (const { body } of worker.unacked) this.gone(this.entry(body));
        worker.ack();
      }
      while (this.got.length > 0) this.answerGot((entry) => this.gone(entry), "ack");
      this.pass();
    }
    await this.settle();
    assert.equal(this.bench.log.groupCount, 0);
    assert.equal(this.bench.bench.memory.usedBytes, 0, "an empty queue holds no memory");
  }
}

const WEIGHTS = {
  push: 60,
  settle: 40,
  acknowledge: 40,
  requeue: 12,
  reject: 4,
  get: 8,
  consume: 5,
  close: 2,
  cancel: 1,
  prefetch: 2,
  stall: 2,
  pass: 8,
  purge: 0.3,
  restart: 0.5,
} as const;
const TOTAL_WEIGHT = Object.values(WEIGHTS).reduce((sum, weight) => sum + weight, 0);

function queueArguments({ lengthMax, retryMin }: Profile): Record<string, string | number> {
  return {
    "x-dead-letter-exchange": "dlx",
    ...(Number.isFinite(lengthMax) ? { "x-max-length": lengthMax } : {}),
    ...(retryMin > 0
      ? { "x-delayed-retry-type": "all", "x-delayed-retry-min": retryMin, "x-delayed-retry-max": retryMin }
      : {}),
  };
}

for (const [name, profile] of Object.entries(PROFILES)) {
  test(`[groups/model] nothing is delivered out of turn, and what can be is: ${name}`, async () => {
    for (let run = 0; run < RUNS; run++) await compare(profile);
  });
}

async function compare(profile: Profile): Promise<void> {
  await withSeed(async (random) => {
    const model = new Model(random, profile);
    for (let step = 0; step < STEPS; step++) await model.step();
    await model.empty();
  });
}
