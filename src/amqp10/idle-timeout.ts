import type { Clock, Timer } from "../lib/clock.ts";
import type { FrameOutput } from "./frame-output.ts";

/** Who is told that the peer has gone silent. */
export interface IdleListener {
  /** True while the connection itself has stopped reading, so that silence means nothing. */
  readonly inputHeld: boolean;
  peerSilent(): void;
}

/** Sends an empty frame when nothing else was sent for half of what the peer waits, and watches for the peer's. AMQP 1.0, part 2.4.5. */
export class IdleTimeout {
  readonly #clock: Clock;
  readonly #output: FrameOutput;
  readonly #listener: IdleListener;
  #sending: Timer | undefined;
  #watching: Timer | undefined;
  #receivedAny = false;

  constructor(clock: Clock, output: FrameOutput, listener: IdleListener) {
    this.#clock = clock;
    this.#output = output;
    this.#listener = listener;
  }

  /** Anything has come from the peer. */
  received(): void {
    this.#receivedAny = true;
  }

  /** Sends something at least every `milliseconds`. */
  sendEvery(milliseconds: number): void {
    this.#sending = this.#clock.after(milliseconds, () => {
      if (!this.#output.sentAny) this.#output.heartbeat();
      this.#output.sentAny = false;
      this.sendEvery(milliseconds);
    });
  }

  /** Expects something at least every `milliseconds`. */
  expectEvery(milliseconds: number): void {
    this.#receivedAny = false;
    this.#watching = this.#clock.after(milliseconds, () => {
      // Of a client that takes nothing of what it is sent we read nothing either: it counts as silent.
      const isStalled = !this.#output.writable && !this.#output.progressed;
      this.#output.progressed = false;
      if (this.#receivedAny || (this.#listener.inputHeld && !isStalled)) this.expectEvery(milliseconds);
      else this.#listener.peerSilent();
    });
  }

  stop(): void {
    this.#sending?.cancel();
    this.#watching?.cancel();
  }
}
