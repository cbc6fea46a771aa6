import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type ChannelModel, type ConfirmChannel, connect } from "amqplib";
import { startLeveret } from "../cli/leveret-process.ts";
import type { SeededRandom } from "../fuzz/seeded-random.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { withConnection } from "./inspection.ts";
import { crashRandom, killDuring } from "./kill-round.ts";
import { bodyOf } from "./messages.ts";
import { connectionLost, messageNumber, type Role } from "./roles.ts";

const KILLS = 6;
const KILL_AFTER_MILLISECONDS_MAX = 600;
const DELAY_MILLISECONDS_MAX = 1_500;
const BURST_MAX = 40;
/** Longer than it takes until the last message is due and all have been delivered. */
const DRAIN_MILLISECONDS_MAX = 10_000;

const EXCHANGE = "later";
/** Gets what has waited in the exchange. */
const BOUND_QUEUE = "bound";
/** Keeps messages back itself. */
const DELAYING_QUEUE = "delaying";

/** What publishers were promised of messages with a delay, and what consumers have seen of them. */
class DelayLedger {
  readonly random: SeededRandom;
  readonly confirmed = new Set<number>();
  readonly received = new Set<number>();
  /** When each may come at the earliest, in milliseconds since the Unix epoch. */
  readonly #dueAt = new Map<number, number>();
  #nextNumber = 1;

  constructor(random: SeededRandom) {
    this.random = random;
  }

  get missing(): number[] {
    return [...this.confirmed].filter((number) => !this.received.has(number));
  }

  async publishBurst(channel: ConfirmChannel): Promise<void> {
    const count = this.random.integer(1, BURST_MAX);
    await Promise.all(Array.from({ length: count }, () => this.#publish(channel)));
  }

  receive(number: number): void {
    const early = (this.#dueAt.get(number) as number) - Date.now();
    assert.ok(early <= 0, `message ${number} has come ${early} ms early`);
    this.received.add(number);
  }

  #publish(channel: ConfirmChannel): Promise<void> {
    const number = this.#nextNumber++;
    const delay = this.random.integer(1, DELAY_MILLISECONDS_MAX);
    const [exchange, routingKey] = this.random.chance(0.5) ? [EXCHANGE, "any"] : ["", DELAYING_QUEUE];
    const options = { persistent: true, messageId: String(number), headers: { "x-delay": delay } };
    this.#dueAt.set(number, Date.now() + delay);
    return new Promise((resolve, reject) => {
      channel.publish(exchange, routingKey, bodyOf(number), options, (error) => {
        if (error !== null && error !== undefined) return reject(error);
        this.confirmed.add(number);
        resolve();
      });
    });
  }
}

test("[crash/delayed] after kill -9 confirmed delayed messages are neither lost nor early", async (t) => {
  const ledger = new DelayLedger(crashRandom((seed) => t.diagnostic(seed)));
  const args = ["--data-dir", temporaryDirectory(t)];
  await prepare(t, args);
  for (let round = 0; round < KILLS; round++) {
    const milliseconds = ledger.random.integer(100, KILL_AFTER_MILLISECONDS_MAX);
    const before = ledger.confirmed.size;
    const begun = (): boolean => ledger.confirmed.size > before;
    await killDuring([publisherAndConsumer(ledger)], await startLeveret(t, args), { milliseconds, begun });
  }

  const { leveret, url } = await startLeveret(t, args);
  await withConnection(url, async (connection) => {
    await consumeAll(connection, ledger);
    const deadline = Date.now() + DRAIN_MILLISECONDS_MAX;
    while (ledger.missing.length > 0 && Date.now() < deadline) await sleep(20);
  });
  assert.ok(ledger.confirmed.size > 0);
  assert.deepEqual(ledger.missing, [], "confirmed and lost");
  t.diagnostic(`${ledger.confirmed.size} messages confirmed, ${KILLS} kills`);
  leveret.signal("SIGTERM");
  assert.equal(await leveret.ended, 0);
});

async function prepare(t: TestContext, args: readonly string[]): Promise<void> {
  const { leveret, url } = await startLeveret(t, args);
  await withConnection(url, async (connection) => {
    const channel = await connection.createChannel();
    await channel.assertExchange(EXCHANGE, "x-delayed-message", { arguments: { "x-delayed-type": "fanout" } });
    await channel.assertQueue(BOUND_QUEUE);
    await channel.bindQueue(BOUND_QUEUE, EXCHANGE, "");
    await channel.assertQueue(DELAYING_QUEUE, { arguments: { "x-delayed-message": true } });
  });
  leveret.signal("SIGTERM");
  await leveret.ended;
}

/** Publishes and consumes until the connection is lost. */
function publisherAndConsumer(ledger: DelayLedger): Role {
  return async (url) => {
    const connection = await connect(url);
    const work = async (): Promise<never> => {
      await consumeAll(connection, ledger);
      const channel = await connection.createConfirmChannel();
      for (;;) {
        await ledger.publishBurst(channel);
        await sleep(ledger.random.integer(0, 20));
      }
    };
    return Promise.race([connectionLost(connection), work()]);
  };
}

async function consumeAll(connection: ChannelModel, ledger: DelayLedger): Promise<void> {
  const channel = await connection.createChannel();
  for (const queue of [BOUND_QUEUE, DELAYING_QUEUE]) {
    await channel.consume(queue, (message) => {
      if (message === null) assert.fail(`the consumer of ${queue} was cancelled`);
      ledger.receive(messageNumber(message));
      channel.ack(message);
    });
  }
}
