import assert from "node:assert/strict";
import { test } from "node:test";
import { type ChannelModel, type ConfirmChannel, connect } from "amqplib";
import { startLeveret } from "../cli/leveret-process.ts";
import type { SeededRandom } from "../fuzz/seeded-random.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { withConnection } from "./inspection.ts";
import { crashRandom, killDuring } from "./kill-round.ts";
import { connectionLost, type Role } from "./roles.ts";

const KILLS = Number(process.env["LEVERET_CRASH_KILLS"] ?? 6);
const KILL_AFTER_MILLISECONDS_MAX = 300;
const BURST_MAX = 40;
/** More than a run publishes. */
const CACHE_SIZE = 1_000_000;

/** Where messages are published, and the queue that gets them. */
const PLACES = [
  { exchange: "unique", queue: "of-exchange" },
  { exchange: "", queue: "of-window" },
  { exchange: "", queue: "while-in-queue" },
] as const;

type Place = (typeof PLACES)[number];

test("[crash/x-message-deduplication] however often a message is sent, through kill -9, it is there once", async (t) => {
  const random = crashRandom((seed) => t.diagnostic(seed));
  const args = ["--data-dir", temporaryDirectory(t), "--log-level", "info"];
  const publishers = PLACES.map((place) => new Publisher(place, random.fork()));

  let running = await startLeveret(t, args);
  await withConnection(running.url, declare);
  for (let round = 0; round < KILLS; round++) {
    const roles = publishers.map((publisher): Role => publisher.publishUntilLost.bind(publisher));
    const milliseconds = random.integer(0, KILL_AFTER_MILLISECONDS_MAX);
    const before = publishers.map(({ confirmedCount }) => confirmedCount);
    const begun = (): boolean => publishers.every(({ confirmedCount }, at) => confirmedCount > (before[at] as number));
    await killDuring(roles, running, { milliseconds, begun });
    running = await startLeveret(t, args);
  }
  await withConnection(running.url, async (connection) => {
    for (const publisher of publishers) await publisher.audit(connection);
  });
  t.diagnostic(`${publishers.map(({ idCount }) => idCount).join(", ")} ids published, ${KILLS} kills`);
  running.leveret.signal("SIGTERM");
  assert.equal(await running.leveret.ended, 0);
});

async function declare(connection: ChannelModel): Promise<void> {
  const channel = await connection.createChannel();
  const table = { "x-cache-size": CACHE_SIZE };
  await channel.assertExchange("unique", "x-message-deduplication", { durable: true, arguments: table });
  await channel.assertQueue("of-exchange", { durable: true });
  await channel.bindQueue("of-exchange", "unique", "");
  const byMessageId = { "x-message-deduplication": true, "x-deduplication-property": "message-id" };
  await channel.assertQueue("of-window", { durable: true, arguments: { ...byMessageId, ...table } });
  await channel.assertQueue("while-in-queue", { durable: true, arguments: byMessageId });
  await channel.close();
}

/** Publishes numbered messages, each one twice or more: at once, or again because it was not confirmed. */
class Publisher {
  readonly #place: Place;
  readonly #random: SeededRandom;
  readonly #confirmed = new Set<number>();
  readonly #unconfirmed = new Set<number>();
  idCount = 0;

  constructor(place: Place, random: SeededRandom) {
    this.#place = place;
    this.#random = random;
  }

  get confirmedCount(): number {
    return this.#confirmed.size;
  }

  /** Rejects when the connection is lost. */
  async publishUntilLost(url: string): Promise<never> {
    const connection = await connect(url);
    const publishing = connection.createConfirmChannel().then((channel) => this.#publish(channel));
    return Promise.race([connectionLost(connection), publishing]);
  }

  /** What was confirmed must be there; then everything is sent once more, and must be there once. */
  async audit(connection: ChannelModel): Promise<void> {
    const channel = await connection.createConfirmChannel();
    const found = await this.#take(channel);
    for (const id of this.#confirmed)
      assert.ok(found.includes(id), `${this.#place.queue}: ${id} was confirmed and is lost`);
    // Not acknowledged, what has been found is still in the queue.
    await Promise.all([...this.#unconfirmed, ...this.#confirmed].map((id) => this.#send(channel, id)));
    const all = [...found, ...(await this.#take(channel))].sort((a, b) => a - b);
    const expected = Array.from({ length: this.idCount }, (_, index) => index + 1);
    assert.deepEqual(all, expected, `${this.#place.queue}: every id once`);
    await channel.close();
  }

  async #take(channel: ConfirmChannel): Promise<number[]> {
    const ids: number[] = [];
    for (;;) {
      const message = await channel.get(this.#place.queue);
      if (message === false) return ids;
      ids.push(Number(message.properties.messageId));
    }
  }

  async #publish(channel: ConfirmChannel): Promise<never> {
    await Promise.all([...this.#unconfirmed].map((id) => this.#send(channel, id)));
    for (;;) {
      const burst = Array.from({ length: this.#random.integer(1, BURST_MAX) }, () => ++this.idCount);
      const again = burst.filter(() => this.#random.chance(0.7));
      await Promise.all([...burst, ...again].map((id) => this.#send(channel, id)));
    }
  }

  #send(channel: ConfirmChannel, id: number): Promise<void> {
    const { exchange, queue } = this.#place;
    const properties = {
      persistent: true,
      messageId: String(id),
      headers: { "x-deduplication-header": `id-${id}` },
    };
    if (!this.#confirmed.has(id)) this.#unconfirmed.add(id);
    return new Promise((resolve, reject) => {
      channel.publish(exchange, queue, Buffer.from(`message ${id}`), properties, (error) => {
        if (error) return reject(error);
        this.#unconfirmed.delete(id);
        this.#confirmed.add(id);
        resolve();
      });
    });
  }
}
