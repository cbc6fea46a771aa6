import type { Broker } from "../../core/broker.ts";
import type { Clock } from "../../lib/clock.ts";
import type { UnsettledDeliveries } from "./unsettled-deliveries.ts";

/** Links without a client that are remembered; beyond that the one longest without is forgotten. */
const SUSPENDED_MAX = 1000;

interface Suspended {
  readonly unsettled: UnsettledDeliveries;
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number;
}

/** The links on which clients publish that outlive their sessions, by a key that says whose they are. */
export class RememberedLinks {
  readonly #clock: Clock;
  readonly #attached = new Map<string, UnsettledDeliveries>();
  readonly #suspended = new Map<string, Suspended>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  find(key: string): UnsettledDeliveries | undefined {
    const attached = this.#attached.get(key);
    if (attached !== undefined) return attached;
    const suspended = this.#suspended.get(key);
    return suspended !== undefined && suspended.expiresAt > this.#clock.now() ? suspended.unsettled : undefined;
  }

  /** The link has a client. What was known of another of that name is forgotten. */
  attach(key: string, unsettled: UnsettledDeliveries): void {
    this.#suspended.delete(key);
    this.#attached.set(key, unsettled);
  }

  /** The link has lost its client, which has `milliseconds` to come back. */
  suspend(key: string, unsettled: UnsettledDeliveries, milliseconds: number): void {
    if (this.#attached.get(key) !== unsettled) return;
    this.#attached.delete(key);
    this.#makeRoom();
    this.#suspended.set(key, { unsettled, expiresAt: this.#clock.now() + milliseconds });
  }

  forget(key: string, unsettled: UnsettledDeliveries): void {
    if (this.#attached.get(key) === unsettled) this.#attached.delete(key);
  }

  #makeRoom(): void {
    const now = this.#clock.now();
    for (const [key, { expiresAt }] of this.#suspended) if (expiresAt <= now) this.#suspended.delete(key);
    for (const key of this.#suspended.keys()) {
      if (this.#suspended.size < SUSPENDED_MAX) return;
      this.#suspended.delete(key);
    }
  }
}

/** They belong to the broker, which knows nothing of links. */
const ofBroker = new WeakMap<Broker, RememberedLinks>();

export function rememberedLinks(broker: Broker): RememberedLinks {
  const known = ofBroker.get(broker);
  if (known !== undefined) return known;
  const links = new RememberedLinks(broker.clock);
  ofBroker.set(broker, links);
  return links;
}
