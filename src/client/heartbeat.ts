import type { Clock, Timer } from "../lib/clock.ts";
import { HEARTBEAT_FRAME } from "../wire/frame.ts";
import type { Outgoing } from "./outgoing.ts";

/** Half intervals without a sign of life after which the broker counts as gone. */
const SILENT_TICKS_MAX = 5;

/** Sends a heartbeat in every half interval in which nothing else was sent, and watches for the broker's. */
export class Heartbeat {
  readonly #clock: Clock;
  readonly #outgoing: Outgoing;
  readonly #tickMilliseconds: number;
  readonly #onMissed: () => void;
  #timer: Timer;
  #silentTicks = 0;

  /** @param onMissed called once, when the broker has been silent for two and a half intervals */
  constructor(clock: Clock, outgoing: Outgoing, intervalSeconds: number, onMissed: () => void) {
    this.#clock = clock;
    this.#outgoing = outgoing;
    this.#tickMilliseconds = intervalSeconds * 500;
    this.#onMissed = onMissed;
    this.#timer = clock.after(this.#tickMilliseconds, () => this.#tick());
  }

  /** Anything has come from the broker. */
  received(): void {
    this.#silentTicks = 0;
  }

  stop(): void {
    this.#timer.cancel();
  }

  #tick(): void {
    this.#silentTicks += 1;
    if (this.#silentTicks >= SILENT_TICKS_MAX) {
      this.#onMissed();
      return;
    }
    if (!this.#outgoing.sentAny) this.#outgoing.write(HEARTBEAT_FRAME);
    this.#outgoing.sentAny = false;
    this.#timer = this.#clock.after(this.#tickMilliseconds, () => this.#tick());
  }
}
