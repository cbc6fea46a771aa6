/**
 * What groups cost a queue, without sockets: `node dist/spec-tests/core/queue/groups/throughput.js`. Prints microseconds
 * of processor time for a message that is published, delivered and acknowledged, in a plain queue and in one with groups.
 */

import { Message } from "../../../../src/core/message.ts";
import type { Consumer, DeliverySink } from "../../../../src/core/queue/consumer.ts";
import type { Queue } from "../../../../src/core/queue/queue.ts";
import { encodeContent } from "../../../../src/wire/content.ts";
import { EMPTY_TABLE, tableFrom } from "../../../../src/wire/field-table.ts";
import { encodeProperties } from "../../../../src/wire/properties.ts";
import { SeededRandom } from "../../../fuzz/seeded-random.ts";
import { CONSUMER, QueueBench } from "../queue-bench.ts";

const CONSUMERS = 10;
const PREFETCH = 100;
const MESSAGES = 500_000;
const MESSAGES_PER_TURN = 500;
const ROUNDS = 5;
const BODY = Buffer.alloc(100);

/** Acknowledges all it has when it is told to. */
class Worker implements DeliverySink {
  readonly #queue: Queue;
  readonly #consumer: Consumer;
  #sequences: number[] = [];
  deliveredCount = 0;

  constructor(queue: Queue) {
    this.#queue = queue;
    this.#consumer = queue.consume(this, { ...CONSUMER, prefetchCount: PREFETCH });
  }

  accepts(): boolean {
    return true;
  }

  deliver(_consumer: Consumer, _message: Message, sequence: number): void {
    this.#sequences.push(sequence);
    this.deliveredCount++;
  }

  consumerCancelled(): void {}

  consumerTimedOut(): void {}

  acknowledge(): void {
    const sequences = this.#sequences;
    this.#sequences = [];
    for (const sequence of sequences) {
      this.#queue.settle(sequence, false, BODY.length);
      this.#consumer.unackedCount--;
      this.#queue.consumerReady();
    }
  }
}

/** A queue with its consumers, and messages of so many groups. */
class Load {
  readonly #bench: QueueBench;
  readonly #workers: Worker[] = [];
  readonly #messages: Message[] = [];
  readonly #random = new SeededRandom(1);

  constructor(isGrouped: boolean, groups: number) {
    this.#bench = new QueueBench(isGrouped ? tableFrom({ "x-group-header": "customer" }) : EMPTY_TABLE);
    for (let number = 0; number < CONSUMERS; number++) this.#workers.push(new Worker(this.#bench.queue));
    for (let group = 0; group < groups; group++) this.#messages.push(messageOf(`customer-${group}`));
  }

  /** Microseconds of processor time a message. */
  run(): number {
    const { queue, turn } = this.#bench;
    const end = this.#delivered() + MESSAGES;
    const before = process.cpuUsage();
    for (let published = 0; this.#delivered() < end; ) {
      for (let count = 0; count < MESSAGES_PER_TURN && published < MESSAGES; count++, published++) {
        queue.push(this.#random.pick(this.#messages), undefined, 0);
      }
      turn.run();
      for (const worker of this.#workers) worker.acknowledge();
      turn.run();
    }
    const { user, system } = process.cpuUsage(before);
    return (user + system) / MESSAGES;
  }

  #delivered(): number {
    return this.#workers.reduce((sum, { deliveredCount }) => sum + deliveredCount, 0);
  }
}

function messageOf(customer: string): Message {
  const message = new Message();
  const content = encodeContent(encodeProperties({ headers: tableFrom({ customer }) }), BODY, 131_072);
  message.buffer = Buffer.concat([Buffer.of(0, 1), Buffer.from("q"), content]);
  message.addressEnd = 3;
  message.contentStart = 3;
  message.contentEnd = message.buffer.length;
  message.bodyBytes = BODY.length;
  return message;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] as number;
}

for (const groups of [10, 1_000, 100_000]) {
  const [plain, grouped] = [new Load(false, groups), new Load(true, groups)];
  const costs: { plain: number[]; grouped: number[] } = { plain: [], grouped: [] };
  for (let round = 0; round <= ROUNDS; round++) {
    const [plainCost, groupedCost] = [plain.run(), grouped.run()];
    if (round === 0) continue;
    costs.plain.push(plainCost);
    costs.grouped.push(groupedCost);
  }
  const [without, withGroups] = [median(costs.plain), median(costs.grouped)];
  console.log(`${groups} groups: plain ${without.toFixed(2)} µs, grouped ${withGroups.toFixed(2)} µs a message`);
}
