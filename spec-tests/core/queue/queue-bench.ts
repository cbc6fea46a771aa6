import { Alarms } from "../../../src/core/alarms.ts";
import { CommitBarrier } from "../../../src/core/commit-barrier.ts";
import { FlowControl } from "../../../src/core/flow-control.ts";
import type { Message } from "../../../src/core/message.ts";
import { NO_POLICY, type PolicyValues } from "../../../src/core/policy-values.ts";
import { ArenaPool } from "../../../src/core/queue/arena.ts";
import type { Consumer, DeliverySink } from "../../../src/core/queue/consumer.ts";
import type { DeadLetterRouter } from "../../../src/core/queue/dead-letter/dead-letter-router.ts";
import type { DeathReason } from "../../../src/core/queue/dead-letter/death.ts";
import { MemoryBudget } from "../../../src/core/queue/memory-budget.ts";
import { MessageQueue } from "../../../src/core/queue/message-queue.ts";
import type { Queue } from "../../../src/core/queue/queue.ts";
import { queueSettings } from "../../../src/core/queue/queue-settings.ts";
import type { QueueType } from "../../../src/core/queue-type.ts";
import type { Receipt } from "../../../src/core/receipt.ts";
import { Turn } from "../../../src/core/turn.ts";
import { silentLogger } from "../../../src/lib/logger.ts";
import { ManualClock } from "../../../src/lib/manual-clock.ts";
import { MemoryState } from "../../../src/store/memory-state.ts";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import { contentBody } from "../../../src/wire/content.ts";
import { EMPTY_TABLE, type FieldTable } from "../../../src/wire/field-table.ts";
import { FaultyStore } from "../../support/faulty-store.ts";
import { ManualTurns } from "../../support/manual-turns.ts";
import { messageTo } from "../../support/messages.ts";

/** Takes what dies, unless told to take nothing. */
export class Graveyard implements DeadLetterRouter {
  readonly dead: { body: string; reason: DeathReason }[] = [];
  /** The same, as they came. */
  readonly messages: Message[] = [];
  takes = true;

  deadLetter(message: Message, _queueName: string, reason: DeathReason): void {
    this.dead.push({ body: bodyOf(message), reason });
    this.messages.push(message.detached());
  }

  tryDeadLetter(message: Message, queueName: string, reason: DeathReason): boolean {
    if (this.takes) this.deadLetter(message, queueName, reason);
    return this.takes;
  }
}

export interface QueueBenchOptions {
  readonly type?: QueueType;
  readonly policy?: PolicyValues;
}

/** A queue on its own, whose turns and commits the test makes. */
export class QueueBench {
  readonly clock = new ManualClock();
  readonly store: FaultyStore;
  readonly memory = new MemoryBudget(64 * 1024 * 1024);
  readonly turn: Turn;
  readonly graveyard = new Graveyard();
  readonly queue: Queue;
  readonly #barrier: CommitBarrier;
  readonly #turns = new ManualTurns();

  constructor(
    queueArguments: FieldTable = EMPTY_TABLE,
    durable = false,
    state = new MemoryState(),
    { type = "classic", policy = NO_POLICY }: QueueBenchOptions = {},
  ) {
    this.store = new FaultyStore(new MemoryStore(state));
    this.turn = new Turn(this.#turns.defer, this.clock);
    const barrier = new CommitBarrier(this.store, this.clock, silentLogger, this.turn.wake);
    this.#barrier = barrier;
    this.turn.attach(barrier, new FlowControl(barrier, 32 * 1024 * 1024, new Alarms(silentLogger)));
    this.queue = new MessageQueue(
      {
        id: 1,
        name: "q",
        vhostName: "/",
        type,
        durable,
        autoDelete: false,
        exclusiveOwner: undefined,
        arguments: queueArguments,
        settings: queueSettings(type, queueArguments, policy),
        deadLetters: this.graveyard,
      },
      {
        store: this.store,
        barrier,
        arenas: new ArenaPool(),
        memory: this.memory,
        turn: this.turn,
        clock: this.clock,
        consumerTimeoutMilliseconds: 1_800_000,
      },
    );
  }

  push(
    body: string,
    options: { expiresIn?: number; persistent?: boolean; priority?: number; receipt?: Receipt; number?: number } = {},
  ): void {
    const message = messageTo("q", body, options.persistent);
    message.publishedAt = this.clock.now();
    message.expiresAt = options.expiresIn === undefined ? 0 : this.clock.now() + options.expiresIn;
    if (options.priority !== undefined) message.priority = options.priority;
    this.queue.push(message, options.receipt, options.number ?? 0);
  }

  /** Takes over what the store holds, as after a restart. */
  recover(): void {
    this.store.recover({
      definition() {},
      note: (_ownerId, key, value) => this.queue.recoverNote(key, value),
      chunk: (_queueId, chunk, settlement) => this.queue.recoverChunk(chunk, settlement),
    });
  }

  /** Ends turns, and commits, until nothing is left to do or the store holds a commit back. */
  settle(): Promise<void> {
    return this.#turns.settle(this.#barrier, this.store);
  }
}

/** Takes what a queue delivers. */
export class Sink implements DeliverySink {
  readonly delivered: string[] = [];
  readonly sequences: number[] = [];
  readonly messages: Message[] = [];
  writable = true;
  cancelled = 0;
  timedOut = 0;

  accepts(): boolean {
    return this.writable;
  }

  deliver(_consumer: Consumer, message: Message, sequence: number): void {
    this.delivered.push(bodyOf(message));
    this.sequences.push(sequence);
    this.messages.push(message.detached());
  }

  consumerCancelled(): void {
    this.cancelled++;
  }

  consumerTimedOut(): void {
    this.timedOut++;
  }
}

export const CONSUMER = {
  tag: "c",
  noAck: false,
  exclusive: false,
  priority: 0,
  prefetchCount: 0,
  arguments: EMPTY_TABLE,
};

export function bodyOf({ buffer, contentStart, contentEnd }: Message): string {
  return contentBody(buffer, contentStart, contentEnd).toString();
}
