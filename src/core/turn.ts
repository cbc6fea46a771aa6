// Hot file: runs once per turn of the event loop, whatever the number of messages.

import type { Clock } from "../lib/clock.ts";
import type { CommitBarrier } from "./commit-barrier.ts";
import type { FlowControl } from "./flow-control.ts";
import type { Lingering } from "./lingering.ts";

/** Something with ready messages and, perhaps, consumers to take them. */
export interface Drainable {
  drain(): void;
}

/** Something that gathers output during a turn. */
export interface Flushable {
  flush(): void;
}

/**
 * The end of an event-loop turn: queues are drained, confirms and sockets are written, then the store's commit is
 * started. All that happens in a turn is batched here, never by timer and never by item.
 */
export class Turn {
  readonly #defer: (callback: () => void) => void;
  readonly #clock: Clock;
  readonly #lingering: Lingering | undefined;
  /** What the clock said when it was asked in this turn; negative: it was not yet. */
  #time = -1;
  readonly #run = (): void => this.run();
  #barrier: CommitBarrier | undefined;
  #flow: FlowControl | undefined;
  #scheduled = false;
  #drains: Drainable[] = [];
  #confirms: Flushable[] = [];
  #outputs: Flushable[] = [];
  /** Connections that have had their share of this turn. */
  #readings: Flushable[] = [];
  /** Tells one turn from the next. */
  count = 0;

  /**
   * @param defer runs a callback after the input at hand has been read; setImmediate in production
   * @param lingering asks for turns that nobody else has asked for
   */
  constructor(defer: (callback: () => void) => void, clock: Clock, lingering?: Lingering) {
    this.#defer = defer;
    this.#clock = clock;
    this.#lingering = lingering;
  }

  /** When what this turn handles came in, in milliseconds since the Unix epoch. To ask a clock costs as much as to route. */
  get time(): number {
    if (this.#time < 0) {
      this.#time = this.#clock.now();
      this.wake();
    }
    return this.#time;
  }

  /** Hands in what is run at the end of every turn and itself needs the turn to be made. */
  attach(barrier: CommitBarrier, flow: FlowControl): void {
    this.#barrier = barrier;
    this.#flow = flow;
  }

  /** Asks for the end of the turn to be run. */
  readonly wake = (): void => {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#defer(this.#run);
  };

  /** `queue` is drained at the end of the turn; the caller asks once. */
  requestDrain(queue: Drainable): void {
    this.#drains.push(queue);
    this.wake();
  }

  /** `confirms` is flushed after the drains; the caller asks once. */
  requestConfirms(confirms: Flushable): void {
    this.#confirms.push(confirms);
    this.wake();
  }

  /** `output` is flushed after the confirms; the caller asks once. */
  requestOutput(output: Flushable): void {
    this.#outputs.push(output);
    this.wake();
  }

  /** `reading` goes on in the next turn; the caller asks once. */
  requestReading(reading: Flushable): void {
    this.#readings.push(reading);
    this.wake();
  }

  run(): void {
    this.#scheduled = false;
    this.#time = -1;
    this.count++;
    const hadWork = this.#drains.length > 0 || this.#confirms.length > 0 || this.#outputs.length > 0;
    const drains = this.#drains;
    if (drains.length > 0) {
      this.#drains = [];
      for (const queue of drains) queue.drain();
    }
    const confirms = this.#confirms;
    if (confirms.length > 0) {
      this.#confirms = [];
      for (const tracker of confirms) tracker.flush();
    }
    const outputs = this.#outputs;
    if (outputs.length > 0) {
      this.#outputs = [];
      for (const output of outputs) output.flush();
    }
    // Behind the sockets: clients need not wait while it is prepared, and to be durable takes far longer than a write.
    this.#barrier?.endOfTurn();
    this.#barrier?.settleIdle();
    this.#flow?.endOfTurn();
    const readings = this.#readings;
    if (readings.length > 0) {
      this.#readings = [];
      for (const reading of readings) reading.flush();
    }
    if (this.#lingering === undefined) return;
    // Most clients wait for the commit then, and the disk's thread wants a processor.
    if (this.#barrier?.isInFlight === true) this.#lingering.stop();
    else if (this.#lingering.goesOn(hadWork)) this.wake();
  }
}
