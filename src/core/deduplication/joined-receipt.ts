import type { Receipt } from "../receipt.ts";

/** Makes one answer of those of several destinations: a refusal when any of them refuses, once all have answered. */
export class JoinedReceipt implements Receipt {
  readonly #receipt: Receipt;
  #answersLeft: number;
  #isRefused = false;

  constructor(receipt: Receipt, destinationCount: number) {
    this.#receipt = receipt;
    this.#answersLeft = destinationCount;
  }

  stored(publishSequence: number): void {
    this.#answersLeft--;
    if (this.#answersLeft > 0) return;
    if (this.#isRefused) this.#receipt.refused(publishSequence);
    else this.#receipt.stored(publishSequence);
  }

  refused(publishSequence: number): void {
    this.#isRefused = true;
    this.stored(publishSequence);
  }
}
