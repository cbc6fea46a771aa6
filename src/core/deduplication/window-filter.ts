// Hot file: keyOf and admits run for every message of an exchange or queue that has a window.

import type { Destination } from "../destination.ts";
import type { Message } from "../message.ts";
import type { Receipt } from "../receipt.ts";
import { HeaderName, headerOf } from "../message-key.ts";
import {
  CACHE_TTL,
  CACHE_TTL_MILLISECONDS_MAX,
  type DeduplicationOptions,
  integerOf,
} from "./deduplication-options.ts";
import { type DeduplicationEnvironment, DeduplicationWindow } from "./deduplication-window.ts";
import { reportDuplicate } from "./report-duplicate.ts";

/** The header with which a message overrides how long its key is remembered: the argument's name. */
const TTL_HEADER = new HeaderName(CACHE_TTL);

/** Lets through the first message of each key in a window, and ends the others. */
export class WindowFilter {
  readonly #options: DeduplicationOptions;
  readonly #environment: DeduplicationEnvironment;
  readonly #window: DeduplicationWindow;
  /** Messages that were not let through. */
  duplicateCount = 0;

  /** @param ownerId as {@link DeduplicationWindow}; nothing is stored either if the options say so */
  constructor(options: DeduplicationOptions, ownerId: number | undefined, environment: DeduplicationEnvironment) {
    this.#options = options;
    this.#environment = environment;
    this.#window = new DeduplicationWindow(options.size, options.persistent ? ownerId : undefined, environment);
  }

  /** Keys that are remembered, expired ones perhaps included. */
  get keyCount(): number {
    return this.#window.count;
  }

  /** The key of `message`; undefined when it has none, and so is let through. */
  keyOf(message: Message): string | undefined {
    return this.#options.keySource.keyOf(message);
  }

  /**
   * Whether `message`, whose key this is, goes on to `destinations`; if not, its publisher has been told or will be.
   * The key is remembered, but not when one of them is about to refuse the message: its publisher will try again.
   */
  admits(
    key: string,
    message: Message,
    receipt: Receipt | undefined,
    publishSequence: number,
    destinations: readonly Destination[],
  ): boolean {
    if (this.#window.isDuplicate(key)) {
      this.duplicateCount++;
      reportDuplicate(message, receipt, publishSequence, this.#environment.barrier);
      return false;
    }
    for (let index = 0; index < destinations.length; index++) {
      if ((destinations[index] as Destination).refuses(1, message.bodyBytes)) return true;
    }
    this.#window.remember(key, this.#ttlOf(message), message.persistent);
    return true;
  }

  /** Takes over what recovery found; false for a note that is not a window's. */
  recoverNote(noteKey: Uint8Array, value: Uint8Array): boolean {
    return this.#window.recoverNote(noteKey, value);
  }

  /** Forgets everything, in the store too. */
  drop(): void {
    this.#window.drop();
  }

  #ttlOf(message: Message): number | undefined {
    const milliseconds = integerOf(headerOf(message, TTL_HEADER));
    const isValid = milliseconds !== undefined && milliseconds >= 0 && milliseconds <= CACHE_TTL_MILLISECONDS_MAX;
    return isValid ? milliseconds : this.#options.ttlMilliseconds;
  }
}
