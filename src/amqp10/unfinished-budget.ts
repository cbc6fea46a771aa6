import { Amqp10Error } from "./error-condition.ts";

/** What the links of one connection may keep together of messages that are not complete. */
export class UnfinishedBudget {
  readonly #bytesMax: number;
  #usedBytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** @throws Amqp10Error amqp:resource-limit-exceeded when it is used up */
  take(bytes: number): void {
    if (this.#usedBytes + bytes > this.#bytesMax) {
      throw new Amqp10Error("amqp:resource-limit-exceeded", `unfinished messages exceed ${this.#bytesMax} octets`);
    }
    this.#usedBytes += bytes;
  }

  giveBack(bytes: number): void {
    this.#usedBytes -= bytes;
  }
}
