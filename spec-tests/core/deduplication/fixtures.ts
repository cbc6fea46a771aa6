import { CommitBarrier } from "../../../src/core/commit-barrier.ts";
import type { DeduplicationEnvironment } from "../../../src/core/deduplication/deduplication-window.ts";
import { Message } from "../../../src/core/message.ts";
import type { Store } from "../../../src/core/ports.ts";
import type { Receipt } from "../../../src/core/receipt.ts";
import { silentLogger } from "../../../src/lib/logger.ts";
import { ManualClock } from "../../../src/lib/manual-clock.ts";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import { contentBodyBytes, encodeContent } from "../../../src/wire/content.ts";
import { type PlainFieldValue, tableFrom } from "../../../src/wire/field-table.ts";
import { encodeProperties, type Properties } from "../../../src/wire/properties.ts";

/** A store that is new unless given, a barrier whose turns the test makes, and a clock that stands still. */
export function deduplicationEnvironment(
  store: Store = new MemoryStore(),
  clock = new ManualClock(),
): DeduplicationEnvironment & { readonly clock: ManualClock } {
  return { store, clock, barrier: new CommitBarrier(store, clock, silentLogger, () => {}) };
}

/** A message as the broker passes it on. */
export function messageOf(properties: Properties = {}, body = ""): Message {
  const message = new Message();
  message.buffer = encodeContent(encodeProperties(properties), Buffer.from(body), 131_072);
  message.contentEnd = message.buffer.length;
  message.bodyBytes = contentBodyBytes(message.buffer, 0);
  message.persistent = properties.deliveryMode === 2;
  return message;
}

/** The same with these headers. */
export function messageWith(headers: Readonly<Record<string, PlainFieldValue>>, properties: Properties = {}): Message {
  return messageOf({ ...properties, headers: tableFrom(headers) });
}

/** Keeps what it is told. */
export class ReceiptBook implements Receipt {
  readonly storedSequences: number[] = [];
  readonly refusedSequences: number[] = [];

  stored(publishSequence: number): void {
    this.storedSequences.push(publishSequence);
  }

  refused(publishSequence: number): void {
    this.refusedSequences.push(publishSequence);
  }
}

/** Lets the commit that has begun end. */
export async function settled(): Promise<void> {
  for (let round = 0; round < 4; round++) await new Promise((resolve) => setImmediate(resolve));
}
