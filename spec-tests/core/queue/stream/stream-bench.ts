import assert from "node:assert/strict";
import { Alarms } from "../../../../src/core/alarms.ts";
import { CommitBarrier } from "../../../../src/core/commit-barrier.ts";
import { FlowControl } from "../../../../src/core/flow-control.ts";
import { Message } from "../../../../src/core/message.ts";
import { NO_POLICY } from "../../../../src/core/policy-values.ts";
import type { Store } from "../../../../src/core/ports.ts";
import { ArenaPool } from "../../../../src/core/queue/arena.ts";
import type { Consumer, DeliverySink } from "../../../../src/core/queue/consumer.ts";
import type { DeadLetterRouter } from "../../../../src/core/queue/dead-letter/dead-letter-router.ts";
import { MemoryBudget } from "../../../../src/core/queue/memory-budget.ts";
import { queueSettings } from "../../../../src/core/queue/queue-settings.ts";
import { StreamQueue } from "../../../../src/core/queue/stream/stream-queue.ts";
import type { Receipt } from "../../../../src/core/receipt.ts";
import { Turn } from "../../../../src/core/turn.ts";
import { silentLogger } from "../../../../src/lib/logger.ts";
import { ManualClock } from "../../../../src/lib/manual-clock.ts";
import { contentBody, contentProperties, encodeContent } from "../../../../src/wire/content.ts";
import { EMPTY_TABLE, type FieldTable, type PlainFieldValue, tableFrom } from "../../../../src/wire/field-table.ts";
import { decodeProperties, encodeProperties } from "../../../../src/wire/properties.ts";
import { ManualTurns } from "../../../support/manual-turns.ts";

export const STREAM_ID = 5;

const NO_DEAD_LETTERS: DeadLetterRouter = {
  deadLetter() {
    assert.fail("a stream has no dead letters");
  },
  tryDeadLetter() {
    assert.fail("a stream has no dead letters");
  },
};

export interface StreamBenchOptions {
  readonly clock?: ManualClock;
  readonly memoryBytes?: number;
}

/** What a test asks of a consumer; arguments as plain values, or a table for other types. */
export interface ConsumeOptions {
  readonly tag?: string;
  readonly prefetch?: number;
  readonly noAck?: boolean;
  readonly exclusive?: boolean;
  readonly arguments?: Readonly<Record<string, PlainFieldValue>> | FieldTable;
}

/** A stream on its own, whose turns and commits the test makes. */
export class StreamBench {
  readonly clock: ManualClock;
  readonly store: Store;
  readonly memory: MemoryBudget;
  readonly barrier: CommitBarrier;
  readonly stream: StreamQueue;
  readonly #turn: Turn;
  readonly #turns = new ManualTurns();

