import assert from "node:assert/strict";
import { test } from "node:test";
import { Broker } from "../../../src/core/broker.ts";
import { DEFAULT_LIMITS } from "../../../src/core/limits.ts";
import type { Message } from "../../../src/core/message.ts";
import type { Consumer } from "../../../src/core/queue/consumer.ts";
import type { Queue } from "../../../src/core/queue/queue.ts";
import type { SessionOutput } from "../../../src/core/session/contract.ts";
import type { Session } from "../../../src/core/session/session.ts";
import type { Outcome } from "../../../src/core/session/transaction.ts";
import type { Vhost } from "../../../src/core/vhost.ts";
import { silentLogger } from "../../../src/lib/logger.ts";
import { systemRandom } from "../../../src/lib/random.ts";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import { contentBody } from "../../../src/wire/content.ts";
import { EMPTY_TABLE } from "../../../src/wire/field-table.ts";
import { SeededRandom } from "../../fuzz/seeded-random.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { messageTo } from "../../support/messages.ts";

const STEPS = 4_000;
const QUEUE_NAMES = ["transient", "durable"] as const;
const TAGS = ["a", "b", "c"] as const;

function isReturned(outcome: Outcome): boolean {
  return outcome === "released" || outcome === "failed";
}

/** A message as the model keeps it. */
interface Entry {
  readonly number: number;
  readonly queueName: string;
  state: "ready" | "unacked" | "gone";
  delivered: boolean;
}

/** A session, what it has been sent and what it owes. */
class Client implements SessionOutput {
  readonly model: Model;
  readonly session: Session;
  readonly unacked = new Map<number, Entry>();
  readonly consumers = new Map<string, { queueName: string; noAck: boolean }>();
  readonly unconfirmed = new Set<number>();
  /** What a transaction holds back. */
  heldPublishes: Entry[] = [];
  heldOutcomes: { tag: number; entry: Entry; outcome: Outcome }[] = [];
  writable = true;
  #published = 0;
  #lastTag = 0;

  constructor(model: Model, mode: "confirms" | "transactions") {
    this.model = model;
    const user = model.broker.users.get("guest");
    assert(user !== undefined);
    this.session = model.broker.openSession({ user, vhost: model.vhost, connection: model }, this);
    if (mode === "confirms") this.session.selectConfirms();
    else this.session.selectTransactions();
  }

