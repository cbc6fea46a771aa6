import type { Message } from "./message.ts";
import type { ExchangeStorage } from "./store-owner.ts";

/** Where an exchange keeps copies of the latest messages. */
export interface MessageHistory extends ExchangeStorage {
  /** Keeps a copy of `message` and forgets the oldest ones beyond the limit. */
  add(message: Message): void;
  /** Calls `visit` with a copy of each message, from the oldest to the latest; what is added meanwhile is not visited. */
  replay(visit: (message: Message) => void): void;
}

export interface MessageHistoryOptions {
  /** Unique among the queues and exchanges of the broker; the store's name for it. */
  readonly id: number;
  /** Whether the messages survive a restart, transient ones as well. */
  readonly durable: boolean;
  /** Most messages. */
  readonly countMax: number;
}

export type CreateMessageHistory = (options: MessageHistoryOptions) => MessageHistory;
