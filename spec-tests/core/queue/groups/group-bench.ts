import assert from "node:assert/strict";
import { Message } from "../../../../src/core/message.ts";
import type { PolicyValues } from "../../../../src/core/policy-values.ts";
import type { Consumer, DeliverySink } from "../../../../src/core/queue/consumer.ts";
import { GroupedLog } from "../../../../src/core/queue/groups/grouped-log.ts";
import type { MessageQueue } from "../../../../src/core/queue/message-queue.ts";
import { queueSettings } from "../../../../src/core/queue/queue-settings.ts";
import type { QueueType } from "../../../../src/core/queue-type.ts";
import { MemoryState } from "../../../../src/store/memory-state.ts";
import { encodeContent } from "../../../../src/wire/content.ts";
import { tableFrom } from "../../../../src/wire/field-table.ts";
import { encodeProperties, type Properties } from "../../../../src/wire/properties.ts";
import { bodyOf, CONSUMER, QueueBench } from "../queue-bench.ts";

type Arguments = Parameters<typeof tableFrom>[0];

const HEADER = "customer";

/** One delivery, as its consumer has it. */
export interface Delivery {
  readonly body: string;
  readonly sequence: number;
  readonly persistent: boolean;
  readonly redelivered: boolean;
}

export interface GroupBenchOptions {
  readonly type?: QueueType;
  readonly durable?: boolean;
  readonly state?: MemoryState;
  readonly policy?: PolicyValues;
}

/** A queue with groups on its own, and consumers that answer as a session does. */
export class GroupBench {
  readonly state: MemoryState;
  readonly bench: QueueBench;
  readonly queue: MessageQueue;
  readonly log: GroupedLog;
  readonly #message = new Message();

  constructor(queueArguments: Arguments = {}, options: GroupBenchOptions = {}) {
    this.state = options.state ?? new MemoryState();
    const grouping = "x-group-property" in queueArguments ? {} : { "x-group-header": HEADER };
    const table = tableFrom({ ...grouping, ...queueArguments });
    this.bench = new QueueBench(table, options.durable ?? false, this.state, options);
    this.queue = this.bench.queue as MessageQueue;
    assert(this.queue.log instanceof GroupedLog);
    this.log = this.queue.log;
  }

  /** Publishes messages whose group is the letter they begin with; those that begin with a dot are in none. */
  push(...bodies: string[]): void {
    for (const body of bodies) this.pushWith(body, body.startsWith(".") ? undefined : (body[0] as string));
  }

  pushWith(
    body: string,
    group: string | undefined,
    { expiresIn, persistent = false }: { expiresIn?: number | undefined; persistent?: boolean } = {},
  ): void {
    this.pushProperties(body, group === undefined ? {} : { headers: tableFrom({ [HEADER]: group }) }, {
      expiresIn,
      persistent,
    });
  }

  pushProperties(
    body: string,
    properties: Properties,
    { expiresIn, persistent = false }: { expiresIn?: number | undefined; persistent?: boolean } = {},
  ): void {
    const { clock } = this.bench;
    const message = new Message();
    const content = encodeContent(encodeProperties(properties), Buffer.from(body), 131_072);
    message.buffer = Buffer.concat([Buffer.of(0, 1), Buffer.from("q"), content]);
    message.addressEnd = 3;
    message.contentStart = 3;
    message.contentEnd = message.buffer.length;
    message.bodyBytes = Buffer.byteLength(body);
    message.persistent = persistent;
    message.publishedAt = clock.now();
    message.expiresAt = expiresIn === undefined ? 0 : clock.now() + expiresIn;
    this.queue.push(message, undefined, 0);
  }

  /** A policy for the queue has come. */
  applyPolicy(policy: PolicyValues): void {
    const { type, arguments: queueArguments } = this.queue;
    this.queue.configure(queueSettings(type, queueArguments, policy));
  }

  /** Starts a consumer; prefetch 0: no limit. */
  consume(prefetchCount = 0, options: Partial<typeof CONSUMER> = {}): Worker {
    return new Worker(this.queue, { ...CONSUMER, prefetchCount, ...options });
  }

