import type { Clock, Timer } from "../../lib/clock.ts";

/**
 * Ends a queue that nobody uses: x-expires. A queue is in use while it has consumers, and is used by a declare and by
 * basic.get. RabbitMQ: "Time-To-Live and Expiration", queue TTL.
 */
export class QueueLease {
  readonly #clock: Clock;
  readonly #inUse: () => boolean;
  readonly #expire: () => void;
  #milliseconds: number | undefined;
  #usedAt = 0;
  #timer: Timer | undefined;

  constructor(clock: Clock, inUse: () => boolean, expire: () => void) {
    this.#clock = clock;
    this.#inUse = inUse;
    this.#expire = expire;
  }

  /** The queue lasts so long without use from now on; undefined: for ever. */
  configure(milliseconds: number | undefined): void {
    if (milliseconds === this.#milliseconds) return;
    this.#milliseconds = milliseconds;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.renew();
  }

  /** The queue is used now. */
  renew(): void {
    if (this.#milliseconds === undefined) return;
    this.#usedAt = this.#clock.now();
    // A timer that runs already finds out how much longer it is.
    if (this.#timer === undefined) this.#wait(this.#milliseconds);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#milliseconds = undefined;
  }

  #wait(milliseconds: number): void {
    this.#timer = this.#clock.after(milliseconds, () => {
      this.#timer = undefined;
      this.#check();
    });
  }

  #check(): void {
    if (this.#milliseconds === undefined || this.#inUse()) return;
    const left = this.#usedAt + this.#milliseconds - this.#clock.now();
    if (left > 0) this.#wait(left);
    else this.#expire();
  }
}
