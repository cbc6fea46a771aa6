// Hot file: append, peek, take and settle run for every message of a queue with priorities.

import { assert } from "../../lib/assert.ts";
import { type Message, NO_PRIORITY } from "../message.ts";
import type { ChunkDescriptor, ChunkSettlement } from "../ports.ts";
import type { Receipt } from "../receipt.ts";
import type { LogEnvironment } from "./chunk-storage.ts";
import { LANE_SEQUENCES } from "./lanes.ts";
import { MessageLog } from "./message-log.ts";
import type { QueueLog } from "./queue-log.ts";
import { ReturnTurns } from "./returned.ts";

export interface PriorityOptions {
  /** Higher priorities count as this one. */
  readonly priorityMax: number;
  /** What a message without a priority has. */
  readonly priorityDefault: number;
  /**
   * Whether returned messages come first, in the order in which they were returned, whatever their priority, and
   * messages expire at the head of each priority rather than at that of the queue only. As in a quorum queue.
   */
  readonly isQuorum: boolean;
}

/**
 * A log for each priority that has been in use, a lane, of which the highest with a ready message is served. Its messages
 * have sequence numbers that tell the lane they are in. RabbitMQ: "Priority Queue Support".
 */
export class PriorityLog implements QueueLog {
  readonly #queueId: number;
  readonly #durable: boolean;
  readonly #environment: LogEnvironment;
  readonly #options: PriorityOptions;
  readonly #logs: (MessageLog | undefined)[] = [];
  /** Those in use, highest priority first. */
  readonly #lanes: MessageLog[] = [];
  readonly heads: readonly QueueLog[];
  /** Undefined: returned messages go back to their place. */
  readonly #returnTurns: ReturnTurns | undefined;
  #peeked: MessageLog | undefined;

  constructor(queueId: number, durable: boolean, environment: LogEnvironment, options: PriorityOptions) {
    this.#queueId = queueId;
    this.#durable = durable;
    this.#environment = environment;
    this.#options = options;
    this.heads = options.isQuorum ? this.#lanes : [this];
    this.#returnTurns = options.isQuorum ? new ReturnTurns() : undefined;
    for (let priority = 0; priority <= options.priorityMax; priority++) this.#logs.push(undefined);
  }

  get readyCount(): number {
    let count = 0;
    for (let index = 0; index < this.#lanes.length; index++) count += (this.#lanes[index] as MessageLog).readyCount;
    return count;
  }

  get readyBytes(): number {
    let bytes = 0;
    for (let index = 0; index < this.#lanes.length; index++) bytes += (this.#lanes[index] as MessageLog).readyBytes;
    return bytes;
  }

  get unsettledCount(): number {
    let count = 0;
    for (let index = 0; index < this.#lanes.length; index++) count += (this.#lanes[index] as MessageLog).unsettledCount;
    return count;
  }

  get peekedSequence(): number {
    return this.#peeked?.peekedSequence ?? -1;
  }

  get peekedRedelivered(): boolean {
    return this.#peeked?.peekedRedelivered ?? false;
  }

  append(message: Message, receipt: Receipt | undefined, publishSequence: number): number {
    const { priorityMax, priorityDefault } = this.#options;
    const priority = message.priority === NO_PRIORITY ? priorityDefault : Math.min(message.priority, priorityMax);
    return (this.#logs[priority] ?? this.#open(priority)).append(message, receipt, publishSequence);
  }

  peek(message: Message): boolean {
    const returned = this.#returnTurns === undefined ? undefined : this.#firstReturned();
    if (returned?.peek(message) === true) {
      this.#peeked = returned;
      return true;
    }
    for (let index = 0; index < this.#lanes.length; index++) {
      const log = this.#lanes[index] as MessageLog;
      if (log.readyCount === 0 || !log.peek(message)) continue;
      this.#peeked = log;
      return true;
    }
    return false;
  }

  take(message: Message): number {
    assert(this.#peeked !== undefined, "a message is taken after a successful peek");
    return this.#peeked.take(message);
  }

  read(sequence: number, message: Message): void {
    this.#of(sequence).read(sequence, message);
  }

  settle(sequence: number, persistent: boolean, bodyBytes: number): void {
    this.#of(sequence).settle(sequence, persistent, bodyBytes);
  }

  requeue(sequence: number, bodyBytes: number): void {
    this.#of(sequence).requeue(sequence, bodyBytes);
  }

  holds(sequence: number): boolean {
    return this.#of(sequence).holds(sequence);
  }

  takeReceipt(sequence: number): (() => void) | undefined {
    return this.#of(sequence).takeReceipt(sequence);
  }

  rest(): void {
    for (const log of this.#lanes) log.rest();
  }

  purge(message: Message): number {
    let purged = 0;
    for (const log of this.#lanes) purged += log.purge(message);
    return purged;
  }

  drop(): void {
    for (const log of this.#lanes) log.drop();
  }

  recoverChunk(descriptor: ChunkDescriptor, settlement: ChunkSettlement | undefined): void {
    this.#lane(Math.floor(descriptor.first / LANE_SEQUENCES)).recoverChunk(descriptor, settlement);
  }

  recoverDelivered(lane: number, sequence: number): void {
    this.#lane(lane).recoverDelivered(lane, sequence);
  }

  /** The lane with the message that came back before all others; undefined when none has. */
  #firstReturned(): MessageLog | undefined {
    let first: MessageLog | undefined;
    let turn = Number.POSITIVE_INFINITY;
    for (let index = 0; index < this.#lanes.length; index++) {
      const lane = this.#lanes[index] as MessageLog;
      if (lane.firstReturnTurn >= turn) continue;
      first = lane;
      turn = lane.firstReturnTurn;
    }
    return first;
  }

  #of(sequence: number): MessageLog {
    return this.#lane(Math.floor(sequence / LANE_SEQUENCES));
  }

  #lane(priority: number): MessageLog {
    return this.#logs[priority] ?? this.#open(priority);
  }

  #open(priority: number): MessageLog {
    const log = new MessageLog(this.#queueId, this.#durable, this.#environment, {
      lane: priority,
      returnTurns: this.#returnTurns,
    });
    this.#logs[priority] = log;
    this.#lanes.length = 0;
    for (const open of this.#logs) if (open !== undefined) this.#lanes.unshift(open);
    return log;
  }
}
