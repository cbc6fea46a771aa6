import assert from "node:assert/strict";

/** A message found in the queue after a restart. */
export interface FoundMessage {
  readonly number: number;
  readonly redelivered: boolean;
}

interface Entry {
  readonly persistent: boolean;
  confirmed: boolean;
  /** An acknowledgement has been sent; whether it took effect is not known. */
  acknowledging: boolean;
  /** What the redelivered flag has to be, where that is known. */
  redelivered: boolean | undefined;
}

/**
 * What the broker has promised about the messages of one publisher in one queue. A message without an entry was
 * never published, is settled for good or was found missing after a restart: it must not be there (again).
 */
export class QueueLedger {
  readonly queue: string;
  /** The number of the next message to publish; they grow in the order of publishing. */
  nextNumber = 1;
  /** Messages confirmed so far. */
  confirmedCount = 0;
  readonly #consumed: boolean;
  readonly #entries = new Map<number, Entry>();

  /** @param consumed whether anyone consumes from the queue while the broker may be killed. */
  constructor(queue: string, consumed: boolean) {
    this.queue = queue;
    this.#consumed = consumed;
  }

  /** A message is about to be sent. */
  publishing(number: number, persistent: boolean): void {
    // A consumer may be sent more than it gets to see before the kill, so only without one the flag is certain.
    const redelivered = this.#consumed ? undefined : false;
    this.#entries.set(number, { persistent, confirmed: false, acknowledging: false, redelivered });
  }

  confirmed(number: number): void {
    this.confirmedCount++;
    const entry = this.#entries.get(number);
    if (entry !== undefined) entry.confirmed = true;
  }

  /** A publish has been taken back (tx.rollback). */
  withdrawn(number: number): void {
    this.#entries.delete(number);
  }

  /** Something durable was confirmed after the message had been delivered, so the delivery is on record. */
  deliveryRecorded(number: number): void {
    const entry = this.#entries.get(number);
    if (entry !== undefined) entry.redelivered = true;
  }

  /** An acknowledgement is about to be sent. */
  acknowledging(number: number): void {
    (this.#entries.get(number) as Entry).acknowledging = true;
  }

  /** An acknowledgement has been taken back (tx.rollback). */
  unacknowledged(number: number): void {
    (this.#entries.get(number) as Entry).acknowledging = false;
  }

  /** Something durable was confirmed after the acknowledgement. */
  settled(number: number): void {
    this.#entries.delete(number);
  }

  /** Whether the message has to be in the queue. */
  isPromised(number: number): boolean {
    const entry = this.#entries.get(number);
    return entry?.persistent === true && entry.confirmed && !entry.acknowledging;
  }

  /** Whether the message was found after the last restart. */
  has(number: number): boolean {
    return this.#entries.has(number);
  }

  /** How many messages have to be in the queue. */
  get promisedCount(): number {
    return [...this.#entries.keys()].filter((number) => this.isPromised(number)).length;
  }

  /** Holds what was found in the queue against what was promised; from then on exactly that is promised. */
  audit(found: readonly FoundMessage[]): void {
    let previous = 0;
    for (const { number, redelivered } of found) {
      assert.ok(number !== previous, this.#text(number, "is there twice"));
      assert.ok(number > previous, this.#text(number, `is behind message ${previous}`));
      previous = number;
      const entry = this.#entries.get(number);
      assert.ok(entry !== undefined, this.#text(number, "is back although it was settled, or was never published"));
      const expected = entry.redelivered ?? redelivered;
      assert.equal(redelivered, expected, this.#text(number, `is marked redelivered=${redelivered}`));
    }
    const present = new Set(found.map(({ number }) => number));
    for (const number of this.#entries.keys()) {
      if (present.has(number)) continue;
      assert.ok(!this.isPromised(number), this.#text(number, "was confirmed and is lost"));
      this.#entries.delete(number);
    }
    for (const [number, entry] of this.#entries) {
      this.#entries.set(number, {
        persistent: entry.persistent,
        confirmed: true,
        acknowledging: false,
        redelivered: true,
      });
    }
  }

  #text(number: number, what: string): string {
    return `${this.queue}: message ${number} ${what}`;
  }
}