  /** Opens a stream on what `store` holds. */
  constructor(store: Store, streamArguments: FieldTable = EMPTY_TABLE, options: StreamBenchOptions = {}) {
    this.clock = options.clock ?? new ManualClock();
    this.store = store;
    this.memory = new MemoryBudget(options.memoryBytes ?? 64 * 1024 * 1024);
    this.#turn = new Turn(this.#turns.defer, this.clock);
    this.barrier = new CommitBarrier(store, this.clock, silentLogger, this.#turn.wake);
    this.#turn.attach(this.barrier, new FlowControl(this.barrier, 32 * 1024 * 1024, new Alarms(silentLogger)));
    this.stream = new StreamQueue(
      {
        id: STREAM_ID,
        name: "s",
        vhostName: "/",
        type: "stream",
        durable: true,
        autoDelete: false,
        exclusiveOwner: undefined,
        arguments: streamArguments,
        settings: queueSettings("stream", streamArguments, NO_POLICY),
        deadLetters: NO_DEAD_LETTERS,
      },
      {
        store,
        barrier: this.barrier,
        arenas: new ArenaPool(),
        memory: this.memory,
        turn: this.#turn,
        clock: this.clock,
        consumerTimeoutMilliseconds: 0,
      },
    );
    store.recover({
      definition() {},
      note: (_ownerId, key, value) => this.stream.recoverNote(key, value),
      chunk: (_queueId, chunk) => this.stream.recoverChunk(chunk),
    });
  }

  push(
    body: string | Buffer,
    options: { headers?: FieldTable; receipt?: Receipt; publishSequence?: number } = {},
  ): void {
    const message = streamMessage(Buffer.from(body), options.headers);
    message.publishedAt = this.clock.now();
    this.stream.push(message, options.receipt, options.publishSequence ?? 0);
  }

  /** Publishes bodies and makes them durable, as one commit. */
  async publish(...bodies: readonly string[]): Promise<void> {
    for (const body of bodies) this.push(body);
    await this.settle();
  }

  /** Publishes a message with an x-stream-filter-value. */
  pushFiltered(body: string, value: string): void {
    this.push(body, { headers: tableFrom({ "x-stream-filter-value": value }) });
  }

  consume(sink: DeliverySink, options: ConsumeOptions = {}): Consumer {
    const asked = options.arguments ?? EMPTY_TABLE;
    return this.stream.consume(sink, {
      tag: options.tag ?? "amq.ctag-1",
      noAck: options.noAck ?? false,
      exclusive: options.exclusive ?? false,
      priority: 0,
      prefetchCount: options.prefetch ?? 100,
      arguments: asked instanceof Map ? asked : tableFrom(asked as Readonly<Record<string, PlainFieldValue>>),
    });
  }

  /** Ends one turn. */
  async turn(): Promise<void> {
    this.#turns.run();
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Ends turns until everything is durable and delivered. */
  settle(): Promise<void> {
    return this.#turns.settle(this.barrier);
  }
}

/** Notes what a session would be given, and acknowledges as a session does. */
export class Reader implements DeliverySink {
  readonly bodies: string[] = [];
  /** The x-stream-offset of each delivery, which is also what it is settled by. */
  readonly offsets: number[] = [];
  readonly unacked: number[] = [];
  isWritable = true;
  cancelled = 0;
  consumer: Consumer | undefined;

  accepts(): boolean {
    return this.isWritable;
  }

  deliver(consumer: Consumer, message: Message, sequence: number, redelivered: boolean): void {
    assert.equal(offsetHeader(message), BigInt(sequence), "the header says the offset");
    assert.equal(redelivered, false);
    this.consumer = consumer;
    this.bodies.push(bodyOf(message));
    this.offsets.push(sequence);
    this.unacked.push(sequence);
  }

  consumerCancelled(): void {
    this.cancelled++;
  }

  consumerTimedOut(): void {
    assert.fail("a stream's consumers do not time out");
  }

  /** Acknowledges the oldest `count` deliveries, as basic.ack does. */
  ack(count = this.unacked.length): void {
    for (const offset of this.unacked.splice(0, count)) this.#end(offset, "settle");
  }

  /** Acknowledges one delivery out of order. */
  ackOffset(offset: number): void {
    this.unacked.splice(this.unacked.indexOf(offset), 1);
    this.#end(offset, "settle");
  }

  /** Ends the oldest delivery as basic.reject does. */
  end(outcome: "reject" | "requeue"): void {
    this.#end(this.unacked.shift() as number, outcome);
  }

  /** The session ends: its consumer goes, then what it has not acknowledged is given back. */
  close(consumer: Consumer): void {
    consumer.queue.cancel(consumer);
    for (const offset of this.unacked.splice(0)) consumer.queue.requeue(offset, true, 0, true);
  }

  #end(offset: number, outcome: "settle" | "reject" | "requeue"): void {
    const consumer = this.consumer as Consumer;
    if (outcome === "settle") consumer.queue.settle(offset, true, 0);
    else if (outcome === "reject") consumer.queue.reject(offset, true, 0);
    else consumer.queue.requeue(offset, true, 0, true);
    consumer.unackedCount--;
    consumer.queue.consumerReady();
  }
}

/** A transient message to a queue "s". */
export function streamMessage(body: Buffer, headers?: FieldTable): Message {
  const message = new Message();
  const address = Buffer.from("\x00\x01s", "latin1");
  const content = encodeContent(encodeProperties({ deliveryMode: 1, headers }), body, 131_072);
  message.buffer = Buffer.concat([address, content]);
  message.addressEnd = address.length;
  message.contentStart = address.length;
  message.contentEnd = message.buffer.length;
  message.bodyBytes = body.length;
  return message;
}

export function bodyOf({ buffer, contentStart, contentEnd }: Message): string {
  return contentBody(buffer, contentStart, contentEnd).toString();
}

export function headersOf({ buffer, contentStart }: Message): FieldTable {
  const { start, end } = contentProperties(buffer, contentStart);
  return decodeProperties(buffer, start, end).headers ?? EMPTY_TABLE;
}

function offsetHeader(message: Message): bigint | undefined {
  const field = headersOf(message).get("x-stream-offset");
  return field?.type === "long" ? field.value : undefined;
}

/** `count` bodies that begin with `prefix`, numbered from `from`. */
export function bodies(count: number, prefix = "", from = 0): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${from + index}`);
}

export function numbers(from: number, end: number): number[] {
  return Array.from({ length: end - from }, (_, index) => from + index);
}
