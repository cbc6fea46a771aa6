import type { Clock, Timer } from "../lib/clock.ts";
import { HEARTBEAT_FRAME } from "../wire/frame.ts";
import type { Outbox } from "./outbox.ts";

/** Half intervals of silence after which the peer counts as gone: two and a half intervals, as in RabbitMQ. */
const SILENT_TICKS_MAX = 5;

/** Who is told that the peer has gone silent. */
export interface HeartbeatListener {
  /** True while the connection itself has stopped reading, so that silence means nothing. */
  readonly inputHeld: boolean;
  heartbeatMissed(): void;
}

/** Sends a heartbeat in every half interval in which nothing else was sent, and watches for the peer's. AMQP 0-9-1 section 4.2.7. */
export class Heartbeat {
  readonly #clock: Clock;
  readonly #outbox: Outbox;
  readonly #tickMilliseconds: number;
  readonly #listener: HeartbeatListener;
  #timer: Timer;
  #silentTicks = 0;

  constructor(clock: Clock, outbox: Outbox, intervalSeconds: number, listener: HeartbeatListener) {
    this.#clock = clock;
    this.#outbox = outbox;
    this.#tickMilliseconds = intervalSeconds * 500;
    this.#listener = listener;
    this.#timer = clock.after(this.#tickMilliseconds, () => this.#tick());
  }

  /** Anything has come from the peer. */
  received(): void {
    this.#silentTicks = 0;
  }

  stop(): void {
    this.#timer.cancel();
  }

  #tick(): void {
    // Of a client that takes nothing of what it is sent we read nothing either: it counts as silent.
    const stalled = !this.#outbox.writable && !this.#outbox.progressed;
    this.#outbox.progressed = false;
    this.#silentTicks = this.#listener.inputHeld && !stalled ? 0 : this.#silentTicks + 1;
    if (this.#silentTicks >= SILENT_TICKS_MAX) {
      this.#listener.heartbeatMissed();
      return;
    }
    if (!this.#outbox.sentAny) this.#outbox.write(HEARTBEAT_FRAME);
    this.#outbox.sentAny = false;
    this.#timer = this.#clock.after(this.#tickMilliseconds, () => this.#tick());
  }
}
