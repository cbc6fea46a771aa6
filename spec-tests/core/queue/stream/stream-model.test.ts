import assert from "node:assert/strict";
import { test } from "node:test";
import type { Consumer } from "../../../../src/core/queue/consumer.ts";
import { ManualClock } from "../../../../src/lib/manual-clock.ts";
import { MemoryState } from "../../../../src/store/memory-state.ts";
import { MemoryStore } from "../../../../src/store/memory-store.ts";
import { tableFrom } from "../../../../src/wire/field-table.ts";
import type { SeededRandom } from "../../../fuzz/seeded-random.ts";
import { FaultyStore } from "../../../support/faulty-store.ts";
import { withSeed } from "../../../support/with-seed.ts";
import { Reader, StreamBench } from "./stream-bench.ts";

const STEPS = 800;
/** How many random runs each profile gets; `npm run seeds` asks for more. */
const RUNS = Number(process.env["LEVERET_MODEL_RUNS"] ?? 1);

const FILTER_VALUES = ["", "a", "b", "c"];
const NAMES = ["x", "y"];
const BYTES_MAX = 60_000;
const AGE_MAX_SECONDS = 600;

interface ModelMessage {
  readonly body: string;
  readonly filterValue: string;
  readonly storedAt: number;
}

/** A consumer, and what the model says it may be given. */
class ModelReader {
  readonly reader = new Reader();
  readonly consumer: Consumer;
  readonly filter: string | undefined;
  readonly name: string | undefined;
  /** The offset that comes next at the earliest. */
  next: number;
  checked = 0;
  readonly unacked = new Set<number>();

  constructor(model: Model, offset: number, filter: string | undefined, name: string | undefined) {
    this.next = offset;
    this.filter = filter;
    this.name = name;
    this.consumer = model.bench.consume(this.reader, {
      tag: name ?? "amq.ctag-1",
      prefetch: 1 + model.random.below(400),
      arguments: {
        ...(name === undefined ? { "x-stream-offset": offset } : {}),
        ...(filter === undefined ? {} : { "x-stream-filter": filter }),
      },
    });
  }
}

/** A stream beside an array that does the same. */
class Model {
  readonly state = new MemoryState();
  readonly clock = new ManualClock();
  readonly random: SeededRandom;
  readonly limits: Readonly<Record<string, number | string>>;
  messages: ModelMessage[] = [];
  /** How many of them have been made durable. */
  durable = 0;
  readonly tracked = new Map<string, number>();
  readers: ModelReader[] = [];
  store!: FaultyStore;
  bench!: StreamBench;

  constructor(random: SeededRandom, limits: Readonly<Record<string, number | string>>) {
    this.random = random;
    this.limits = limits;
    this.open();
  }

  open(): void {
    this.store = new FaultyStore(new MemoryStore(this.state));
    this.bench = new StreamBench(this.store, tableFrom(this.limits), { clock: this.clock, memoryBytes: 40_000 });
    this.readers = [];
  }

  publish(): void {
    for (let count = this.random.below(12); count >= 0; count--) {
      const filterValue = FILTER_VALUES[this.random.below(FILTER_VALUES.length)] as string;
      const body = `${this.messages.length}:${"x".repeat(this.random.below(this.random.below(20) === 0 ? 5000 : 100))}`;
      this.messages.push({ body, filterValue, storedAt: this.clock.now() });
      if (filterValue === "") this.bench.push(body);
      else this.bench.pushFiltered(body, filterValue);
    }
  }

  consume(): void {
    if (this.readers.length >= 6) return;
    const name = this.random.below(2) === 0 ? NAMES[this.random.below(NAMES.length)] : undefined;
    if (name !== undefined && this.readers.some((other) => other.name === name)) return;
    const filter = this.random.below(3) === 0 ? FILTER_VALUES[1 + this.random.below(3)] : undefined;
    const tracked = name === undefined ? undefined : this.tracked.get(name);
    const anywhere = this.random.below(this.messages.length + 5);
    const offset = name === undefined ? anywhere : (tracked ?? this.bench.stream.durableEnd);
    if (name !== undefined) this.tracked.set(name, offset);
    this.readers.push(new ModelReader(this, offset, filter, name));
  }

  acknowledge(): void {
    const entry = this.readers[this.random.below(Math.max(1, this.readers.length))];
    if (entry === undefined) return;
    const { reader } = entry;
    const wasUnacked = reader.unacked.length;
    for (let count = this.random.below(50); count > 0 && reader.unacked.length > 0; count--) {
      const inOrder = this.random.below(4) > 0;
      const offset = reader.unacked[inOrder ? 0 : this.random.below(reader.unacked.length)] as number;
      reader.ackOffset(offset);
      entry.unacked.delete(offset);
    }
    if (reader.unacked.length < wasUnacked) this.#track(entry);
  }

  cancel(): void {
    const index = this.random.below(Math.max(1, this.readers.length));
    const entry = this.readers.splice(index, 1)[0];
    entry?.reader.close(entry.consumer);
  }

  async commit(): Promise<void> {
    this.clock.advance(1000 * this.random.below(60));
    await this.bench.settle();
    // A commit that has failed is tried again.
    this.clock.advance(1000);
    await this.bench.settle();
    this.durable = this.messages.length;
  }

  async fail(): Promise<void> {
    this.store.failCommits(1, new Error("disk full"));
    await this.bench.turn();
    await this.bench.turn();
    this.clock.advance(1000);
  }

