import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type ChannelModel, type ConfirmChannel, type ConsumeMessage, connect } from "amqplib";
import { startLeveret } from "../cli/leveret-process.ts";
import type { SeededRandom } from "../fuzz/seeded-random.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { withConnection } from "./inspection.ts";
import { crashRandom, killDuring } from "./kill-round.ts";
import { bodyOf } from "./messages.ts";
import { connectionLost, messageNumber, type Role } from "./roles.ts";

const KILLS = 4;
const KILL_AFTER_MILLISECONDS_MAX = 900;
const PARTITIONS = 3;
const KEYS = 10;
const BURST_MAX = 40;
const PREFETCH = 30;
const DRAIN_MILLISECONDS_MAX = 10_000;
const EXCHANGE = "orders";

/** What has been promised and seen of the messages of a super stream. */
class SuperStreamLedger {
  readonly random: SeededRandom;
  readonly confirmed = new Set<number>();
  readonly received = new Set<number>();
  /** The partition that each key has been seen in. */
  readonly #partitions = new Map<number, string>();
  /** The offsets that came since the last start, by partition; each comes once while no reader is lost. */
  #offsets = new Map<string, number[]>();
  #nextNumber = 1;

  constructor(random: SeededRandom) {
    this.random = random;
  }

  get missing(): number[] {
    return [...this.confirmed].filter((number) => !this.received.has(number));
  }

  started(): void {
    this.#offsets = new Map();
  }

  publish(channel: ConfirmChannel): Promise<void> {
    const number = this.#nextNumber++;
    return new Promise((resolve, reject) => {
      const options = { persistent: true, messageId: String(number) };
      channel.publish(EXCHANGE, `key ${number % KEYS}`, bodyOf(number), options, (error) => {
        if (error !== null && error !== undefined) return reject(error);
        this.confirmed.add(number);
        resolve();
      });
    });
  }

  receive(partition: string, message: ConsumeMessage): void {
    const number = messageNumber(message);
    const key = number % KEYS;
    assert.equal(partition, this.#partitions.get(key) ?? partition, `key ${key} is in one partition`);
    this.#partitions.set(key, partition);
    const offsets = this.#offsets.get(partition) ?? [];
    const offset = Number(message.properties.headers?.["x-stream-offset"]);
    const expected = offsets.length === 0 ? offset : (offsets.at(-1) as number) + 1;
    assert.equal(offset, expected, `${partition}: in order, none left out, none twice`);
    offsets.push(offset);
    this.#offsets.set(partition, offsets);
    this.received.add(number);
  }
}

test("[crash/super-stream] after kill -9 the readers of every partition go on where they were", async (t) => {
  const ledger = new SuperStreamLedger(crashRandom((seed) => t.diagnostic(seed)));
  const args = ["--data-dir", temporaryDirectory(t)];
  const { leveret: first, url: firstUrl } = await startLeveret(t, args);
  await withConnection(firstUrl, async (connection) => {
    const channel = await connection.createChannel();
    await channel.assertExchange(EXCHANGE, "x-super-stream", { arguments: { partitions: PARTITIONS } });
    // The first time a name begins with what comes next; from then on nothing may be left out.
    await readAll(connection, ledger);
  });
  first.signal("SIGTERM");
  await first.ended;
  for (let round = 0; round < KILLS; round++) {
    ledger.started();
    const milliseconds = ledger.random.integer(200, KILL_AFTER_MILLISECONDS_MAX);
    const before = ledger.confirmed.size;
    const begun = (): boolean => ledger.confirmed.size > before;
    const running = await startLeveret(t, args);
    await killDuring([publisher(ledger), reader(ledger), reader(ledger)], running, { milliseconds, begun });
  }

  ledger.started();
  const { leveret, url } = await startLeveret(t, args);
  await withConnection(url, async (connection) => {
    await readAll(connection, ledger);
    const deadline = Date.now() + DRAIN_MILLISECONDS_MAX;
    while (ledger.missing.length > 0 && Date.now() < deadline) await sleep(20);
  });
  assert.ok(ledger.confirmed.size > 0);
  assert.deepEqual(ledger.missing, [], "confirmed and lost, or left out");
  t.diagnostic(`${ledger.confirmed.size} messages confirmed, ${KILLS} kills`);
  leveret.signal("SIGTERM");
  assert.equal(await leveret.ended, 0);
});

function publisher(ledger: SuperStreamLedger): Role {
  return async (url) => {
    const connection = await connect(url);
    const work = async (): Promise<never> => {
      const channel = await connection.createConfirmChannel();
      for (;;) {
        const burst = Array.from({ length: ledger.random.integer(1, BURST_MAX) }, () => ledger.publish(channel));
        await Promise.all(burst);
      }
    };
    return Promise.race([connectionLost(connection), work()]);
  };
}

/** One of a group that reads all partitions until the connection is lost. */
function reader(ledger: SuperStreamLedger): Role {
  return async (url) => {
    const connection = await connect(url);
    const lost = connectionLost(connection);
    await Promise.race([lost, readAll(connection, ledger)]);
    return lost;
  };
}

async function readAll(connection: ChannelModel, ledger: SuperStreamLedger): Promise<void> {
  const channel = await connection.createChannel();
  await channel.prefetch(PREFETCH);
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const queue = `${EXCHANGE}-${partition}`;
    const options = { consumerTag: `billing-${partition}`, arguments: { "x-single-active-consumer": true } };
    const onMessage = (message: ConsumeMessage | null): void => {
      if (message === null) assert.fail(`the consumer of ${queue} was cancelled`);
      ledger.receive(queue, message);
      channel.ack(message);
    };
    await channel.consume(queue, onMessage, options);
  }
}