  publish(queueName: string): void {
    const { model } = this;
    const entry: Entry = { number: model.nextNumber++, queueName, state: "ready", delivered: false };
    if (this.session.inTransaction) this.heldPublishes.push(entry);
    else {
      model.entries.push(entry);
      this.unconfirmed.add(++this.#published);
    }
    this.session.publish(messageTo(queueName, `${entry.number}`, model.random(2) === 0), true);
  }

  deliver(consumer: Consumer, deliveryTag: number, redelivered: boolean, message: Message): void {
    assert(this.writable, "a session that takes nothing is sent nothing");
    const subscription = this.consumers.get(consumer.tag);
    assert(subscription !== undefined, "only consumers that are there get deliveries");
    assert.equal(subscription.queueName, consumer.queue.name);
    this.#took(consumer.queue.name, deliveryTag, redelivered, message, subscription.noAck);
    const limited = !subscription.noAck && consumer.prefetchCount > 0;
    assert(!limited || consumer.unackedCount <= consumer.prefetchCount, "no more than the prefetch limit");
  }

  get(queueName: string): void {
    const noAck = this.model.random(2) === 0;
    const result = this.session.get(queueName, noAck);
    const ready = this.model.ready(queueName).length;
    if (result === undefined) {
      assert.equal(ready, 0, "nothing is ready when there is nothing to get");
      return;
    }
    assert.equal(result.messageCount, ready - 1);
    this.#took(queueName, result.deliveryTag, result.redelivered, result.message, noAck);
  }

  acknowledge(): void {
    const tags = [...this.unacked.keys()];
    if (tags.length === 0) return;
    const tag = tags[this.model.random(tags.length)] as number;
    const outcome = (["accepted", "released", "failed", "rejected"] as const)[this.model.random(4)] as Outcome;
    const multiple = this.model.random(4) === 0;
    this.session.acknowledge(tag, multiple, outcome);
    for (const each of multiple ? tags.filter((other) => other <= tag) : [tag]) {
      const entry = this.unacked.get(each) as Entry;
      this.unacked.delete(each);
      if (this.session.inTransaction) this.heldOutcomes.push({ tag: each, entry, outcome });
      else entry.state = isReturned(outcome) ? "ready" : "gone";
    }
    assert.throws(() => this.session.acknowledge(tag, false, "accepted"), /unknown delivery tag/);
  }

  commit(): void {
    if (!this.session.inTransaction) return;
    for (const entry of this.heldPublishes) this.model.entries.push(entry);
    this.heldPublishes = [];
    const outcomes = this.heldOutcomes;
    this.heldOutcomes = [];
    this.session.commitTransaction(() => {});
    for (const { entry, outcome } of outcomes) entry.state = isReturned(outcome) ? "ready" : "gone";
  }

  rollback(): void {
    if (!this.session.inTransaction) return;
    this.session.rollbackTransaction();
    for (const { tag, entry } of this.heldOutcomes) this.unacked.set(tag, entry);
    this.heldOutcomes = [];
    this.heldPublishes = [];
  }

  recover(): void {
    this.session.requeueAll();
    for (const entry of this.unacked.values()) entry.state = "ready";
    this.unacked.clear();
  }

  consume(queueName: string): void {
    const consumerTag = TAGS[this.model.random(TAGS.length)] as string;
    if (this.session.hasConsumer(consumerTag)) {
      this.session.cancel(consumerTag);
      this.consumers.delete(consumerTag);
      return;
    }
    const noAck = this.model.random(5) === 0;
    const request = { queueName, consumerTag, noAck, exclusive: false, arguments: EMPTY_TABLE };
    this.session.consume(request, () => this.consumers.set(consumerTag, { queueName, noAck }));
  }

  qos(): void {
    this.session.setPrefetch(this.model.random(4), false);
  }

  toggleWritable(): void {
    this.writable = !this.writable;
    if (this.writable) this.session.outputWritable();
  }

  close(): void {
    this.rollback();
    this.consumers.clear();
    this.session.close();
    for (const entry of this.unacked.values()) entry.state = "ready";
    this.unacked.clear();
  }

  returned(): void {
    assert.fail("every message has a queue");
  }

  consumerTimedOut(): void {}

  consumerCancelled(): void {
    assert.fail("no queue goes");
  }

  confirmed(publishSequence: number, multiple: boolean): void {
    for (const each of [...this.unconfirmed]) {
      if (each === publishSequence || (multiple && each < publishSequence)) this.unconfirmed.delete(each);
      else assert(each > publishSequence || !multiple);
    }
  }

  refused(): void {
    assert.fail("no publish is refused");
  }

  #took(queueName: string, deliveryTag: number, redelivered: boolean, message: Message, noAck: boolean): void {
    assert.equal(deliveryTag, ++this.#lastTag, "delivery tags count up");
    const entry = this.model.ready(queueName)[0];
    assert(entry !== undefined, "only ready messages are delivered");
    const { buffer, contentStart, contentEnd } = message;
    assert.equal(contentBody(buffer, contentStart, contentEnd).toString(), `${entry.number}`, "the oldest comes first");
    assert.equal(redelivered, entry.delivered, `redelivered of ${entry.number}`);
    entry.delivered = true;
    entry.state = noAck ? "gone" : "unacked";
    if (!noAck) this.unacked.set(deliveryTag, entry);
  }
}

/** Sessions of one broker beside plain lists that do the same. */
class Model {
  /** A whole number below the one given. */
  readonly random: (below: number) => number;
  readonly broker: Broker;
  readonly vhost: Vhost;
  readonly clients: Client[] = [];
  entries: Entry[] = [];
  nextNumber = 0;

