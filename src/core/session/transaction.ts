import type { FieldTable } from "../../wire/field-table.ts";
import type { Destination } from "../destination.ts";
import { BrokerError } from "../errors.ts";
import type { Message } from "../message.ts";
import type { Delivery } from "./delivery-ledger.ts";

/**
 * What a receiver makes of a delivery. "accepted": it is done with. "released": returned untouched, ready again.
 * "failed": ready again, and counted as a failure where a queue counts. "rejected": dead. "failed-for-good": both.
 */
export type Outcome = "accepted" | "released" | "failed" | "rejected" | "failed-for-good";

/** A publish that waits for tx.commit. */
export interface HeldPublish {
  readonly message: Message;
  readonly mandatory: boolean;
}

/** A publish and where it is to go. */
export interface RoutedPublish {
  readonly message: Message;
  readonly destinations: readonly Destination[];
}

/** Whether a destination would refuse any of `publishes`, all of them together considered. */
export function anyRefused(publishes: readonly RoutedPublish[]): boolean {
  const totals = new Map<Destination, { count: number; bodyBytes: number }>();
  for (const { message, destinations } of publishes) {
    for (const destination of destinations.flatMap((each) => each.parts ?? each)) {
      const total = totals.get(destination) ?? { count: 0, bodyBytes: 0 };
      total.count++;
      total.bodyBytes += message.bodyBytes;
      totals.set(destination, total);
    }
  }
  for (const [destination, { count, bodyBytes }] of totals) if (destination.refuses(count, bodyBytes)) return true;
  return false;
}

/** An acknowledgement that waits for tx.commit. */
export interface HeldOutcome {
  readonly delivery: Delivery;
  readonly outcome: Outcome;
  /** As in `Session.acknowledge`. */
  readonly headers: FieldTable | undefined;
}

/** Rough cost of holding one publish, beside its octets, and one acknowledgement. */
const PUBLISH_BYTES = 512;
const OUTCOME_BYTES = 128;

/** The publishes and acknowledgements of a session in tx mode since the last commit or rollback. */
export class Transaction {
  readonly #bytesMax: number;
  #bytes = 0;
  publishes: HeldPublish[] = [];
  outcomes: HeldOutcome[] = [];

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** @throws BrokerError RESOURCE_ERROR when the transaction grows too large */
  holdPublish(message: Message, mandatory: boolean): void {
    this.#reserve(PUBLISH_BYTES + message.contentEnd - message.contentStart);
    this.publishes.push({ message: message.detached(), mandatory });
  }

  /** @throws BrokerError RESOURCE_ERROR when the transaction grows too large */
  holdOutcome(delivery: Delivery, outcome: Outcome, headers: FieldTable | undefined): void {
    this.outcomes.push({ delivery, outcome, headers });
    this.#reserve(OUTCOME_BYTES);
  }

  clear(): void {
    this.#bytes = 0;
    this.publishes = [];
    this.outcomes = [];
  }

  #reserve(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#bytesMax) {
      throw new BrokerError("RESOURCE_ERROR", `transaction exceeds ${this.#bytesMax} octets`);
    }
  }
}
