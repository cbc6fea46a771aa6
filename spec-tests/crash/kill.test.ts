import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { LeveretProcess, startLeveret } from "../cli/leveret-process.ts";
import type { SeededRandom } from "../fuzz/seeded-random.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { TopologyLedger } from "./declarer.ts";
import { declareQueues, inspectQueue, withConnection } from "./inspection.ts";
import { crashRandom, killDuring } from "./kill-round.ts";
import { mover } from "./mover.ts";
import { QueueLedger } from "./queue-ledger.ts";
import { holder, producer, type Role, worker } from "./roles.ts";
import { TransferLedger } from "./transfer-ledger.ts";

/** How often the broker is killed under load. */
const KILLS = Number(process.env["LEVERET_CRASH_KILLS"] ?? 24);
const KILL_AFTER_MILLISECONDS_MAX = 400;
const KILL_WHILE_STARTING_PROBABILITY = 0.2;
const STARTING_MILLISECONDS_MAX = 500;
const DRAIN_PROBABILITY = 0.4;
/** One queue is never drained, to see a growing backlog survive every kill, until it holds this many. */
const BACKLOG_MAX = 5_000;
const SIGNALS = ["SIGKILL", "SIGTERM"] as const;

test("[crash] after kill -9 every confirmed message, its order and every other promise are as they were", async (t) => {
  const random = crashRandom((seed) => t.diagnostic(seed));
  const scene = new Scene(random);
  const args = ["--data-dir", temporaryDirectory(t), "--log-level", "info"];

  let { leveret, url } = await startLeveret(t, args);
  await withConnection(url, (connection) => declareQueues(connection, scene.queues));
  for (let round = 1; round <= KILLS; round++) {
    // The last one is asked to stop, and must keep its promises as well.
    await scene.perform(url, leveret, round < KILLS ? SIGNALS[0] : SIGNALS[1]);
    if (random.chance(KILL_WHILE_STARTING_PROBABILITY)) await killWhileStarting(t, args, random);
    ({ leveret, url } = await startLeveret(t, args));
    await scene.audit(url);
  }
  t.diagnostic(`${scene.publishedCount} messages published, ${KILLS} kills`);
  leveret.signal("SIGTERM");
  assert.equal(await leveret.ended, 0);
});

/** A recovery that is itself cut short. */
async function killWhileStarting(t: TestContext, args: readonly string[], random: SeededRandom): Promise<void> {
  const leveret = new LeveretProcess(t, ["start", "--port", "0", ...args]);
  await sleep(random.integer(0, STARTING_MILLISECONDS_MAX));
  leveret.signal("SIGKILL");
  await leveret.ended;
}

/** Everybody who uses the broker, and what it has promised them. */
class Scene {
  readonly #random: SeededRandom;
  readonly #plain = new QueueLedger("plain", false);
  readonly #mixed = new QueueLedger("mixed", false);
  readonly #backlog = new QueueLedger("backlog", false);
  readonly #worked = new QueueLedger("worked", true);
  readonly #held = new QueueLedger("held", true);
  readonly #transfer: TransferLedger;
  readonly #topology = new TopologyLedger();

  constructor(random: SeededRandom) {
    this.#random = random;
    const source = new QueueLedger("source", true);
    this.#transfer = new TransferLedger(source, [new QueueLedger("left", false), new QueueLedger("right", false)]);
  }

  get queues(): string[] {
    return this.#ledgers.map(({ queue }) => queue);
  }

  get publishedCount(): number {
    return this.#ledgers.reduce((sum, { nextNumber }) => sum + nextNumber - 1, 0);
  }

  /** Lets everybody loose on the broker and ends it at a random moment. */
  async perform(url: string, leveret: LeveretProcess, signal: NodeJS.Signals): Promise<void> {
    const milliseconds = this.#random.integer(20, KILL_AFTER_MILLISECONDS_MAX);
    await killDuring(this.#roles(), { leveret, url }, { milliseconds, signal });
  }

  /** Holds what the restarted broker has against what was promised. */
  async audit(url: string): Promise<void> {
    await withConnection(url, async (connection) => {
      for (const ledger of this.#ledgers) {
        const drain = ledger !== this.#backlog && this.#random.chance(DRAIN_PROBABILITY);
        await inspectQueue(connection, ledger, drain && !this.#isTransferred(ledger));
      }
      this.#transfer.audit();
      await this.#topology.audit(connection);
    });
  }

  get #ledgers(): QueueLedger[] {
    const { source, targets } = this.#transfer;
    return [this.#plain, this.#mixed, this.#backlog, this.#worked, this.#held, source, ...targets];
  }

  #isTransferred(ledger: QueueLedger): boolean {
    return ledger === this.#transfer.source || this.#transfer.targets.includes(ledger);
  }

  #roles(): Role[] {
    const random = (): SeededRandom => this.#random.fork();
    const roles = [
      producer(this.#plain, random()),
      producer(this.#mixed, random(), 0.3),
      producer(this.#worked, random()),
      worker(this.#worked, random()),
      producer(this.#held, random()),
      holder(this.#held),
      producer(this.#transfer.source, random()),
      mover(this.#transfer, random()),
      this.#topology.declarer(random()),
    ];
    if (this.#backlog.promisedCount < BACKLOG_MAX) roles.push(producer(this.#backlog, random()));
    return roles;
  }
}
