// Hot file: one publish and one or more receipts per confirmed message.

import type { Receipt } from "../receipt.ts";
import type { Flushable, Turn } from "../turn.ts";

/** Takes the outcome of publishes. `multiple`: it stands for all up to and including `publishSequence`. */
export interface ConfirmOutput {
  confirmed(publishSequence: number, multiple: boolean): void;
  refused(publishSequence: number, multiple: boolean): void;
}

const CAPACITY_MIN = 256;
const REFUSED = 0x4000_0000;

/**
 * The publishes of a session in confirm mode: counts what each still waits for and, at the end of a turn, reports
 * those that are done, in publish order and coalesced.
 */
export class ConfirmTracker implements Receipt, Flushable {
  readonly #turn: Turn;
  readonly #output: ConfirmOutput;
  /** Receipts each publish still waits for, by sequence number; REFUSED is added when one was a refusal. */
  #waiting = new Int32Array(CAPACITY_MIN);
  /** The first publish that is not reported, and the next to come. */
  #base = 1;
  #next = 1;
  #flushRequested = false;

  constructor(turn: Turn, output: ConfirmOutput) {
    this.#turn = turn;
    this.#output = output;
  }

  /** Publishes not reported yet. */
  get unconfirmedCount(): number {
    return this.#next - this.#base;
  }

  /** Notes a publish that `receipts` receipts will come for, and returns its sequence number. */
  publish(receipts: number): number {
    if (this.#next - this.#base === this.#waiting.length) this.#grow();
    this.#waiting[this.#next & (this.#waiting.length - 1)] = receipts;
    if (receipts === 0 && !this.#flushRequested) this.#requestFlush();
    return this.#next++;
  }

  stored(publishSequence: number): void {
    const slot = publishSequence & (this.#waiting.length - 1);
    this.#waiting[slot] = (this.#waiting[slot] as number) - 1;
    if (!this.#flushRequested) this.#requestFlush();
  }

  refused(publishSequence: number): void {
    const slot = publishSequence & (this.#waiting.length - 1);
    this.#waiting[slot] = ((this.#waiting[slot] as number) - 1) | REFUSED;
    if (!this.#flushRequested) this.#requestFlush();
  }

  flush(): void {
    this.#flushRequested = false;
    const mask = this.#waiting.length - 1;
    while (this.#base < this.#next) {
      const outcome = this.#waiting[this.#base & mask] as number;
      if (outcome !== 0 && outcome !== REFUSED) return;
      let last = this.#base;
      while (last + 1 < this.#next && this.#waiting[(last + 1) & mask] === outcome) last++;
      const multiple = last > this.#base;
      this.#base = last + 1;
      if (outcome === 0) this.#output.confirmed(last, multiple);
      else this.#output.refused(last, multiple);
    }
  }

  #requestFlush(): void {
    this.#flushRequested = true;
    this.#turn.requestConfirms(this);
  }

  #grow(): void {
    const grown = new Int32Array(this.#waiting.length * 2);
    for (let sequence = this.#base; sequence < this.#next; sequence++) {
      grown[sequence & (grown.length - 1)] = this.#waiting[sequence & (this.#waiting.length - 1)] as number;
    }
    this.#waiting = grown;
  }
}
