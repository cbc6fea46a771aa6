import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "../../../fuzz/seeded-random.ts";
import { DelayBench, type HoldOptions } from "./delay-bench.ts";

const STEPS = 2_000;
/** How many random runs each profile gets; `npm run seeds` asks for more. */
const RUNS = Number(process.env["LEVERET_MODEL_RUNS"] ?? 1);

/** A message as the model keeps it: until it has been let go, and until that is durable. */
interface Entry {
  readonly number: number;
  readonly body: string;
  readonly dueAt: number;
  readonly persistent: boolean;
}

/** A delayed log beside a list that is sorted by due time and arrival. */
class Model {
  readonly random: SeededRandom;
  readonly bodyBytesMax: number;
  bench: DelayBench;
  waiting: Entry[] = [];
  /** Let go since the last restart. */
  gone: Entry[] = [];
  nextNumber = 0;

  constructor(random: SeededRandom, bodyBytesMax: number) {
    this.random = random;
    this.bodyBytesMax = bodyBytesMax;
    this.bench = new DelayBench({ sortMessages: random.integer(2, 200) });
  }

  hold(): void {
    const number = this.nextNumber++;
    const delay = this.random.chance(0.3) ? 1000 : this.random.integer(0, 3000);
    const persistent = this.random.chance(0.8);
    const body = `${number}:${"x".repeat(this.random.integer(0, this.bodyBytesMax))}`;
    const options: HoldOptions = { delay, persistent };
    this.bench.hold(body, options);
    this.waiting.push({ number, body, dueAt: this.bench.clock.now() + delay, persistent });
  }

  async turn(): Promise<void> {
    this.bench.runTurn();
    await new Promise((resolve) => setImmediate(resolve));
    this.#checkReleased(false);
  }

  async advance(): Promise<void> {
    await this.bench.advance(this.random.integer(0, 200));
    this.#checkReleased(true);
  }

  fail(): void {
    this.bench.store.failCommits(this.random.integer(1, 3), new Error("disk full"));
  }

  /** Ends all commits, then starts anew. */
  async restart(): Promise<void> {
    this.bench.store.failCommits(0, new Error());
    for (let attempt = 0; attempt < 2; attempt++) await this.bench.advance(500);
    this.#checkReleased(true);
    this.waiting = this.waiting.filter(({ persistent }) => persistent);
    this.#begin();
    await this.bench.settle();
  }

  /** Starts anew while nothing that has happened since a certain moment is durable: all is as it was then. */
  async kill(): Promise<void> {
    await this.bench.advance(0);
    this.#checkReleased(true);
    const durable = this.waiting.filter(({ persistent }) => persistent);
    this.bench.takeTarget();
    await this.bench.settle();
    this.bench.store.holdCommits();
    for (let count = this.random.integer(0, 20); count > 0; count--) this.hold();
    this.bench.clock.advance(this.random.integer(0, 500));
    for (let count = this.random.integer(0, 3); count > 0; count--) await this.turn();
    this.waiting = durable;
    this.#begin();
    assert.deepEqual(this.bench.takeTarget(), []);
    await this.bench.settle();
    this.#checkReleased(true);
  }

  check(): void {
    assert.equal(this.bench.log.count, this.waiting.length);
  }

  #begin(): void {
    this.bench = this.bench.restarted();
    this.gone = [];
  }

  /** What has been let go is what the list has first. `complete`: and all that was due. */
  #checkReleased(complete: boolean): void {
    const { released, clock } = this.bench;
    const fresh = released.slice(this.gone.length);
    this.waiting.sort((a, b) => a.dueAt - b.dueAt || a.number - b.number);
    const expected = this.waiting.splice(0, fresh.length);
    assert.deepEqual(
      fresh,
      expected.map(({ body }) => body),
    );
    for (const { dueAt } of expected) assert(dueAt <= clock.now(), "nothing leaves early");
    this.gone.push(...expected);
    const next = this.waiting[0];
    if (complete && next !== undefined && !this.bench.barrier.failing) {
      assert(next.dueAt > clock.now(), `${next.number} is due and has not left`);
    }
  }
}

type Step = "hold" | "turn" | "advance" | "fail" | "restart" | "kill";

const PROFILES: Readonly<Record<string, Partial<Record<Step, number>>>> = {
  "small commits": { hold: 60, turn: 60, advance: 4, restart: 1 },
  "large commits": { hold: 200, turn: 4, advance: 4, restart: 1 },
  "a disk that fails": { hold: 60, turn: 20, advance: 6, fail: 1, restart: 1 },
  kills: { hold: 60, turn: 20, advance: 6, kill: 2 },
};

for (const [name, weights] of Object.entries(PROFILES)) {
  test(`[delay] equals a sorted list: ${name}`, async () => {
    for (let run = 0; run < RUNS; run++) await compare(name, weights);
  });
}

async function compare(name: string, weights: Partial<Record<Step, number>>): Promise<void> {
  const seed = Number(process.env["LEVERET_MODEL_SEED"] ?? SeededRandom.anySeed());
  try {
    const random = new SeededRandom(seed);
    const model = new Model(random, name === "large commits" ? 2_000 : 200);
    const steps = (Object.entries(weights) as [Step, number][]).flatMap(([step, weight]) =>
      new Array<Step>(weight).fill(step),
    );
    for (let step = 0; step < STEPS; step++) {
      await model[random.pick(steps)]();
      model.check();
    }
    await model.bench.advance(5000);
    await model.restart();
    assert.equal(model.bench.log.count, 0);
  } catch (error) {
    console.error(`replay with LEVERET_MODEL_SEED=${seed}`);
    throw error;
  }
}
