import type { Consumer } from "./consumer.ts";
import type { Consumers } from "./consumers.ts";

/**
 * The consumers of a queue with x-single-active-consumer: one gets everything, and when it goes, the first of those with
 * the highest priority takes over. RabbitMQ: "Single Active Consumer".
 */
export class SingleActiveConsumerSet implements Consumers {
  readonly #higherTakesOver: boolean;
  #active: Consumer | undefined;
  /** Higher priority first, then in order of arrival. */
  readonly #waiting: Consumer[] = [];
  #starved = false;

  /**
   * @param higherTakesOver a consumer of higher priority takes over from the active one, which gets nothing more and
   *   only has to settle what it holds: quorum queues
   */
  constructor(higherTakesOver: boolean) {
    this.#higherTakesOver = higherTakesOver;
  }

  get size(): number {
    return this.#waiting.length + (this.#active === undefined ? 0 : 1);
  }

  add(consumer: Consumer): void {
    this.#starved = false;
    if (this.#active === undefined) this.#active = consumer;
    else this.#wait(consumer);
  }

  remove(consumer: Consumer): boolean {
    if (consumer === this.#active) {
      this.#active = this.#waiting.shift();
    } else {
      const index = this.#waiting.indexOf(consumer);
      if (index < 0) return false;
      this.#waiting.splice(index, 1);
    }
    this.#starved = false;
    return true;
  }

  get mayBeReady(): boolean {
    return this.#active !== undefined && !this.#starved;
  }

  wake(): void {
    this.#starved = false;
  }

  next(): Consumer | undefined {
    const successor = this.#successor();
    if (successor === undefined) {
      if (this.#active?.ready === true) return this.#active;
    } else if (this.#active?.openCount === 0) {
      this.#replaceActive(successor);
      if (successor.ready) return successor;
    }
    this.#starved = true;
    return undefined;
  }

  /** There are no turns. */
  keepTurn(): void {}

  /** An exclusive consumer and others that wait their turn exclude each other. */
  refuses(exclusive: boolean): boolean {
    return exclusive;
  }

  *[Symbol.iterator](): IterableIterator<Consumer> {
    if (this.#active !== undefined) yield this.#active;
    yield* this.#waiting;
  }

  /** Who is to be active instead: because it goes before the active one, or that one has timed out. */
  #successor(): Consumer | undefined {
    const active = this.#active;
    if (active === undefined || this.#waiting.length === 0) return undefined;
    const first = this.#waiting.find((consumer) => !consumer.suspended);
    if (first === undefined) return undefined;
    return active.suspended || (this.#higherTakesOver && first.priority > active.priority) ? first : undefined;
  }

  #replaceActive(successor: Consumer): void {
    this.#waiting.splice(this.#waiting.indexOf(successor), 1);
    this.#wait(this.#active as Consumer);
    this.#active = successor;
  }

  #wait(consumer: Consumer): void {
    const index = this.#waiting.findIndex(({ priority }) => priority < consumer.priority);
    if (index < 0) this.#waiting.push(consumer);
    else this.#waiting.splice(index, 0, consumer);
  }
}
