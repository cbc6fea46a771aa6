import type { ModelConsumer } from "./model-consumers.ts";
import type { Entry } from "./model-entry.ts";
import type { MessageView, ModelMessage } from "./model-message.ts";
import type { ModelQueue, QueueWorld } from "./model-queue.ts";
import type { SessionMode } from "./operation.ts";

export type Outcome = "accepted" | "released" | "failed" | "rejected";

/** An unacknowledged delivery. */
export interface ModelDelivery {
  readonly deliveryTag: number;
  readonly queue: ModelQueue;
  readonly entry: Entry;
  /** Undefined for basic.get. */
  readonly consumer: ModelConsumer | undefined;
  /** When it has taken too long. */
  readonly dueAt: number;
  /** Grows from delivery to delivery. */
  readonly number: number;
  /** It has: the message has been taken back. */
  isLate: boolean;
}

/** A session as the model keeps it. */
export class ModelSession {
  readonly number: number;
  readonly mode: SessionMode;
  writable = true;
  prefetch = 0;
  lastDeliveryTag = 0;
  readonly consumers = new Map<string, ModelConsumer>();
  readonly deliveries = new Map<number, ModelDelivery>();
  /** The messages of a session in confirm mode, and whether each is confirmed rather than refused. */
  readonly published: ModelMessage[] = [];
  readonly confirms: boolean[] = [];
  /** Publishes from here on happen while the store may fail, so that each may be refused. */
  doubtfulFrom = Number.POSITIVE_INFINITY;
  readonly doubtful = new Set<number>();
  /** Consumers that have taken too long, until that is compared; "": one that is not there any more, or basic.get. */
  readonly timedOut = new Set<string>();
  /** Mandatory messages that went nowhere, in order, until they are compared. */
  returned: MessageView[] = [];
  /** What a transaction holds back. */
  heldPublishes: { message: ModelMessage; mandatory: boolean }[] = [];
  heldOutcomes: { delivery: ModelDelivery; outcome: Outcome }[] = [];

  constructor(number: number, mode: SessionMode) {
    this.number = number;
    this.mode = mode;
  }

  /** What it has not answered for, those that a transaction holds back included. */
  get open(): ModelDelivery[] {
    return [...this.deliveries.values(), ...this.heldOutcomes.map(({ delivery }) => delivery)];
  }

  /** Notes which publishes may have been refused because the store fails; `isOver` when it does so no more. */
  noteDoubts(isOver: boolean): void {
    for (let index = this.doubtfulFrom; index < this.confirms.length; index++) this.doubtful.add(index);
    if (isOver) this.doubtfulFrom = Number.POSITIVE_INFINITY;
  }

  toggleWritable(): void {
    this.writable = !this.writable;
  }

  deliver(world: QueueWorld, queue: ModelQueue, entry: Entry, consumer: ModelConsumer | undefined): void {
    const deliveryTag = ++this.lastDeliveryTag;
    const dueAt = world.now + queue.settings.consumerTimeout;
    const number = world.number();
    this.deliveries.set(deliveryTag, { deliveryTag, queue, entry, consumer, dueAt, number, isLate: false });
    if (consumer === undefined) return;
    consumer.unacked++;
  }
}
