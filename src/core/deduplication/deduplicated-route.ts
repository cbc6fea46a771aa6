// Hot file: one per message that has a key and passes an exchange with a window.

import type { Destination } from "../destination.ts";
import type { Message } from "../message.ts";
import type { Receipt } from "../receipt.ts";
import { JoinedReceipt } from "./joined-receipt.ts";
import type { WindowFilter } from "./window-filter.ts";

/**
 * Where one message goes, unless it is a duplicate. That is decided not before it is handed over: what has only been
 * routed, in a transaction that fails, say, is not to be remembered.
 */
export class DeduplicatedRoute implements Destination {
  readonly name: string;
  readonly parts: readonly Destination[];
  readonly #key: string;
  readonly #filter: WindowFilter;

  /** @param name the exchange's */
  constructor(name: string, key: string, parts: readonly Destination[], filter: WindowFilter) {
    this.name = name;
    this.parts = parts;
    this.#key = key;
    this.#filter = filter;
  }

  push(message: Message, receipt: Receipt | undefined, publishSequence: number): void {
    const { parts } = this;
    if (!this.#filter.admits(this.#key, message, receipt, publishSequence, parts)) return;
    const joined = receipt !== undefined && parts.length > 1 ? new JoinedReceipt(receipt, parts.length) : receipt;
    for (let index = 0; index < parts.length; index++) {
      (parts[index] as Destination).push(message, joined, publishSequence);
    }
  }

  refuses(count: number, bodyBytes: number): boolean {
    return this.parts.some((part) => part.refuses(count, bodyBytes));
  }
}