  async restart(): Promise<void> {
    await this.commit();
    this.bench.stream.stop();
    this.open();
    this.clock.advance(0);
  }

  /** What a crash leaves: what was committed, nothing that was not. */
  crash(): void {
    const { durableEnd } = this.bench.stream;
    this.bench.stream.stop();
    this.messages = this.messages.slice(0, durableEnd);
    this.durable = durableEnd;
    this.open();
    for (const name of NAMES) this.tracked.delete(name);
    for (const [, { notes }] of this.state.queues) {
      for (const value of notes.values())
        this.tracked.set(value.toString("utf8", 14), Number(value.readBigUInt64BE(0)));
    }
    this.clock.advance(0);
  }

  check(): void {
    const { stream } = this.bench;
    assert.equal(stream.readyCount, this.messages.length - stream.firstOffset);
    assert(stream.durableEnd >= this.durable && stream.durableEnd <= this.messages.length);
    for (const entry of this.readers) this.#checkReader(entry);
    const outstanding = this.readers.reduce((sum, { reader }) => sum + reader.unacked.length, 0);
    assert.equal(stream.unackedCount, outstanding);
  }

  /** After a commit: nobody who can take messages is kept waiting, and the limits are kept. */
  checkSettled(): void {
    const { stream } = this.bench;
    for (const { next, filter, consumer, reader } of this.readers) {
      if (reader.unacked.length >= consumer.prefetchCount) continue;
      const start = Math.max(next, stream.firstOffset);
      const missed = this.messages.slice(start).findIndex((message) => this.#matches(message, filter));
      assert.equal(missed, -1, `a reader at ${next} has not got ${start + missed}`);
    }
    const total = this.messages.slice(stream.firstOffset).reduce((sum, { body }) => sum + body.length, 0);
    assert.equal(stream.readyBytes, total);
    if (this.limits["x-max-length-bytes"] !== undefined) assert(total < BYTES_MAX + 140_000);
  }

  #matches({ filterValue }: ModelMessage, filter: string | undefined): boolean {
    return filter === undefined || filterValue === filter;
  }

  /** What it has been given since the last look is what comes next, but for what the retention has taken. */
  #checkReader(entry: ModelReader): void {
    const { reader, filter } = entry;
    const { firstOffset } = this.bench.stream;
    for (; entry.checked < reader.offsets.length; entry.checked++) {
      const offset = reader.offsets[entry.checked] as number;
      assert(offset >= entry.next, "offsets rise");
      const message = this.messages[offset] as ModelMessage;
      assert.equal(reader.bodies[entry.checked], message.body);
      assert(this.#matches(message, filter));
      for (let passed = Math.max(entry.next, firstOffset); passed < offset; passed++) {
        assert(!this.#matches(this.messages[passed] as ModelMessage, filter), `${passed} is left out`);
      }
      entry.next = offset + 1;
      entry.unacked.add(offset);
    }
  }

  /** Acknowledgements, and nothing else, move what is kept of a name: to the oldest delivery that has none. */
  #track(entry: ModelReader): void {
    if (entry.name === undefined) return;
    this.#checkReader(entry);
    const below = Math.min(...entry.unacked, (entry.reader.offsets.at(-1) as number) + 1);
    this.tracked.set(entry.name, Math.max(below, this.tracked.get(entry.name) ?? 0));
  }

  async step(weights: Readonly<Record<string, number>>): Promise<void> {
    const total = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
    let at = this.random.below(total);
    for (const [operation, weight] of Object.entries(weights)) {
      at -= weight;
      if (at < 0) {
        await this[operation as "publish"]();
        this.check();
        if (operation === "commit") this.checkSettled();
        return;
      }
    }
  }
}

const USUAL = { publish: 30, consume: 8, acknowledge: 40, cancel: 3, commit: 20, restart: 1, crash: 1 };

const PROFILES: Readonly<
  Record<string, [Readonly<Record<string, number>>, Readonly<Record<string, number | string>>]>
> = {
  "many readers": [USUAL, {}],
  "small commits that are merged": [{ ...USUAL, publish: 40, commit: 60, acknowledge: 20 }, {}],
  "retention by size": [USUAL, { "x-max-length-bytes": BYTES_MAX, "x-stream-max-segment-size-bytes": 5000 }],
  "retention by age": [USUAL, { "x-max-age": `${AGE_MAX_SECONDS}s` }],
  "a disk that fails": [{ ...USUAL, fail: 6 }, { "x-max-length-bytes": BYTES_MAX }],
};

for (const [name, [weights, limits]] of Object.entries(PROFILES)) {
  test(`[stream] equals a plain array: ${name}`, async () => {
    for (let run = 0; run < RUNS; run++) await compare(weights, limits);
  });
}

async function compare(
  weights: Readonly<Record<string, number>>,
  limits: Readonly<Record<string, number | string>>,
): Promise<void> {
  await withSeed(async (random) => {
    const model = new Model(random, limits);
    for (let step = 0; step < STEPS; step++) await model.step(weights);
    await model.restart();
    const { stream } = model.bench;
    const all = new ModelReader(model, stream.firstOffset, undefined, undefined);
    model.readers.push(all);
    while (all.next < stream.durableEnd) {
      await model.bench.settle();
      model.check();
      all.unacked.clear();
      all.reader.ack();
    }
    all.reader.close(all.consumer);
    assert.equal(model.bench.memory.usedBytes, 0, "a stream nobody reads holds no memory");
    assert.equal(model.bench.barrier.pendingBytes, 0);
    stream.stop();
  });
}
