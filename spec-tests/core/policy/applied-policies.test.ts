import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { Broker } from "../../../src/core/broker.ts";
import { DEFAULT_LIMITS } from "../../../src/core/limits.ts";
import type { Queue } from "../../../src/core/queue/queue.ts";
import type { Vhost } from "../../../src/core/vhost.ts";
import { silentLogger } from "../../../src/lib/logger.ts";
import { systemRandom } from "../../../src/lib/random.ts";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import { EMPTY_TABLE } from "../../../src/wire/field-table.ts";
import { ManualClock } from "../../../src/lib/manual-clock.ts";

const MANY = 2000;

/** More turns than the policies need for all there is. */
const TURNS_MAX = 50;

/** A broker with many queues, whose turns the test ends. */
class Bench {
  readonly clock = new ManualClock();
  readonly broker: Broker;
  readonly vhost: Vhost;
  readonly queues: Queue[] = [];
  #wanted: (() => void)[] = [];

  constructor() {
    this.broker = new Broker({
      store: new MemoryStore(),
      clock: this.clock,
      random: systemRandom,
      logger: silentLogger,
      limits: DEFAULT_LIMITS,
      identity: { product: "Leveret", version: "0.0.0" },
      defer: (callback) => this.#wanted.push(callback),
    });
    this.broker.open();
    this.vhost = this.broker.findVhost("/") as Vhost;
    for (let number = 0; number < MANY; number++) this.add(`q${number}`);
    this.turn();
  }

  add(name: string): Queue {
    const spec = { name, durable: false, autoDelete: false, exclusiveOwner: undefined, arguments: EMPTY_TABLE };
    const queue = this.vhost.addQueue(spec);
    this.queues.push(queue);
    return queue;
  }

  set(definition: Record<string, unknown>): void {
    this.broker.policies.set("policy", "/", "p", { pattern: "", definition });
  }

  /** Ends one turn; true when anything wanted it. */
  turn(): boolean {
    const wanted = this.#wanted.splice(0);
    for (const callback of wanted) callback();
    return wanted.length > 0;
  }

  settle(): void {
    for (let count = 0; this.turn(); count++) assert(count < TURNS_MAX, "it goes on and on");
  }

  /** The queues that have this limit. */
  limited(lengthMax: number | undefined): number {
    return this.queues.filter(({ settings }) => settings.lengthMax === lengthMax).length;
  }

  async close(): Promise<void> {
    let isClosed = false;
    const closing = this.broker.close().then(() => {
      isClosed = true;
    });
    while (!isClosed) {
      this.turn();
      await setImmediate();
    }
    await closing;
  }
}

function withBench(title: string, body: (bench: Bench) => void | Promise<void>): void {
  test(title, async () => {
    const bench = new Bench();
    try {
      await body(bench);
    } finally {
      await bench.close();
    }
  });
}

withBench("[policy/turns] a change takes a share of a turn at a time, and reaches all", (bench) => {
  bench.set({ "max-length": 5 });
  let reached = bench.limited(5);
  assert(reached > 0, "the first act by it at once");
  while (reached < MANY) {
    assert(bench.turn());
    const before = reached;
    reached = bench.limited(5);
    assert(reached > before && reached - before <= 500, `${reached - before} in one turn`);
  }
  bench.settle();
  assert.equal(bench.vhost.requireExchange("amq.topic").alternateExchange, undefined);
  bench.set({ "alternate-exchange": "amq.fanout" });
  bench.settle();
  assert.equal(bench.vhost.requireExchange("amq.topic").alternateExchange, "amq.fanout");
  assert.equal(bench.limited(undefined), MANY);
});

withBench("[policy/turns] a queue declared in between acts by it from the start, and by later ones", (bench) => {
  bench.set({ "max-length": 5 });
  const between = bench.add("between");
  assert.equal(between.settings.lengthMax, 5);
  bench.set({ "max-length": 6 });
  assert.equal(bench.add("later").settings.lengthMax, 6);
  bench.settle();
  assert.equal(between.settings.lengthMax, 6);
  assert.equal(bench.limited(6), bench.queues.length);
});

withBench(
  "[policy/turns] later changes come before earlier ones that are not done, however fast they follow",
  (bench) => {
    for (let lengthMax = 1; lengthMax <= 30; lengthMax++) {
      bench.set({ "max-length": lengthMax });
      bench.turn();
    }
    assert.equal(bench.limited(undefined), 0, "none is left out meanwhile");
    bench.settle();
    assert.equal(bench.limited(30), MANY);
    bench.set({ "max-length": 1 });
    bench.broker.policies.delete("policy", "/", "p");
    bench.settle();
    assert.equal(bench.limited(undefined), MANY);
  },
);

withBench("[policy/turns] queues and exchanges that go in between are left alone", (bench) => {
  bench.set({ "max-length": 5, "alternate-exchange": "amq.fanout" });
  const last = bench.queues.at(-1) as Queue;
  bench.vhost.deleteQueue(last);
  const again = bench.add(last.name);
  bench.settle();
  assert.deepEqual([last.settings.lengthMax, again.settings.lengthMax], [undefined, 5]);
});

withBench("[policy/turns] a virtual host that is deleted in between ends it", (bench) => {
  bench.set({ "max-length": 5 });
  bench.broker.deleteVhost(bench.vhost);
  bench.settle();
  assert.equal(bench.vhost.queueCount, 0);
});

test("[policy/turns] after the broker is closed nothing more is done, and no timer is left", async () => {
  const bench = new Bench();
  bench.set({ expires: 1000 });
  const reached = (): number => bench.queues.filter(({ settings }) => settings.expiresMilliseconds === 1000).length;
  const before = reached();
  assert(before < MANY);
  await bench.close();
  bench.clock.advance(1001);
  assert.equal(reached(), before);
  assert.equal(bench.vhost.queueCount, MANY);
});
