import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Channel, ChannelModel } from "amqplib";
import { startLeveret } from "../cli/leveret-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { declareQueues, takeAll, withConnection } from "./inspection.ts";
import { crashRandom, killDuring } from "./kill-round.ts";
import { QueueLedger } from "./queue-ledger.ts";
import { messageNumber, producer, rejecter } from "./roles.ts";

const KILLS = Number(process.env["LEVERET_CRASH_KILLS"] ?? 4);
const KILL_AFTER_MILLISECONDS_MAX = 350;
const TTL_MILLISECONDS = 30;
const LENGTH_MAX = 20;
/** Longer than it takes until everything has expired that is going to. */
const EXPIRY_MILLISECONDS_MAX = 5_000;

const QUORUM = { "x-queue-type": "quorum" };
const TTL = { "x-message-ttl": TTL_MILLISECONDS };

/** A queue for each way to die, and what its arguments are. */
const DEATHS: Readonly<Record<string, { reason: string; arguments: Readonly<Record<string, unknown>> }>> = {
  rejecting: { reason: "rejected", arguments: {} },
  expiring: { reason: "expired", arguments: TTL },
  overflowing: { reason: "maxlen", arguments: { "x-max-length": LENGTH_MAX } },
  failing: { reason: "delivery_limit", arguments: { ...QUORUM, "x-delivery-limit": 1 } },
  "expiring-at-least-once": {
    reason: "expired",
    arguments: { ...QUORUM, ...TTL, "x-overflow": "reject-publish", "x-dead-letter-strategy": "at-least-once" },
  },
};

test("[crash/dead-letter] after kill -9 a confirmed message is in its queue or has died, never both or neither", async (t) => {
  const random = crashRandom((seed) => t.diagnostic(seed));
  const ledgers = Object.keys(DEATHS).map((queue) => new QueueLedger(queue, true));
  const args = ["--data-dir", temporaryDirectory(t), "--log-level", "info"];
  let running = await startLeveret(t, args);
  await withConnection(running.url, declare);
  for (let round = 0; round < KILLS; round++) {
    const producers = ledgers.map((ledger) => producer(ledger, random.fork()));
    const rejecters = [rejecter("rejecting", random.fork(), false), rejecter("failing", random.fork(), true)];
    const milliseconds = random.integer(0, KILL_AFTER_MILLISECONDS_MAX);
    const before = ledgers.map(({ confirmedCount }) => confirmedCount);
    const begun = (): boolean =>
      ledgers.every(({ confirmedCount }, index) => confirmedCount > (before[index] as number));
    await killDuring([...producers, ...rejecters], running, { milliseconds, begun });
    running = await startLeveret(t, args);
  }
  await withConnection(running.url, async (connection) => {
    for (const ledger of ledgers) await audit(await connection.createChannel(), ledger);
  });
  t.diagnostic(`${ledgers.map(({ nextNumber }) => nextNumber - 1).join(", ")} messages published, ${KILLS} kills`);
  running.leveret.signal("SIGTERM");
  assert.equal(await running.leveret.ended, 0);
});

async function declare(connection: ChannelModel): Promise<void> {
  await declareQueues(connection, Object.keys(DEATHS).map(graveOf));
  const channel = await connection.createChannel();
  for (const [queue, death] of Object.entries(DEATHS)) {
    const deadLetters = { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": graveOf(queue) };
    await channel.assertQueue(queue, { durable: true, arguments: { ...death.arguments, ...deadLetters } });
  }
  await channel.close();
}

function graveOf(queue: string): string {
  return `${queue}.dead`;
}

/** Every message that was confirmed is there once, in the queue or as a dead letter; no other is there twice. */
async function audit(channel: Channel, ledger: QueueLedger): Promise<void> {
  const { queue } = ledger;
  const death = DEATHS[queue];
  assert(death !== undefined);
  if (death.reason === "expired") await untilEmpty(channel, queue);
  const times = new Map<number, number>();
  for (const name of [queue, graveOf(queue)]) {
    const { messageCount } = await channel.checkQueue(name);
    for (const message of await takeAll(channel, name, messageCount)) {
      const number = messageNumber(message);
      times.set(number, (times.get(number) ?? 0) + 1);
      if (name !== queue) assertDeath(message.properties.headers?.["x-death"], queue, death.reason);
    }
  }
  for (let number = 1; number < ledger.nextNumber; number++) {
    const found = times.get(number) ?? 0;
    assert(found <= 1, `${queue}: message ${number} is there ${found} times`);
    assert(found === 1 || !ledger.isPromised(number), `${queue}: message ${number} was confirmed and is lost`);
  }
}

async function untilEmpty(channel: Channel, queue: string): Promise<void> {
  const deadline = Date.now() + EXPIRY_MILLISECONDS_MAX;
  while ((await channel.checkQueue(queue)).messageCount > 0) {
    assert(Date.now() < deadline, `${queue}: everything expires`);
    await sleep(TTL_MILLISECONDS);
  }
}

function assertDeath(deaths: unknown, queue: string, reason: string): void {
  const [death, ...others] = deaths as Record<string, unknown>[];
  assert.deepEqual([death?.["queue"], death?.["reason"], death?.["count"], others.length], [queue, reason, 1, 0]);
}
