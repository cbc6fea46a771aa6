// Hot file: `next` runs for every delivery.

import type { Consumer } from "./consumer.ts";
import type { Consumers } from "./consumers.ts";

interface PriorityGroup {
  readonly priority: number;
  readonly consumers: Consumer[];
  /** Whose turn is next. */
  turn: number;
}

/** The consumers of a queue: higher priority first, equal ones in turn. */
export class ConsumerSet implements Consumers {
  /** Descending priority; no group is empty. */
  readonly #groups: PriorityGroup[] = [];
  /** True after a search has found no consumer ready, until one says it is. */
  #starved = false;
  size = 0;

  add(consumer: Consumer): void {
    this.size++;
    this.#starved = false;
    const groups = this.#groups;
    let position = 0;
    while (position < groups.length && (groups[position] as PriorityGroup).priority > consumer.priority) position++;
    const group = groups[position];
    if (group?.priority === consumer.priority) group.consumers.push(consumer);
    else groups.splice(position, 0, { priority: consumer.priority, consumers: [consumer], turn: 0 });
  }

  remove(consumer: Consumer): boolean {
    const position = this.#groups.findIndex((group) => group.priority === consumer.priority);
    const group = this.#groups[position];
    const index = group === undefined ? -1 : group.consumers.indexOf(consumer);
    if (group === undefined || index < 0) return false;
    group.consumers.splice(index, 1);
    if (index < group.turn) group.turn--;
    if (group.consumers.length === 0) this.#groups.splice(position, 1);
    this.size--;
    return true;
  }

  get mayBeReady(): boolean {
    return this.size > 0 && !this.#starved;
  }

  wake(): void {
    this.#starved = false;
  }

  next(): Consumer | undefined {
    if (this.#starved) return undefined;
    const groups = this.#groups;
    for (let position = 0; position < groups.length; position++) {
      const group = groups[position] as PriorityGroup;
      const consumers = group.consumers;
      for (let tried = 0; tried < consumers.length; tried++) {
        if (group.turn >= consumers.length) group.turn = 0;
        const consumer = consumers[group.turn] as Consumer;
        group.turn++;
        if (consumer.ready) return consumer;
      }
    }
    this.#starved = true;
    return undefined;
  }

  keepTurn(consumer: Consumer): void {
    const group = this.#groups.find(({ priority }) => priority === consumer.priority);
    if (group?.consumers[group.turn - 1] === consumer) group.turn--;
  }

  /** An exclusive consumer is the only one. */
  refuses(exclusive: boolean): boolean {
    return (exclusive && this.size > 0) || this.#groups[0]?.consumers[0]?.exclusive === true;
  }

  *[Symbol.iterator](): IterableIterator<Consumer> {
    for (const group of this.#groups) yield* group.consumers;
  }
}
