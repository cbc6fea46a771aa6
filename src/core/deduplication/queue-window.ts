// Hot file: admits runs for every message that reaches a queue with a window.

import type { Destination } from "../destination.ts";
import type { Message } from "../message.ts";
import type { Receipt } from "../receipt.ts";
import { HeaderName, headerOf } from "../message-key.ts";
import type { DeduplicationOptions } from "./deduplication-options.ts";
import type { DeduplicationEnvironment } from "./deduplication-window.ts";
import type { DeduplicatedQueue, QueueDeduplication } from "./queue-deduplication.ts";
import { WindowFilter } from "./window-filter.ts";

const DEATH_HEADER = new HeaderName("x-death");

/** Keeps a message out of a queue that has had one of the same key lately, whatever has become of that. */
export class QueueWindow implements QueueDeduplication {
  readonly #filter: WindowFilter;
  readonly #queueName: string;
  readonly #queue: readonly Destination[];

  constructor(queue: DeduplicatedQueue, options: DeduplicationOptions, environment: DeduplicationEnvironment) {
    this.#filter = new WindowFilter(options, queue.durable ? queue.id : undefined, environment);
    this.#queueName = queue.name;
    this.#queue = [queue];
  }

  get duplicateCount(): number {
    return this.#filter.duplicateCount;
  }

  get keyCount(): number {
    return this.#filter.keyCount;
  }

  admits(message: Message, receipt: Receipt | undefined, publishSequence: number): boolean {
    const key = this.#filter.keyOf(message);
    if (key === undefined) return true;
    // A message that has died here and is back, by way of a retry queue, say, is no copy of itself.
    if (message.deadLettered && hasDiedIn(this.#queueName, message)) return true;
    return this.#filter.admits(key, message, receipt, publishSequence, this.#queue);
  }

  recorded(): void {}

  leaving(): void {}

  /** What was in the queue has been in it. */
  purged(): void {}

  recoverNote(noteKey: Uint8Array, value: Uint8Array): boolean {
    return this.#filter.recoverNote(noteKey, value);
  }

  drop(): void {
    this.#filter.drop();
  }
}

/** Whether a dead-lettered message has died in this queue before. */
function hasDiedIn(queueName: string, message: Message): boolean {
  const deaths = headerOf(message, DEATH_HEADER);
  if (deaths?.type !== "array") return false;
  return deaths.value.some((death) => death.type === "table" && death.value.get("queue")?.value === queueName);
}
