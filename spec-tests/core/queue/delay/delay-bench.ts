import assert from "node:assert/strict";
import { Alarms } from "../../../../src/core/alarms.ts";
import { CommitBarrier } from "../../../../src/core/commit-barrier.ts";
import { FlowControl } from "../../../../src/core/flow-control.ts";
import { Message } from "../../../../src/core/message.ts";
import { ArenaPool } from "../../../../src/core/queue/arena.ts";
import { DelayedLog, type DelayedLogEnvironment } from "../../../../src/core/queue/delay/delayed-log.ts";
import { MemoryBudget } from "../../../../src/core/queue/memory-budget.ts";
import { MessageLog } from "../../../../src/core/queue/message-log.ts";
import type { Receipt } from "../../../../src/core/receipt.ts";
import { Turn } from "../../../../src/core/turn.ts";
import { silentLogger } from "../../../../src/lib/logger.ts";
import { ManualClock } from "../../../../src/lib/manual-clock.ts";
import { MemoryState } from "../../../../src/store/memory-state.ts";
import { MemoryStore } from "../../../../src/store/memory-store.ts";
import { contentBody } from "../../../../src/wire/content.ts";
import { FaultyStore } from "../../../support/faulty-store.ts";
import { ManualTurns } from "../../../support/manual-turns.ts";
import { messageTo } from "../../../support/messages.ts";

const DELAYED_ID = 1;
const TARGET_ID = 2;

export interface HoldOptions {
  /** Milliseconds; default 0. */
  readonly delay?: number;
  /** Milliseconds; default: never. */
  readonly expiresIn?: number;
  /** Default true. */
  readonly persistent?: boolean;
  readonly receipt?: Receipt;
  readonly number?: number;
}

export interface DelayBenchOptions {
  readonly state?: MemoryState;
  readonly clock?: ManualClock;
  readonly durable?: boolean;
  /** So many messages in no order are sorted; default: more than any test has. */
  readonly sortMessages?: number;
  readonly keepsNumbers?: boolean;
  /** Octets of messages that may be in memory; default 65,536. */
  readonly memoryBytes?: number;
}

/** A delayed log on its own, and a message log that takes what it lets go. The test makes turns and commits. */
export class DelayBench {
  readonly clock: ManualClock;
  readonly state: MemoryState;
  readonly store: FaultyStore;
  readonly barrier: CommitBarrier;
  readonly turn: Turn;
  readonly memory: MemoryBudget;
  readonly environment: DelayedLogEnvironment;
  readonly log: DelayedLog;
  readonly target: MessageLog;
  /** The bodies of what has been let go, in that order, and when it was. */
  readonly released: string[] = [];
  readonly releasedAt: number[] = [];
  /** The last message let go, as it was then. */
  last = new Message();
  /** Called for each message that is let go. */
  onRelease: (body: string) => void = () => {};
  readonly #turns = new ManualTurns();

  readonly #options: DelayBenchOptions;

  constructor(options: DelayBenchOptions = {}) {
    const { state = new MemoryState(), clock = new ManualClock(), durable = true, sortMessages = 1e6 } = options;
    const { keepsNumbers = false, memoryBytes = 64 * 1024 } = options;
    this.memory = new MemoryBudget(memoryBytes);
    this.#options = options;
    this.state = state;
    this.clock = clock;
    this.store = new FaultyStore(new MemoryStore(state));
    this.turn = new Turn(this.#turns.defer, clock);
    this.barrier = new CommitBarrier(this.store, clock, silentLogger, this.turn.wake);
    this.turn.attach(this.barrier, new FlowControl(this.barrier, 32 * 1024 * 1024, new Alarms(silentLogger)));
    this.environment = {
      store: this.store,
      barrier: this.barrier,
      arenas: new ArenaPool(),
      memory: this.memory,
      turn: this.turn,
      clock,
    };
    const { environment } = this;
    this.target = new MessageLog(TARGET_ID, true, environment);
    const release = (message: Message): void => this.#take(message);
    const sortThreshold = { messages: sortMessages, bytes: 8 * 1024 * 1024 };
    this.log = new DelayedLog(
      { id: DELAYED_ID, name: "d", durable, release, sortThreshold, keepsNumbers },
      environment,
    );
    this.store.recover({
      definition() {},
      note() {},
      chunk: (id, chunk, settlement) => {
        if (id === DELAYED_ID) this.log.recoverChunk(chunk, settlement);
        else this.target.recoverChunk(chunk, settlement);
      },
    });
  }

  hold(body: string, { delay = 0, expiresIn, persistent = true, receipt, number = 0 }: HoldOptions = {}): void {
    const message = messageTo("q", body, persistent);
    message.publishedAt = this.clock.now();
    if (expiresIn !== undefined) message.expiresAt = this.clock.now() + expiresIn;
    this.log.hold(message, this.clock.now() + delay, receipt, number);
    assert.equal(message.publishedAt, this.clock.now(), "the message is left as it was");
  }

  /** One turn. */
  runTurn(): void {
    this.#turns.run();
  }

  /** Ends turns, and commits, until none is asked for. */
  settle(): Promise<void> {
    return this.#turns.settle(this.barrier, this.store);
  }

  async advance(milliseconds: number): Promise<void> {
    this.clock.advance(milliseconds);
    await this.settle();
  }

  /** The same after a restart: what is not committed is gone. */
  restarted(): DelayBench {
    this.log.stop();
    return new DelayBench({ ...this.#options, state: this.state, clock: this.clock });
  }

  /** The bodies in the target, which it takes out. */
  takeTarget(): string[] {
    const bodies: string[] = [];
    const message = new Message();
    while (this.target.peek(message)) {
      bodies.push(bodyOf(message));
      this.target.settle(this.target.take(message), message.persistent, message.bodyBytes);
    }
    return bodies;
  }

  #take(message: Message): void {
    const body = bodyOf(message);
    this.released.push(body);
    this.releasedAt.push(this.clock.now());
    this.last = message.detached();
    this.onRelease(body);
    this.target.append(message, undefined, 0);
  }
}

export function bodyOf({ buffer, contentStart, contentEnd }: Message): string {
  return contentBody(buffer, contentStart, contentEnd).toString();
}

/** Notes what becomes of publishes. */
export class Receipts implements Receipt {
  readonly safe: number[] = [];
  readonly lost: number[] = [];

  stored(publishSequence: number): void {
    this.safe.push(publishSequence);
  }

  refused(publishSequence: number): void {
    this.lost.push(publishSequence);
  }
}
