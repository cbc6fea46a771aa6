import assert from "node:assert/strict";
import type { QueueLedger } from "./queue-ledger.ts";

/** What was promised about transactions that acknowledge messages of one queue and publish them to two others. */
export class TransferLedger {
  readonly source: QueueLedger;
  readonly targets: readonly [QueueLedger, QueueLedger];
  #open: { number: number; promised: boolean }[] = [];

  constructor(source: QueueLedger, targets: readonly [QueueLedger, QueueLedger]) {
    this.source = source;
    this.targets = targets;
  }

  /** The transaction that moves `numbers` is about to be sent. */
  begin(numbers: readonly number[]): void {
    this.#open = numbers.map((number) => ({ number, promised: this.source.isPromised(number) }));
    for (const number of numbers) {
      this.source.acknowledging(number);
      for (const target of this.targets) target.publishing(number, true);
    }
  }

  /** How many messages of a transaction that was cut short have been moved, when the queues have been audited. */
  get movedCount(): number {
    const [left, right] = this.targets;
    return this.#open.filter(({ number }) => left.has(number) || right.has(number)).length;
  }

  committed(): void {
    for (const { number } of this.#open) {
      this.source.settled(number);
      for (const target of this.targets) target.confirmed(number);
    }
    this.#open = [];
  }

  rolledBack(): void {
    for (const { number } of this.#open) {
      this.source.unacknowledged(number);
      for (const target of this.targets) target.withdrawn(number);
    }
    this.#open = [];
  }

  /** Checks, when the three queues have been audited, that a transaction cut short happened as a whole or not at all. */
  audit(): void {
    const [left, right] = this.targets;
    const { movedCount } = this;
    assert.ok(movedCount === 0 || movedCount === this.#open.length, this.#text("part of a transaction was done"));
    for (const { number, promised } of this.#open) {
      assert.equal(left.has(number), right.has(number), this.#text(`message ${number} is in one target only`));
      const inSource = this.source.has(number);
      assert.ok(!inSource || !left.has(number), this.#text(`message ${number} was moved and stayed`));
      assert.ok(inSource || left.has(number) || !promised, this.#text(`message ${number} is lost`));
    }
    this.#open = [];
  }

  #text(what: string): string {
    return `${this.source.queue}: ${what} (transaction of ${this.#open.map(({ number }) => number).join(", ")})`;
  }
}
