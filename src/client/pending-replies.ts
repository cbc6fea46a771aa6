import type { MethodName } from "../wire/methods.ts";
import { ConnectionLostError } from "./errors.ts";

interface Pending {
  readonly names: readonly MethodName[];
  /** Runs at once, so that what the reply changes is in force for the very next frame. */
  readonly resolve: (name: MethodName, reply: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** The replies that one channel waits for; a broker answers in the order of the requests. */
export class PendingReplies {
  #pending: Pending[] = [];

  /** Waits for one of `names`. `convert` is called, synchronously, with the reply. */
  expect<T>(names: readonly MethodName[], convert: (name: MethodName, reply: unknown) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ names, resolve: (name, reply) => resolve(convert(name, reply)), reject });
    });
  }

  /** Settles the oldest wait. @throws ConnectionLostError when that is for another method, or there is none */
  settle(name: MethodName, reply: unknown): void {
    const oldest = this.#pending.shift();
    if (oldest === undefined || !oldest.names.includes(name)) {
      const expected = oldest === undefined ? "nothing" : oldest.names.join(" or ");
      const error = new ConnectionLostError(`the broker sent ${name} where ${expected} was expected`);
      oldest?.reject(error);
      throw error;
    }
    oldest.resolve(name, reply);
  }

  /** Ends every wait with `error`. */
  fail(error: Error): void {
    const pending = this.#pending;
    this.#pending = [];
    for (const { reject } of pending) reject(error);
  }
}
