import { inspect } from "node:util";

const PATIENCE_MILLISECONDS = 10_000;

/** What consumers have received and the test has not yet looked at, in order of arrival. */
export class Inbox<T> {
  readonly #items: T[] = [];
  #wake: (() => void) | undefined;

  put(item: T): void {
    this.#items.push(item);
    this.#wake?.();
  }

  /** Takes the next `count` items, waiting for those that have not arrived. Throws when they do not come. */
  async take(count: number): Promise<T[]> {
    await this.#until(() => this.#items.length >= count, `${count} items`);
    return this.#items.splice(0, count);
  }

  /** Takes everything up to `last` and returns what came before it: proof that nothing else came, without a wait. */
  async takeUntil(last: T): Promise<T[]> {
    await this.#until(() => this.#items.includes(last), inspect(last));
    return this.#items.splice(0, this.#items.indexOf(last) + 1).slice(0, -1);
  }

  async #until(satisfied: () => boolean, expected: string): Promise<void> {
    const deadline = Date.now() + PATIENCE_MILLISECONDS;
    while (!satisfied()) {
      const patience = deadline - Date.now();
      if (patience <= 0) throw new Error(`expected ${expected}, received ${inspect(this.#items)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, patience);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}