  /** basic.get; undefined when there is nothing for this holder. */
  get(holder?: () => void): Delivery | undefined {
    const sequence = this.queue.get(this.#message, holder);
    if (sequence < 0) return undefined;
    const { persistent } = this.#message;
    return { body: bodyOf(this.#message), sequence, persistent, redelivered: this.queue.gotRedelivered };
  }

  /** Everything that is ready, in the order in which one who settles each at once gets it. */
  drain(): string[] {
    const bodies: string[] = [];
    for (let got = this.get(); got !== undefined; got = this.get()) {
      bodies.push(got.body);
      this.queue.settle(got.sequence, got.persistent, got.body.length);
    }
    return bodies;
  }

  /** Ends turns until none is asked for. */
  settle(): Promise<void> {
    return this.bench.settle();
  }

  /** The queue after a crash of the broker, with what the store has of it; `started` gets it before it does anything. */
  async restart(
    queueArguments: Arguments = {},
    options: GroupBenchOptions = {},
    started: (bench: GroupBench) => void = () => {},
  ): Promise<GroupBench> {
    await this.settle();
    this.queue.stop();
    const again = new GroupBench(queueArguments, { durable: true, ...options, state: this.state });
    again.bench.clock.advance(this.bench.clock.now() - again.bench.clock.now());
    started(again);
    again.bench.recover();
    again.bench.clock.advance(0);
    return again;
  }
}

/** A consumer, and what it has not settled. */
export class Worker implements DeliverySink {
  readonly consumer: Consumer;
  readonly #queue: MessageQueue;
  /** Bodies in the order in which they came. */
  readonly delivered: string[] = [];
  unacked: Delivery[] = [];
  writable = true;
  /** Unacknowledged deliveries that its client takes at most, as AMQP 1.0 has it; 0: any number. */
  openMax = 0;
  cancelled = 0;
  timedOut = 0;
  onDelivered: (delivery: Delivery) => void = () => {};

  constructor(queue: MessageQueue, options: typeof CONSUMER) {
    this.#queue = queue;
    this.consumer = queue.consume(this, options);
  }

  accepts(): boolean {
    return this.writable && (this.openMax === 0 || this.unacked.length < this.openMax);
  }

  deliver(_consumer: Consumer, message: Message, sequence: number, redelivered: boolean): void {
    const delivery = { body: bodyOf(message), sequence, persistent: message.persistent, redelivered };
    this.delivered.push(delivery.body);
    if (sequence >= 0) this.unacked.push(delivery);
    this.onDelivered(delivery);
  }

  consumerCancelled(): void {
    this.cancelled++;
  }

  consumerTimedOut(): void {
    this.timedOut++;
  }

  /** What has been delivered since this was last asked. */
  take(): string[] {
    return this.delivered.splice(0);
  }

  /** Acknowledges messages; all it has unless told. */
  ack(...bodies: string[]): void {
    for (const { sequence, persistent, body } of this.#answer(bodies)) {
      this.#queue.settle(sequence, persistent, body.length);
      this.#answered();
    }
  }

  reject(...bodies: string[]): void {
    for (const { sequence, persistent, body } of this.#answer(bodies)) {
      this.#queue.reject(sequence, persistent, body.length);
      this.#answered();
    }
  }

  requeue(...bodies: string[]): void {
    for (const delivery of this.#answer(bodies)) {
      this.#requeue(delivery, false);
      this.#answered();
    }
  }

  /** Has failed on messages, which are ready again. */
  fail(...bodies: string[]): void {
    for (const delivery of this.#answer(bodies)) {
      this.#requeue(delivery, true);
      this.#answered();
    }
  }

  /** Takes nothing any more; what it has stays with it. */
  cancel(): void {
    this.#queue.cancel(this.consumer);
  }

  /** Its channel is closed: what it has not settled is ready again. */
  close(): void {
    this.cancel();
    if (this.unacked.length > 0) this.fail();
  }

  #requeue({ sequence, persistent, body }: Delivery, failed: boolean): void {
    if (!this.consumer.answersLate(sequence)) this.#queue.requeue(sequence, persistent, body.length, failed);
  }

  /** Takes the deliveries out of what is unacknowledged, those that have not been taken back. */
  #answer(bodies: readonly string[]): Delivery[] {
    if (bodies.length === 0) return this.unacked.splice(0);
    return bodies.map((wanted) => {
      const index = this.unacked.findIndex(({ body }) => body === wanted);
      assert(index >= 0, `${wanted} is unacknowledged`);
      return this.unacked.splice(index, 1)[0] as Delivery;
    });
  }

  #answered(): void {
    this.consumer.unackedCount--;
    this.#queue.consumerReady();
  }
}
