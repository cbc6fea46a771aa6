import type { Destination } from "./destination.ts";
import type { Message } from "./message.ts";
import type { ExchangeStorage } from "./store-owner.ts";

/** Where an exchange keeps the messages that it is to route later. Each is let go when its x-delay has passed. */
export interface DelayLine extends Destination, ExchangeStorage {
  /** Messages that wait. */
  readonly count: number;
}

export interface DelayLineOptions {
  /** Unique among the queues and exchanges of the broker; the store's name for it. */
  readonly id: number;
  /** What it is called as a destination; no queue may have the name. */
  readonly name: string;
  /** Whether persistent messages survive a restart. */
  readonly durable: boolean;
  /**
   * Takes a message that is due, as a view that is good until it returns, and the number it had while it waited. Where it
   * goes is one commit with its leaving.
   */
  readonly release: (message: Message, sequence: number) => void;
}

export type CreateDelayLine = (options: DelayLineOptions) => DelayLine;
