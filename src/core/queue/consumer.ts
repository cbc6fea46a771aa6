// Hot file: `ready` is asked for every delivery.

import type { FieldTable } from "../../wire/field-table.ts";
import type { Message } from "../message.ts";

/** A queue as those see it who take messages from it. */
export interface ConsumedQueue {
  readonly name: string;
  readonly vhostName: string;
  /** A delivered message is done with. */
  settle(sequence: number, persistent: boolean, bodyBytes: number): void;
  /**
   * A delivered message is ready again, at its old place. `failed`: its consumer could not deal with it or is gone,
   * rather than having returned it untouched. `headers` take the place of its own, in queues that count returns.
   */
  requeue(sequence: number, persistent: boolean, bodyBytes: number, failed: boolean, headers?: FieldTable): void;
  /**
   * A delivered message is refused for good: it goes where the queue's dead letters go. `headers` and `failed` as in
   * requeue.
   */
  reject(sequence: number, persistent: boolean, bodyBytes: number, headers?: FieldTable, failed?: boolean): void;
  /** Removes a consumer. Its unacknowledged messages stay with its session. */
  cancel(consumer: Consumer): void;
  /** A consumer of this queue may be able to take messages again. */
  consumerReady(): void;
}

/** Takes deliveries for the consumers of one session. */
export interface DeliverySink {
  /** False while the session can take no delivery, because its output is full. */
  accepts(): boolean;
  /** `sequence` is what to settle the message by; -1 for a consumer that does not acknowledge. */
  deliver(consumer: Consumer, message: Message, sequence: number, redelivered: boolean): void;
  /** The queue has gone, and with it the consumer. */
  consumerCancelled(consumer: Consumer): void;
  /** The consumer has not acknowledged in time, and messages have been taken back from it. */
  consumerTimedOut(consumer: Consumer, timeoutMilliseconds: number): void;
}

export interface ConsumerOptions {
  readonly tag: string;
  /** Deliveries count as acknowledged. */
  readonly noAck: boolean;
  readonly exclusive: boolean;
  /** x-priority: higher is served first while it can take messages. */
  readonly priority: number;
  /** Most unacknowledged deliveries; 0: no limit. */
  readonly prefetchCount: number;
  readonly arguments: FieldTable;
  /** x-consumer-timeout: milliseconds it may take to acknowledge; undefined: what its queue says. */
  readonly timeoutMilliseconds?: number | undefined;
}

/** One subscription to a queue. */
export class Consumer {
  readonly tag: string;
  readonly queue: ConsumedQueue;
  readonly noAck: boolean;
  readonly exclusive: boolean;
  readonly priority: number;
  readonly arguments: FieldTable;
  readonly timeoutMilliseconds: number | undefined;
  readonly prefetchCount: number;
  unackedCount = 0;
  /** Sequence numbers of messages taken back from it that it has not answered for; it gets nothing meanwhile. */
  #takenBack: Set<number> | undefined;
  readonly sink: DeliverySink;
  /** For the protocol layer: what it prepared to write deliveries with. */
  prepared: Buffer | undefined;

  constructor(queue: ConsumedQueue, sink: DeliverySink, options: ConsumerOptions) {
    this.queue = queue;
    this.sink = sink;
    this.tag = options.tag;
    this.noAck = options.noAck;
    this.exclusive = options.exclusive;
    this.priority = options.priority;
    this.prefetchCount = options.prefetchCount;
    this.arguments = options.arguments;
    this.timeoutMilliseconds = options.timeoutMilliseconds;
  }

  /** A message is taken back from it. */
  takeBack(sequence: number): void {
    this.#takenBack ??= new Set();
    this.#takenBack.add(sequence);
  }

  /** It answers for a message; true when that had been taken back, so that the answer comes too late. */
  answersLate(sequence: number): boolean {
    if (this.#takenBack === undefined || !this.#takenBack.delete(sequence)) return false;
    if (this.#takenBack.size === 0) this.#takenBack = undefined;
    return true;
  }

  /** True when a message has been taken back from it that it has not answered for. */
  get suspended(): boolean {
    return this.#takenBack !== undefined;
  }

  /** Unacknowledged deliveries that have not been taken back. */
  get openCount(): number {
    return this.unackedCount - (this.#takenBack === undefined ? 0 : this.#takenBack.size);
  }

  /** True when it can take a message now. */
  get ready(): boolean {
    if (this.noAck) return this.sink.accepts();
    if (this.#takenBack !== undefined) return false;
    return (this.prefetchCount === 0 || this.unackedCount < this.prefetchCount) && this.sink.accepts();
  }
}
