import { BrokerError } from "./errors.ts";

/** What the channels or links of one connection may keep together of messages that are not complete. */
export class UnfinishedBudget {
  readonly #bytesMax: number;
  #usedBytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** @throws BrokerError RESOURCE_ERROR when it is used up */
  take(bytes: number): void {
    if (this.#usedBytes + bytes > this.#bytesMax) {
      throw new BrokerError("RESOURCE_ERROR", `unfinished messages exceed ${this.#bytesMax} octets`);
    }
    this.#usedBytes += bytes;
  }

  giveBack(bytes: number): void {
    this.#usedBytes -= bytes;
  }
}
