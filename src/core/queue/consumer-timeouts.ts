import type { Clock } from "../../lib/clock.ts";
import type { Message } from "../message.ts";
import { Consumer } from "./consumer.ts";
import { ExpiryTimer } from "./expiry-timer.ts";
import type { GetTimedOut } from "./queue.ts";
import type { QueueSettings } from "./queue-settings.ts";

/** Who has a delivery that is not acknowledged: a consumer, or whoever called basic.get. */
export type Holder = Consumer | GetTimedOut;

/** A delivery that has not been acknowledged. */
export interface OpenDelivery {
  readonly holder: Holder;
  readonly sequence: number;
  readonly persistent: boolean;
  readonly bodyBytes: number;
  /** What it was given. */
  readonly timeoutMilliseconds: number;
  /** Milliseconds since the Unix epoch. */
  readonly dueAt: number;
}

/** What {@link ConsumerTimeouts} needs of what queues share. */
export interface TimeoutEnvironment {
  readonly clock: Clock;
  /** For consumers whose queue says nothing, and that say nothing themselves. */
  readonly consumerTimeoutMilliseconds: number;
}

/** Finds consumers that take too long to acknowledge. RabbitMQ: "Consumers", delivery acknowledgement timeout. */
export class ConsumerTimeouts {
  readonly #clock: Clock;
  readonly #defaultMilliseconds: number;
  readonly #expire: (deliveries: readonly OpenDelivery[]) => void;
  readonly #timer: ExpiryTimer;
  readonly #open = new Map<number, OpenDelivery>();

  /** @param expire called with all that is overdue at a time, in order of delivery; it is open no longer */
  constructor(environment: TimeoutEnvironment, expire: (deliveries: readonly OpenDelivery[]) => void) {
    this.#clock = environment.clock;
    this.#defaultMilliseconds = environment.consumerTimeoutMilliseconds;
    this.#expire = expire;
    this.#timer = new ExpiryTimer(environment.clock, () => this.#expireOverdue());
  }

  delivered(holder: Holder, sequence: number, { persistent, bodyBytes }: Message, settings: QueueSettings): void {
    const own = holder instanceof Consumer ? holder.timeoutMilliseconds : undefined;
    const timeoutMilliseconds = own ?? settings.consumerTimeoutMilliseconds ?? this.#defaultMilliseconds;
    const dueAt = this.#clock.now() + timeoutMilliseconds;
    this.#open.set(sequence, { holder, sequence, persistent, bodyBytes, timeoutMilliseconds, dueAt });
    this.#timer.arm(dueAt);
  }

  /** The message has been acknowledged or has come back. */
  ended(sequence: number): void {
    this.#open.delete(sequence);
  }

  /** Sets no timer any more. */
  stop(): void {
    this.#timer.cancel();
  }

  #expireOverdue(): void {
    const now = this.#clock.now();
    let nextDueAt = Number.POSITIVE_INFINITY;
    const overdue: OpenDelivery[] = [];
    for (const delivery of this.#open.values()) {
      if (delivery.dueAt <= now) overdue.push(delivery);
      else if (delivery.dueAt < nextDueAt) nextDueAt = delivery.dueAt;
    }
    if (nextDueAt !== Number.POSITIVE_INFINITY) this.#timer.arm(nextDueAt);
    if (overdue.length === 0) return;
    for (const { sequence } of overdue) this.#open.delete(sequence);
    this.#expire(overdue);
  }
}
