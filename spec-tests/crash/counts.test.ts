import assert from "node:assert/strict";
import { test } from "node:test";
import type { ChannelModel, ConsumeMessage } from "amqplib";
import { startLeveret } from "../cli/leveret-process.ts";
import type { SeededRandom } from "../fuzz/seeded-random.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { declareQueues, takeAll, withConnection } from "./inspection.ts";
import { crashRandom, killDuring } from "./kill-round.ts";
import { publish } from "./messages.ts";
import { barrier, consumer, messageNumber, type Role } from "./roles.ts";

const KILLS = Number(process.env["LEVERET_CRASH_KILLS"] ?? 4);
const KILL_AFTER_MILLISECONDS_MAX = 350;
const QUEUE = "counting";
const MESSAGES = 150;
const PREFETCH = 20;

/** How often a message was given back. */
class Count {
  readonly #what: string;
  /** As often as that was sent. */
  #sent = 0;
  /** As often as that is certain to be on disk. */
  durable = 0;
  /** As its latest delivery says. */
  #current = 0;

  constructor(what: string) {
    this.#what = what;
  }

  check(count: number): void {
    assert(count >= this.durable, `${this.#what} is ${count} after ${this.durable} were on disk`);
    assert(count <= this.#sent, `${this.#what} is ${count} after ${this.#sent} were sent`);
    this.#current = count;
  }

  /** It is given back once more; returns what notes that this is on disk. */
  increment(): () => void {
    this.#sent++;
    const count = this.#current + 1;
    return () => {
      this.durable = Math.max(this.durable, count);
    };
  }
}

/** What was done to each message, and what its headers have to say therefore. */
class CountLedger {
  /** How many returns are certain to be on disk. */
  storedCount = 0;
  readonly #messages = new Map<number, { readonly acquired: Count; readonly failed: Count }>();

  check(message: ConsumeMessage): { readonly acquired: Count; readonly failed: Count } {
    const number = messageNumber(message);
    const counts = this.#messages.get(number) ?? {
      acquired: new Count(`x-acquired-count of ${number}`),
      failed: new Count(`x-delivery-count of ${number}`),
    };
    this.#messages.set(number, counts);
    const { headers } = message.properties;
    counts.acquired.check(Number(headers?.["x-acquired-count"] ?? 0));
    counts.failed.check(Number(headers?.["x-delivery-count"] ?? 0));
    return counts;
  }
}

test("[crash/quorum] after kill -9 no count of deliveries is lower than it was on disk, or higher than it can be", async (t) => {
  const random = crashRandom((seed) => t.diagnostic(seed));
  const ledger = new CountLedger();
  const args = ["--data-dir", temporaryDirectory(t), "--log-level", "info"];
  let running = await startLeveret(t, args);
  await withConnection(running.url, fill);
  for (let round = 0; round < KILLS; round++) {
    const milliseconds = random.integer(0, KILL_AFTER_MILLISECONDS_MAX);
    const before = ledger.storedCount;
    await killDuring([returner(ledger, random)], running, { milliseconds, begun: () => ledger.storedCount > before });
    running = await startLeveret(t, args);
  }
  await withConnection(running.url, async (connection) => {
    const channel = await connection.createChannel();
    const messages = await takeAll(channel, QUEUE, MESSAGES);
    for (const message of messages) ledger.check(message);
    assert.equal(new Set(messages.map(messageNumber)).size, MESSAGES, "every message once");
  });
  t.diagnostic(`${ledger.storedCount} returns, ${KILLS} kills`);
  running.leveret.signal("SIGTERM");
  assert.equal(await running.leveret.ended, 0);
});

async function fill(connection: ChannelModel): Promise<void> {
  await declareQueues(connection, []);
  const channel = await connection.createConfirmChannel();
  const table = { "x-queue-type": "quorum", "x-delivery-limit": -1 };
  await channel.assertQueue(QUEUE, { durable: true, arguments: table });
  await Promise.all(Array.from({ length: MESSAGES }, (_, index) => publish(channel, QUEUE, index + 1, true)));
  await channel.close();
}

/** Gives everything back, as failed or untouched. */
function returner(ledger: CountLedger, random: SeededRandom): Role {
  return consumer(QUEUE, PREFETCH, async (channel, message) => {
    const { acquired, failed } = ledger.check(message);
    const hasFailed = random.chance(0.5);
    const stored = [acquired.increment(), ...(hasFailed ? [failed.increment()] : [])];
    if (hasFailed) channel.reject(message, true);
    else channel.nack(message, false, true);
    await barrier(channel);
    for (const note of stored) note();
    ledger.storedCount++;
  });
}
