// Hot file: runs for every delivery of a queue whose messages may expire.

import type { Clock } from "../../lib/clock.ts";
import { Message } from "../message.ts";
import type { DeathPlace, Deaths } from "./deaths.ts";
import { ExpiryTimer } from "./expiry-timer.ts";
import type { LogHead } from "./queue-log.ts";

/** Ends messages whose time is over when they are at the head of their log. RabbitMQ: "Time-To-Live and Expiration". */
export class HeadExpiry {
  readonly #place: DeathPlace;
  readonly #deaths: Deaths;
  readonly #clock: Clock;
  readonly #timer: ExpiryTimer;
  readonly #message = new Message();
  /** True from recovery to the first look at what has been recovered. */
  #recovered = false;
  /** True once the queue may hold messages that expire. */
  active = false;

  constructor(place: DeathPlace, deaths: Deaths, clock: Clock) {
    this.#place = place;
    this.#deaths = deaths;
    this.#clock = clock;
    this.#timer = new ExpiryTimer(clock, () => this.#lookAtHeads());
  }

  /** Messages have been recovered. Whether they expire is known only when they are read. */
  recovered(): void {
    this.#recovered = true;
    this.active = true;
    this.#timer.arm(this.#clock.now());
  }

  /** Ends the messages at the heads whose time is over, and sees to it that the next is looked at when its time comes. */
  expire(): void {
    const { heads } = this.#place.log;
    for (let index = 0; index < heads.length; index++) this.#expireHead(heads[index] as LogHead);
    this.#message.release();
  }

  /** Sets no timer any more. */
  stop(): void {
    this.#timer.cancel();
  }

  #lookAtHeads(): void {
    this.expire();
    // All queues are looked at after a start; kept in memory, their heads might be too much for it.
    if (this.#recovered) this.#place.log.rest();
    this.#recovered = false;
  }

  #expireHead(head: LogHead): void {
    const message = this.#message;
    while (this.#place.peek(head, message)) {
      if (message.expiresAt === 0) return;
      if (message.expiresAt > this.#clock.now()) {
        this.#timer.arm(message.expiresAt);
        return;
      }
      this.#deaths.die(message, head.take(message), "expired");
    }
  }
}