  constructor(seed: number) {
    const random = new SeededRandom(seed);
    this.random = (below) => random.integer(0, below - 1);
    this.broker = new Broker({
      store: new MemoryStore(),
      clock: new ManualClock(),
      random: systemRandom,
      logger: silentLogger,
      // So little that messages are left to the store.
      limits: { ...DEFAULT_LIMITS, queueMemoryBytesMax: 1024 },
      identity: { product: "Leveret", version: "0.0.0" },
    });
    this.broker.open();
    this.vhost = this.broker.findVhost("/") as Vhost;
    for (const name of QUEUE_NAMES) {
      const durable = name === "durable";
      this.vhost.addQueue({ name, durable, autoDelete: false, exclusiveOwner: undefined, arguments: EMPTY_TABLE });
    }
    for (let index = 0; index < 4; index++) this.open();
  }

  open(): void {
    this.clients.push(new Client(this, this.random(3) === 0 ? "transactions" : "confirms"));
  }

  /** Ready messages of a queue in their order: what is requeued is back in its place. */
  ready(queueName: string): Entry[] {
    return this.entries.filter((entry) => entry.queueName === queueName && entry.state === "ready");
  }

  async step(): Promise<void> {
    const index = this.random(this.clients.length);
    const client = this.clients[index] as Client;
    const queueName = QUEUE_NAMES[this.random(QUEUE_NAMES.length)] as string;
    const die = this.random(100);
    if (die < 40) client.publish(queueName);
    else if (die < 70) client.acknowledge();
    else if (die < 75) client.get(queueName);
    else if (die < 80) client.commit();
    else if (die < 82) client.rollback();
    else if (die < 84) client.recover();
    else if (die < 88) client.consume(queueName);
    else if (die < 91) client.qos();
    else if (die < 93) client.toggleWritable();
    else if (die < 94) {
      client.close();
      this.clients.splice(index, 1);
      this.open();
    } else await this.endTurns();
  }

  async endTurns(): Promise<void> {
    for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
    for (const name of QUEUE_NAMES) {
      const queue = this.vhost.findQueue(name) as Queue;
      const ready = this.ready(name).length;
      assert.equal(queue.readyCount, ready, `ready in ${name}`);
      assert.equal(
        queue.unackedCount,
        this.entries.filter((entry) => entry.queueName === name && entry.state === "unacked").length,
        `unacknowledged in ${name}`,
      );
      if (ready > 0) this.#expectNoneCouldTake(name);
    }
    this.entries = this.entries.filter((entry) => entry.state !== "gone");
  }

  #expectNoneCouldTake(queueName: string): void {
    for (const { session, writable } of this.clients) {
      for (const consumer of session.consumers) {
        if (consumer.queue.name !== queueName) continue;
        const full = !consumer.noAck && consumer.prefetchCount > 0 && consumer.unackedCount >= consumer.prefetchCount;
        assert(full || !writable, `${consumer.tag} is left without messages that are ready`);
      }
    }
  }
}

test("[session] several sessions equal plain lists: order, redelivery, prefetch, counts, confirms, transactions", async () => {
  const seed = Number(process.env["SEED"] ?? SeededRandom.anySeed());
  const model = new Model(seed);
  try {
    for (let step = 0; step < STEPS; step++) await model.step();
    for (const client of model.clients) {
      if (!client.writable) client.toggleWritable();
      client.commit();
    }
    await model.endTurns();
    for (const { unconfirmed } of model.clients) assert.equal(unconfirmed.size, 0, "every publish is confirmed");
  } catch (error) {
    console.error(`replay with SEED=${seed}`);
    throw error;
  } finally {
    for (const client of model.clients) client.close();
    await model.broker.close();
  }
});
