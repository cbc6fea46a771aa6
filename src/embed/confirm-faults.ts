import type { Destination } from "../core/destination.ts";
import type { Message } from "../core/message.ts";
import type { Receipt } from "../core/receipt.ts";
import type { Clock, Timer } from "../lib/clock.ts";

/** Takes no message, so that its publisher gets basic.nack. */
class RefusingDestination implements Destination {
  readonly name = "refused by a fault";

  push(_message: Message, receipt: Receipt | undefined, publishSequence: number): void {
    receipt?.refused(publishSequence);
  }

  refuses(): boolean {
    return true;
  }
}

/** Keeps no message, but the confirm of its publisher until it is let go. */
class HoldingDestination implements Destination {
  readonly name = "held by a fault";
  readonly #hold: (confirm: () => void) => void;

  constructor(hold: (confirm: () => void) => void) {
    this.#hold = hold;
  }

  push(_message: Message, receipt: Receipt | undefined, publishSequence: number): void {
    if (receipt !== undefined) this.#hold(() => receipt.stored(publishSequence));
  }

  refuses(): boolean {
    return false;
  }
}

/** What happens to publishes and their confirms. */
export type ConfirmFault =
  | { readonly kind: "none" | "refuse" | "hold" }
  | { readonly kind: "delay"; readonly milliseconds: number };

/** Refuses publishes, or keeps their confirms back, by adding a destination to those that a message goes to. */
export class ConfirmFaults {
  readonly #clock: Clock;
  readonly #refusing: readonly Destination[] = [new RefusingDestination()];
  /** Confirms that are kept back, each with what ends its delay. */
  readonly #held = new Map<() => void, Timer | undefined>();
  #fault: ConfirmFault = { kind: "none" };

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * What happens to publishes from now on. Confirms that are kept back go out, but for those that are delayed when it
   * is another delay that comes, and for all when they are to be held.
   */
  set(fault: ConfirmFault): void {
    this.#fault = fault;
    if (fault.kind !== "hold") this.#release({ delayedToo: fault.kind !== "delay" });
  }

  /** The destinations a message really goes to. */
  apply(destinations: readonly Destination[]): readonly Destination[] {
    const fault = this.#fault;
    switch (fault.kind) {
      case "none":
        return destinations;
      case "refuse":
        return this.#refusing;
      case "hold":
        return this.#withHold(destinations, (confirm) => this.#held.set(confirm, undefined));
      case "delay":
        return this.#withHold(destinations, (confirm) => this.#delay(confirm, fault.milliseconds));
    }
  }

  /** An unroutable message stays so: with a destination it would not be returned to a mandatory publisher. */
  #withHold(destinations: readonly Destination[], hold: (confirm: () => void) => void): readonly Destination[] {
    return destinations.length === 0 ? destinations : [...destinations, new HoldingDestination(hold)];
  }

  #delay(confirm: () => void, milliseconds: number): void {
    const timer = this.#clock.after(milliseconds, () => {
      this.#held.delete(confirm);
      confirm();
    });
    this.#held.set(confirm, timer);
  }

  #release({ delayedToo }: { readonly delayedToo: boolean }): void {
    for (const [confirm, timer] of this.#held) {
      if (timer !== undefined && !delayedToo) continue;
      timer?.cancel();
      this.#held.delete(confirm);
      confirm();
    }
  }
}
