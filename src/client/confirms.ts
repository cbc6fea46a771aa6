import { PublishRejectedError } from "./errors.ts";

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** The publishes of one channel in confirm mode that the broker has not confirmed yet. */
export class Confirms {
  #lastTag = 0;
  /** In ascending order, because tags are added in that order. */
  readonly #outstanding = new Set<number>();
  readonly #waiters = new Map<number, Waiter>();
  #allWaiters: Waiter[] = [];
  /** The first rejection that nobody has been told of. */
  #rejection: PublishRejectedError | undefined;

  get outstandingCount(): number {
    return this.#outstanding.size;
  }

  /** Counts a publish; returns its sequence number. */
  published(): number {
    this.#lastTag += 1;
    this.#outstanding.add(this.#lastTag);
    return this.#lastTag;
  }

  /** Settles when the publish, which must be outstanding, is confirmed. @throws PublishRejectedError for basic.nack */
  confirmed(deliveryTag: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.set(deliveryTag, { resolve, reject });
    });
  }

  /**
   * Settles when no publish is outstanding.
   *
   * @throws PublishRejectedError when the broker has rejected one since the last call, other than those somebody waited for
   */
  allConfirmed(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#allWaiters.push({ resolve, reject });
      this.#settleAll();
    });
  }

  /** Takes a basic.ack (`accepted`) or basic.nack of the broker. */
  settle(deliveryTag: number, multiple: boolean, accepted: boolean): void {
    if (multiple) {
      for (const tag of this.#outstanding) {
        if (tag > deliveryTag && deliveryTag !== 0) break;
        this.#settleOne(tag, accepted);
      }
    } else if (this.#outstanding.has(deliveryTag)) {
      this.#settleOne(deliveryTag, accepted);
    }
    this.#settleAll();
  }

  /** Ends every wait with `error`: the channel is gone. */
  fail(error: Error): void {
    for (const { reject } of this.#waiters.values()) reject(error);
    for (const { reject } of this.#allWaiters) reject(error);
    this.#waiters.clear();
    this.#allWaiters = [];
    this.#outstanding.clear();
  }

  #settleOne(tag: number, accepted: boolean): void {
    this.#outstanding.delete(tag);
    const waiter = this.#waiters.get(tag);
    this.#waiters.delete(tag);
    if (accepted) waiter?.resolve();
    else if (waiter !== undefined) waiter.reject(new PublishRejectedError(tag));
    else this.#rejection ??= new PublishRejectedError(tag);
  }

  #settleAll(): void {
    if (this.#outstanding.size > 0 || this.#allWaiters.length === 0) return;
    const waiters = this.#allWaiters;
    const rejection = this.#rejection;
    this.#allWaiters = [];
    this.#rejection = undefined;
    for (const { resolve, reject } of waiters) {
      if (rejection === undefined) resolve();
      else reject(rejection);
    }
  }
}
